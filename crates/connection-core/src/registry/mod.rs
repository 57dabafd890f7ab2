//! The registry: kinds, and the connections of one owner.

mod bounds;
mod builder;
mod cursor;
mod defaults;
mod describe;
mod describe_tools;
mod events;
mod import;
mod key;
mod kinds;
mod lends;
mod list;
mod node;
mod preflight;
mod protect;
mod remove;
mod remove_kind;
mod support;
mod values;
mod watch;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, Weak},
};

use connection_contract::{ConnectionDefinition, DisplayText, Kind};

use crate::{
    Clock, Connection, ConnectionId, Environment, Error, FilesPolicy, IdGenerator, ProfileId, SessionId,
    connection::{HotRows, Stored},
    contain::Runtimes,
    exchange::{Exchanges, StateDirectory},
    extension,
    lent::{self, Lent},
    liveness::Subscriptions,
    refresh::{self, Landed},
    seal::Sealer,
    services::{crypto::SystemCrypto, file_cache::Cache, given::Given, http::HttpClient},
    setup::{Inbound, Slot},
    store::{Changed, Reader, Store, called},
    usage::UsageState,
    verify::{self, Flights, Places, Seen},
    webhook::Checks,
};

pub use builder::{OpenError, RegistryBuilder};
pub use cursor::{InvalidCursor, ListCursor};
pub(crate) use defaults::is_first;
pub use events::{Event, EventPage, History};
pub use import::{BeginImport, Import, Imported, Imports};
pub(crate) use kinds::KindEntry;
use kinds::Kinds;
pub use kinds::{KindInfo, RegisterError};
pub use list::{ConnectionInfo, Filter, Page};
pub use node::AnswerRoom;
pub use preflight::{InOrder, Preflight};
pub use remove::{Removal, Teardown};
pub use remove_kind::KindRemoval;
pub use support::{Feature, HostService, KindSupport, NeedState};
pub use watch::{BeginWatch, Watch};

/// How often a host uses a profile of an owner and a kind.
pub(crate) type ProfileUses = Box<dyn Fn(&str, &Kind, ProfileId) -> usize + Send + Sync>;

/// What all handles of one opened registry share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    /// What this process is called in leases.
    pub(crate) process: String,
    pub(crate) sealer: Sealer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
    pub(crate) crypto: SystemCrypto,
    pub(crate) http: HttpClient,
    pub(crate) files: Arc<FilesPolicy>,
    /// What was made of files.
    pub(crate) file_cache: Arc<Cache>,
    pub(crate) environment: Arc<dyn Environment>,
    /// How often the host uses a profile, if it says so.
    pub(crate) profile_uses: Option<ProfileUses>,
    pub(crate) inbound: Inbound,
    /// What kinds are lent of this machine.
    pub(crate) lent: Lent,
    /// Secret values of kinds that the host gives.
    pub(crate) given: Given,
    pub(crate) kinds: Kinds,
    /// What this process keeps of sessions that have a handle, a run or a timer.
    pub(crate) sessions: Mutex<HashMap<SessionId, Weak<Slot>>>,
    /// Probes.
    pub(crate) flights: Flights<ConnectionInfo>,
    /// How many probes run at once.
    pub(crate) places: Places,
    pub(crate) refreshes: Flights<Landed>,
    pub(crate) refresh_counts: refresh::Counts,
    /// How many setups of one owner may be open.
    pub(crate) most_setups: u32,
    pub(crate) removals: Flights<Removal>,
    pub(crate) rollbacks: Flights<ConnectionInfo>,
    pub(crate) subscriptions: Subscriptions,
    /// What is known of extensions beside the store.
    pub(crate) extensions: extension::Known,
    /// What spends something and is under way.
    pub(crate) exchanges: Exchanges,
    /// The directory of this node, where there is one.
    pub(crate) state: Option<Arc<StateDirectory>>,
    pub(crate) hot: Arc<HotRows>,
    pub(crate) usage: Arc<UsageState>,
    /// Deliveries of webhooks that are being checked.
    pub(crate) webhook_checks: Checks,
    pub(crate) runtimes: Arc<Runtimes>,
}

impl Shared {
    pub(crate) async fn reader(&self) -> Result<Reader, Error> {
        Ok(self.store.reader().await?)
    }

    /// Forgets the rows that are kept, since they say which kinds are registered.
    fn kinds_changed(&self) {
        self.hot.forget(Changed::Something);
    }

    /// What is kept of a callback's `state`.
    pub(crate) fn state_hash(&self, state: &str) -> [u8; 32] {
        self.sealer.mac("connections/state/v1", state.as_bytes())
    }
}

/// Kinds, and the connections of one owner. A clone is another handle to the same.
#[derive(Clone)]
pub struct ConnectionRegistry {
    pub(crate) shared: Arc<Shared>,
    pub(crate) owner: Arc<str>,
}

/// Whose connections are, unless a host keeps its users apart.
pub(crate) const DEFAULT_OWNER: &str = "local";
const LONGEST_OWNER: usize = 200;

/// Whether it is the owner for whom registries are opened: the environment of the process, with its home and all that tools
/// keep there, is of that one and of no other.
pub(crate) fn has_environment(owner: &str) -> bool {
    owner == DEFAULT_OWNER
}

impl fmt::Debug for ConnectionRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionRegistry").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl ConnectionRegistry {
    /// A registry to open.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::new()
    }

    /// The same registry for another owner, whose rows alone it reaches. An owner is a name that keeps rows apart, and
    /// proves nothing.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOwner`] for a text that is empty, too long, or has characters that nobody sees.
    pub fn owner(&self, owner: impl Into<String>) -> Result<Self, Error> {
        let owner = owner.into();
        if owner.is_empty() {
            return Err(Error::InvalidOwner("is empty"));
        }
        if owner.chars().count() > LONGEST_OWNER {
            return Err(Error::InvalidOwner("has more than 200 characters"));
        }
        if DisplayText::from(owner.clone()).as_str() != owner {
            return Err(Error::InvalidOwner("has control characters or invisible ones"));
        }
        Ok(Self { shared: self.shared.clone(), owner: owner.into() })
    }

    /// Adds a kind. Nothing depends on whose plugin it is. It is [activated](ConnectionDefinition::activate) behind the
    /// call, with values of the owner that this handle is of; one that fails at that is logged, and stays.
    ///
    /// # Errors
    ///
    /// [`RegisterError`]; what was registered before is untouched.
    pub fn register_connection_kind(&self, definition: impl ConnectionDefinition) -> Result<(), RegisterError> {
        let entry = self.shared.kinds.register(definition)?;
        self.shared.kinds_changed();
        lent::activate(&self.shared, &entry, &self.owner);
        self.shared.usage.listed();
        Ok(())
    }

    /// Adds a kind, or puts it in the place of one; sessions go on with the new one. It is activated, as one that is added.
    ///
    /// # Errors
    ///
    /// [`RegisterError`]; what was registered before is untouched.
    pub fn replace_connection_kind(&self, definition: impl ConnectionDefinition) -> Result<(), RegisterError> {
        let entry = self.shared.kinds.replace(definition)?;
        self.shared.kinds_changed();
        lent::activate(&self.shared, &entry, &self.owner);
        self.shared.usage.listed();
        Ok(())
    }

    /// The kinds by name.
    pub fn kinds(&self) -> Vec<KindInfo> {
        self.shared.kinds.all()
    }

    /// One kind.
    pub fn kind(&self, kind: &Kind) -> Option<KindInfo> {
        self.shared.kinds.entry(kind).map(|entry| entry.info())
    }

    /// The connection with this id.
    ///
    /// A connection in use is not read again for half a second: see [`hot_rows`](RegistryBuilder::hot_rows). Changes that
    /// this process makes are seen at once.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when this owner has none, and the store's.
    pub async fn connection(&self, id: ConnectionId) -> Result<Connection, Error> {
        // A kept row could be given out after the store was closed, until the row is dropped.
        if self.shared.store.is_closed() {
            return Err(Error::Closed);
        }
        let known = self.shared.hot.read(&Stored::with_id(&self.shared, &self.owner, id)).await?;
        Ok(Connection { shared: self.shared.clone(), info: known.info.clone() })
    }

    pub(crate) async fn info(&self, id: ConnectionId) -> Result<ConnectionInfo, Error> {
        Ok(self.info_and_generation(id).await?.0)
    }

    /// What is known of it, and by which credential.
    pub(crate) async fn info_and_generation(&self, id: ConnectionId) -> Result<(ConnectionInfo, i64), Error> {
        let row = self.shared.reader().await?.listed(id).await?;
        let row = row.filter(|row| *row.account.owner == *self.owner).ok_or(Error::NotFound(id))?;
        let generation = row.account.generation;
        Ok((self.shared.info(row).ok_or(Error::NotFound(id))?, generation))
    }

    /// Reads a connection with its current credential, in one statement.
    pub(crate) async fn seen(&self, id: ConnectionId) -> Result<Seen, Error> {
        let read = verify::read(&self.shared, id).await?;
        if *read.listed.account.owner != *self.owner {
            return Err(Error::NotFound(id));
        }
        let info = self.shared.info(read.listed.clone()).ok_or(Error::NotFound(id))?;
        Ok(Seen { info, read })
    }

    /// Returns what people call the database: `PostgreSQL at db.example:5432`, or `the database` and the path of its file.
    /// No password is in it.
    pub fn store_name(&self) -> String {
        called(self.shared.store.place())
    }

    /// Whether the store can be read. Never an error.
    pub async fn health(&self) -> bool {
        self.shared.store.health().await
    }

    /// Lets nothing begin any more that spends something, and resolves when the renewals that are under way have come to
    /// their end and are stored. For a host that is told to end, before [`close`](Self::close), which leaves what a
    /// provider has answered to the next process.
    ///
    /// # Cancellation
    ///
    /// Dropped, nothing is lost: a later process finds what was recorded, and goes on from there.
    pub async fn drain(&self) {
        self.shared.exchanges.settled().await;
        self.shared.refreshes.settled().await;
    }

    /// Ends what is queued, waits for requests that spend something, and closes the store. Every later use is refused.
    pub async fn close(&self) {
        self.shared.exchanges.settled().await;
        self.shared.release_leases().await;
        self.shared.store.close().await;
        self.shared.usage.close();
    }
}
