//! The registry: the registered kinds, and the connections of one owner.

mod activate;
mod audit;
mod builder;
mod check_kind;
mod defaults;
mod describe;
mod describe_tools;
mod events;
mod import;
mod keys;
mod limits;
mod list;
mod machine;
mod node;
mod open;
mod preflight;
mod protect;
mod registered;
mod remove;
mod remove_kind;
mod scheduler;
mod server;
mod support;
mod values;
mod watch;

use std::{
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, Weak},
};

use connection_contract::{BoxFuture, DisplayText};

use crate::{
    Connection, ConnectionId, ConnectionInfo, Error, SessionId,
    credential::{self, HotRows, ShownConnection, Stored},
    exchange, extension,
    refresh::{self, FlightResult},
    setup::{Inbound, Slot},
    store::Changed,
    usage::UsageState,
    verify::{Flights, ProbePermits},
    webhook::Checks,
};

pub use builder::{OpenError, RegistryBuilder};
pub(crate) use defaults::is_first;
pub use events::{Event, EventPage, Events, History};
pub use import::{BeginImport, Import, Imported, Imports};
pub use keys::Keys;
pub use limits::Limits;
pub use list::{Filter, Page};
pub use machine::Machine;
pub use node::AnswerRoom;
pub use preflight::{InOrder, Preflight};
pub use registered::Kinds;
pub use remove::{Removal, Teardown};
pub use remove_kind::KindRemoval;
pub use server::Server;
pub use support::{HostService, KindSupport, NeedState};
pub use watch::{BeginWatch, Watch};

/// The state that all handles of one opened registry share: that of each system, over the ground.
///
/// It dereferences to the system below it and so to the ground: `&Arc<Shared>` is also accepted where
/// `&Arc<exchange::System>` or `&Arc<Ground>` is expected.
pub(crate) struct Shared {
    /// The exchanges in progress, over the ground.
    pub(crate) exchange: Arc<exchange::System>,
    pub(crate) inbound: Inbound,
    /// The slots of sessions that have a handle, a run or a timer in this process.
    pub(crate) sessions: Mutex<HashMap<SessionId, Weak<Slot>>>,
    /// The probes in progress.
    pub(crate) flights: Flights<ConnectionInfo>,
    /// Limits how many probes run at once.
    pub(crate) places: ProbePermits,
    pub(crate) refreshes: Flights<FlightResult>,
    pub(crate) refresh_counts: refresh::Counts,
    /// Maximum number of open setups of one owner.
    pub(crate) most_setups: u32,
    pub(crate) removals: Flights<Removal>,
    pub(crate) rollbacks: Flights<ConnectionInfo>,
    /// The in-memory state of extensions.
    pub(crate) extensions: extension::Declarations,
    pub(crate) hot: Arc<HotRows>,
    pub(crate) usage: Arc<UsageState>,
    /// Webhook deliveries that are being checked.
    pub(crate) webhook_checks: Checks,
}

impl Deref for Shared {
    type Target = Arc<exchange::System>;

    fn deref(&self) -> &Self::Target {
        &self.exchange
    }
}

impl Shared {
    /// Forgets the cached rows, because they hold which kinds are registered.
    fn kinds_changed(&self) {
        self.hot.forget(Changed::Something);
    }

    /// Returns the hash under which a callback's `state` is stored.
    pub(crate) fn state_hash(&self, state: &str) -> [u8; 32] {
        self.sealer.mac("connections/state/v1", state.as_bytes())
    }
}

/// The connections of one owner, and everything that a host does with them. A clone is another handle to the same
/// registry.
///
/// A host opens the registry once with [`builder`](Self::builder), spawns [`run`](Self::run) if it stays running, and
/// calls [`owner`](Self::owner) for each user if it keeps its users apart. The registry itself finds, lists, verifies,
/// imports and removes connections. Each of its parts has a page of its own:
///
/// - [`setups`](Self::setups): connect accounts, step by step
/// - [`kinds`](Self::kinds): the registered plugins, and what works on this host
/// - [`extensions`](Self::extensions): programs that use connections as far as a person granted it
/// - [`webhooks`](Self::webhooks): events that providers send
/// - [`events`](Self::events): what happened, and what happens from now on
/// - [`usage`](Self::usage): how much of an account's quota is used
/// - [`profiles`](Self::profiles) and [`sandbox`](Self::sandbox): identities and containers of local tools
/// - [`keys`](Self::keys): the keys of the store
/// - [`server`](Self::server): what a program needs that keeps running or receives requests
///
/// # Examples
///
/// ```
/// use connection_contract::{Kind, Liveness};
/// use connection_core::{ConnectionRegistry, Filter, KeyFile};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let directory = tempfile::tempdir()?;
///     let registry = ConnectionRegistry::builder()
///         .store(directory.path().join("store/connections.db").display().to_string())
///         .key(KeyFile::at(directory.path().join("key/root.key")))
///         .open()
///         .await?;
///     let of_ada = registry.owner("ada")?;
///     let failing = Filter::new().kind(Kind::from_static("github")).liveness(Liveness::Failing);
///     for info in of_ada.list_connections(failing).await?.connections {
///         println!("{}: {}", info.label, info.reason.map(|reason| reason.message.to_string()).unwrap_or_default());
///     }
///     registry.close().await;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct ConnectionRegistry {
    pub(crate) shared: Arc<Shared>,
    pub(crate) owner: Arc<str>,
}

const MAX_OWNER_LENGTH: usize = 200;

impl fmt::Debug for ConnectionRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionRegistry").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl ConnectionRegistry {
    /// Returns a builder that opens a registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::new()
    }

    /// Returns a handle that acts for `owner` and sees only that owner's connections.
    ///
    /// An owner is a namespace, not an authentication: the host decides who may act for whom.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOwner`] for a text that is empty, has more than 200 characters, or contains control characters
    /// or invisible ones.
    pub fn owner(&self, owner: impl Into<String>) -> Result<Self, Error> {
        let owner = owner.into();
        if owner.is_empty() {
            return Err(Error::InvalidOwner("is empty"));
        }
        if owner.chars().count() > MAX_OWNER_LENGTH {
            return Err(Error::InvalidOwner("has more than 200 characters"));
        }
        if DisplayText::from(owner.clone()).as_str() != owner {
            return Err(Error::InvalidOwner("has control characters or invisible ones"));
        }
        Ok(Self { shared: self.shared.clone(), owner: owner.into() })
    }

    /// Returns the connection with this id.
    ///
    /// The row of a connection in use is not read again for half a second: see [`hot_rows`](Limits::hot_rows).
    /// Changes that this process makes are seen at once.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if this owner has no such connection, and the store's errors.
    pub fn connection(&self, id: ConnectionId) -> BoxFuture<'_, Result<Connection, Error>> {
        Box::pin(async move {
            // Without this check, a cached row could be returned after the store was closed.
            if self.shared.store.is_closed() {
                return Err(Error::Closed);
            }
            let known = self.shared.hot.read(&Stored::with_id(&self.shared, &self.owner, id)).await?;
            Ok(Connection { shared: self.shared.clone(), info: known.info.clone() })
        })
    }

    pub(crate) async fn info(&self, id: ConnectionId) -> Result<ConnectionInfo, Error> {
        Ok(self.info_and_generation(id).await?.0)
    }

    /// Returns the information of a connection and the generation of its credential.
    pub(crate) async fn info_and_generation(&self, id: ConnectionId) -> Result<(ConnectionInfo, i64), Error> {
        let row = self.shared.reader().await?.listed(id).await?;
        let row = row.filter(|row| *row.account.owner == *self.owner).ok_or(Error::NotFound(id))?;
        let generation = row.account.generation;
        Ok((self.shared.info(row).ok_or(Error::NotFound(id))?, generation))
    }

    pub(crate) async fn seen(&self, id: ConnectionId) -> Result<ShownConnection, Error> {
        let read = credential::read(&self.shared, id).await?;
        if *read.listed.account.owner != *self.owner {
            return Err(Error::NotFound(id));
        }
        let info = self.shared.info(read.listed.clone()).ok_or(Error::NotFound(id))?;
        Ok(ShownConnection { info, read })
    }

    /// Prevents new requests that spend something, such as a refresh token, and waits until the refreshes in progress
    /// have ended and are stored.
    ///
    /// A host that is told to end calls this method before [`close`](Self::close), which leaves the stored answers of
    /// providers to the next process.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, nothing is lost: a later process finds the records and continues from there.
    pub fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.shared.exchanges.settled().await;
            self.shared.refreshes.settled().await;
        })
    }

    /// Waits for requests that spend something, completes queued writes, and closes the store. Every later use is
    /// refused.
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.shared.exchanges.settled().await;
            self.shared.release_leases().await;
            self.shared.store.close().await;
            self.shared.usage.close();
        })
    }
}
