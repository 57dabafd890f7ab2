//! The trait that a host implements to run setups.

use alloc::{string::String, vec::Vec};
use core::future::Future;

use connection_contract::{
    AddressPurpose, Compute, Descriptor, FileStat, FoundTool, GrantedDirectory, HttpError, HttpRequest, HttpResponse,
    LogEvent, LoginOutcome, LoginWindow, Notice, Origin, Secret, ServiceError, Spend, Timestamp, ToolSpec,
};

use crate::{Effect, EffectRequest, Part, Run};

/// A change to the store that is committed with a journal entry, in one transaction.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StoreChange<'a> {
    /// The `state` of a callback, by which the callback finds this session.
    Address(&'a str),
    /// The key of what was spent. The entry replaces the answer that the host kept for this key.
    Spent(&'a [u8; 32]),
    /// The entry is committed without a further change.
    None,
}

/// A host that runs setups.
///
/// The engine calls a method that runs an effect only after the end of the recorded journal, once per effect. Most
/// methods with a body belong to services that a host need not offer. The engine calls such a method only if the host
/// gives that service to the plugin.
#[expect(unused_variables, reason = "a host that does not offer a service needs none of them")]
pub trait Host: Send + Sync {
    /// The host's own reasons to stop a run.
    type Halt: Send;

    /// Calls `work` with the state of the run, under the host's lock. `work` runs no code of a plugin.
    fn with_run<T>(&self, work: impl FnOnce(&mut Run<Self::Halt>) -> T) -> T;

    /// Returns the descriptor of the kind.
    fn descriptor(&self) -> &Descriptor;

    /// Returns the current time of the host's clock.
    fn now(&self) -> Timestamp;

    /// Returns the SHA-256 digest of `bytes`, for fingerprints.
    fn digest(&self, bytes: &[u8]) -> [u8; 32];

    /// Returns `bytes` with every signature of this run replaced by a stand-in for what it signs.
    fn settled(&self, bytes: &[u8]) -> Secret;

    /// Returns the `state` of the callback with this number. It is secret, and the same in every run of the session.
    fn state(&self, number: u64) -> [u8; 32];

    /// Receives each effect that the plugin requests, before the engine searches for a recorded result.
    fn asks(&self, question: &EffectRequest<'_>, fingerprint: &str) {}

    /// Receives each recorded result that a replay uses, before the plugin sees it.
    fn replays(&self, effect: &Effect) {}

    /// Awaits `live` under the session's lease, so that no other run of the session performs an effect at the same
    /// time.
    ///
    /// # Errors
    ///
    /// Another run holds the lease. Either `live` was not run, or its result is lost.
    fn lease<T: Send>(
        &self,
        live: impl Future<Output = T> + Send,
    ) -> impl Future<Output = Result<T, Self::Halt>> + Send {
        async { Ok(live.await) }
    }

    /// Makes the entry with this number durable. The plugin sees the result only after that.
    ///
    /// # Errors
    ///
    /// The entry was not recorded.
    fn record(
        &self,
        seq: i64,
        entry: &Secret,
        beside: StoreChange<'_>,
    ) -> impl Future<Output = Result<(), Self::Halt>> + Send;

    /// Shows notices while the plugin works.
    fn show(&self, step: u64, notices: Vec<Notice>) {}

    /// Logs an event of the plugin. A replay does not log it again.
    fn log(&self, event: LogEvent);

    /// Sends a request and returns its response.
    fn send(&self, request: HttpRequest) -> impl Future<Output = Result<HttpResponse, HttpError>> + Send;

    /// Returns the key of what the effect with this number spends.
    fn spend_key(&self, seq: i64, spend: &Spend<'_>) -> [u8; 32];

    /// Sends a request that spends something, or returns the answer that the host kept for this key.
    ///
    /// # Errors
    ///
    /// The reason why the run stops.
    fn send_once(
        &self,
        key: [u8; 32],
        request: HttpRequest,
    ) -> impl Future<Output = Result<Result<HttpResponse, HttpError>, Self::Halt>> + Send;

    /// Returns `true` if the host can receive callbacks.
    fn takes_callbacks(&self) -> bool {
        false
    }

    /// Returns the address for a callback, which ends with `part` if there is one, or `None` if the host has no such
    /// address at the moment.
    fn redirect_uri(&self, part: Option<&str>) -> impl Future<Output = Option<String>> + Send {
        async { None }
    }

    /// Returns `true` if requests may go to an origin that the provider named. The engine has checked its scheme; a host
    /// that sends requests into private networks checks the address as well.
    fn allows_discovered(&self, origin: &Origin, purpose: AddressPurpose) -> bool {
        true
    }

    /// Makes sure that this host still receives callbacks at an address from an earlier run.
    fn rebind(&self, address: &str) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Returns the metadata of a file or directory.
    fn stat(&self, root: &GrantedDirectory, path: &str) -> impl Future<Output = Result<FileStat, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Lists the entries of a directory.
    fn list(
        &self,
        root: &GrantedDirectory,
        path: &str,
    ) -> impl Future<Output = Result<Vec<FileStat>, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Reads a file of at most `limit` bytes.
    fn read(
        &self,
        root: &GrantedDirectory,
        path: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Secret, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Returns the result of `compute` for a file, computed now or taken from the cache.
    fn cached(
        &self,
        root: &GrantedDirectory,
        path: &str,
        version: u32,
        limit: usize,
        compute: Compute<'_>,
    ) -> impl Future<Output = Result<Option<String>, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Drops the cached results of files that are not in `live`, and returns their number.
    fn prune(&self, root: &GrantedDirectory, live: &[&str]) -> impl Future<Output = Result<u64, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Reads a value of the plugin.
    fn get(&self, part: &Part, key: &str) -> impl Future<Output = Result<Option<Secret>, ServiceError>> + Send {
        async { Err(ServiceError::Unavailable) }
    }

    /// Writes a value of the plugin, or deletes it if `value` is `None`.
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

    /// Shows a login window and returns how it ended.
    fn open(&self, window: LoginWindow) -> impl Future<Output = LoginOutcome> + Send {
        async { LoginOutcome::Failed("this host cannot show windows".into()) }
    }
}
