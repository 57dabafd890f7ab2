//! The trait that a host implements to run setups.

use alloc::{string::String, vec::Vec};
use core::future::Future;

use connection_contract::{
    Compute, Descriptor, FileStat, FoundTool, HttpError, HttpRequest, HttpResponse, LogEvent, LoggedIn, LoginWindow,
    Notice, Root, Secret, ServiceError, Spend, Timestamp, ToolSpec,
};

use crate::{Part, Question, Run};

/// What is recorded together with an entry of the journal, in one transaction.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Beside<'a> {
    /// The way back to this session, by the `state` of a callback.
    Address(&'a str),
    /// The entry takes the place of the answer that the host kept for what was spent.
    Spent(&'a [u8; 32]),
    /// Nothing.
    Nothing,
}

/// A host that runs setups. The engine calls what asks the world once per effect, and only where the journal ends.
///
/// The methods with a body belong to services that a host need not offer: none of them is called unless the host gives that
/// service to the plugin.
#[expect(unused_variables, reason = "a host that does not offer a service needs none of them")]
pub trait Host: Send + Sync {
    /// The host's own reasons why a run stops.
    type Halt: Send;

    /// Calls `work` with the state of the run, under the host's lock. No code of a plugin runs in it.
    fn with_run<T>(&self, work: impl FnOnce(&mut Run<Self::Halt>) -> T) -> T;

    /// The descriptor of the kind.
    fn descriptor(&self) -> &Descriptor;

    /// The time.
    fn now(&self) -> Timestamp;

    /// SHA-256, for fingerprints.
    fn digest(&self, bytes: &[u8]) -> [u8; 32];

    /// Returns `bytes` with every signature of this run replaced by what it signs.
    fn settled(&self, bytes: &[u8]) -> Secret;

    /// Returns the `state` of the callback with that number: secret, and the same in every run of the session.
    fn state(&self, number: u64) -> [u8; 32];

    /// Called when the plugin asks, before the engine takes the turn.
    fn asks(&self, question: &Question<'_>, fingerprint: &str) {}

    /// Runs `live` while this run alone may ask the world.
    ///
    /// # Errors
    ///
    /// Another run may; nothing was asked, or its result is lost.
    fn lease<T: Send>(
        &self,
        live: impl Future<Output = T> + Send,
    ) -> impl Future<Output = Result<T, Self::Halt>> + Send {
        async { Ok(live.await) }
    }

    /// Makes the entry with that number durable. The plugin sees its result only then.
    ///
    /// # Errors
    ///
    /// The entry was not recorded.
    fn record(
        &self,
        seq: i64,
        entry: &Secret,
        beside: Beside<'_>,
    ) -> impl Future<Output = Result<(), Self::Halt>> + Send;

    /// Shows notices while the plugin works.
    fn show(&self, step: u64, notices: Vec<Notice>) {}

    /// Logs an event of the plugin, once.
    fn log(&self, event: LogEvent);

    /// Sends a request.
    fn send(&self, request: HttpRequest) -> impl Future<Output = Result<HttpResponse, HttpError>> + Send;

    /// Returns the key of what the effect with that number spends.
    fn spend_key(&self, seq: i64, spend: &Spend<'_>) -> [u8; 32];

    /// Sends a request that spends something, or returns the answer that was kept for that key.
    ///
    /// # Errors
    ///
    /// The run stops.
    fn send_once(
        &self,
        key: [u8; 32],
        request: HttpRequest,
    ) -> impl Future<Output = Result<Result<HttpResponse, HttpError>, Self::Halt>> + Send;

    /// Returns `true` if the host takes callbacks at all.
    fn takes_callbacks(&self) -> bool {
        false
    }

    /// Returns the address for a callback, or `None` when there is none to give now.
    fn redirect_uri(&self) -> impl Future<Output = Option<String>> + Send {
        async { None }
    }

    /// Makes sure that this host still takes callbacks at an address that it has given before.
    fn rebind(&self, address: &str) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Looks at a file.
    fn stat(&self, root: &Root, path: &str) -> impl Future<Output = Result<FileStat, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Lists a directory.
    fn list(&self, root: &Root, path: &str) -> impl Future<Output = Result<Vec<FileStat>, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Reads a file.
    fn read(&self, root: &Root, path: &str, limit: usize) -> impl Future<Output = Result<Secret, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Returns what `compute` makes of a file, or made of it before.
    fn cached(
        &self,
        root: &Root,
        path: &str,
        version: u32,
        limit: usize,
        compute: Compute<'_>,
    ) -> impl Future<Output = Result<Option<String>, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Drops what was made of files that are not in `live`, and returns their number.
    fn prune(&self, root: &Root, live: &[&str]) -> impl Future<Output = Result<u64, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Reads a value of the plugin.
    fn get(&self, part: &Part, key: &str) -> impl Future<Output = Result<Option<Secret>, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Writes a value of the plugin, or deletes it.
    fn put(
        &self,
        part: &Part,
        key: &str,
        value: Option<Secret>,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Looks for a local tool.
    fn find(&self, tool: &ToolSpec) -> impl Future<Output = Result<FoundTool, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Asks a local tool for its version.
    fn version(&self, tool: &ToolSpec) -> impl Future<Output = Result<String, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Shows a window to log in, and returns how it ended.
    fn open(&self, window: LoginWindow) -> impl Future<Output = LoggedIn> + Send {
        async { LoggedIn::Failed("this host shows no windows".into()) }
    }
}
