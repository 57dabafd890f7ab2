//! The registry: the registered kinds, and the connections of one owner.

mod access_tokens;
mod activate;
mod agent_access;
mod all_owners;
mod audit;
mod backup;
mod builder;
mod connection_of;
mod counts;
mod events;
mod facets;
mod freezes;
mod hints;
mod import;
mod inbound;
mod keys;
mod kind_terms;
mod learn;
mod limits;
mod list;
mod local;
mod machine;
mod moves;
mod node;
mod open;
mod outgoing;
mod owner_name;
mod preflight;
mod protect;
mod ready;
mod receiver;
mod registered;
mod remove;
mod remove_kind;
mod scheduler;
mod session_metrics;
mod store_state;
mod support;
mod systems;
mod upgrade;
mod uses;
mod values;
mod watch;

use std::{fmt, sync::Arc};

use connection_contract::BoxFuture;

use crate::{
    Clock, Connection, ConnectionId, ConnectionInfo, Error, Notification, connection, ground::Scope, keys::ClientKey,
};

pub use agent_access::AgentAccess;
pub use all_owners::{AllOwners, KindConnection};
pub use backup::{Backup, BackupError, Restored, RestoredConnection, TokenUse};
pub use builder::{OpenError, RegistryBuilder};
pub use counts::StoreCounts;
pub use events::{Event, Events, History};
pub use hints::{Hint, Hints};
pub use import::{BeginImport, Import, Imported, Imports};
pub use inbound::{InboundEndpoint, WeakConnectionRegistry};
pub use keys::Keys;
pub use kind_terms::KindChange;
pub use learn::{LearnFrom, LearnedRules};
pub use limits::Limits;
pub use local::Local;
pub use machine::Machine;
pub use moves::{MachineBound, MoveError, MoveStep, MoveUndone, Moved};
pub use node::{AnswerRoom, is_database_missing_in_use};
pub use outgoing::{OutgoingEvent, OutgoingEvents};
pub use preflight::{InOrder, Preflight};
pub use ready::NotReady;
pub use receiver::Receiver;
pub use registered::Kinds;
pub use remove::Removal;
pub use remove_kind::KindRemoval;
pub use store_state::StoreState;
pub use support::{HostService, KindSupport, NeedState};
pub(crate) use systems::Systems;
pub use upgrade::{StoreProcess, Upgrade};
pub use uses::{Use, UseEnd, UseFilter, Uses};
pub use watch::{BeginWatch, Watch};

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
/// - [`freezes`](Self::freezes): what is frozen, and freezing at once
/// - [`webhooks`](Self::webhooks): events that providers send
/// - [`events`](Self::events): what happened, and what happens from now on
/// - [`uses`](Self::uses): what was done with the connections, and by which program
/// - [`outgoing_events`](Self::outgoing_events): events that are sent to the operator
/// - [`profiles`](Self::profiles): identities of local tools
/// - [`local`](Self::local): this machine, for programs that start local tools
/// - [`keys`](Self::keys): the keys of the store
/// - [`access_tokens`](Self::access_tokens): tokens with which pages and programs use the API of a host
/// - [`store`](Self::store): the state of the store, for a program that keeps running
/// - [`all_owners`](Self::all_owners): the connections of all owners
/// - [`receiver`](Self::receiver): what a program needs that receives callbacks and webhooks itself
///
/// # Examples
///
/// ```
/// use connection_contract::{Kind, Liveness};
/// use connection_core::{ConnectionRegistry, KeyFile, Overview};
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
///     let failing = Overview::new().kind(Kind::from_static("github")).liveness(Liveness::Failing);
///     for entry in of_ada.overview(failing).await?.items {
///         let info = entry.info;
///         println!("{}: {}", info.label, info.reason.map(|reason| reason.message.to_string()).unwrap_or_default());
///     }
///     registry.close().await;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct ConnectionRegistry {
    pub(crate) systems: Arc<Systems>,
    pub(crate) owner: Arc<str>,
}

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
        crate::owner::check(&owner).map_err(Error::InvalidOwner)?;
        Ok(Self { systems: self.systems.clone(), owner: owner.into() })
    }

    /// Returns the name of the owner that this handle acts for.
    pub fn owner_name(&self) -> &str {
        &self.owner
    }

    /// Returns the clock that the registry was opened with.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.systems.ground.clock.clone()
    }

    /// Returns the public key with which the hosts of this store sign as an OAuth application, as a JSON Web Key Set
    /// (RFC 7517, section 5). Kinds that learn addresses from their provider sign with it, and the document of the
    /// application names it. It is the same for as long as the store exists. `None` if the cryptography fails.
    pub fn client_key_set(&self) -> Option<serde_json::Value> {
        let (x, y) = ClientKey::of(&self.systems.ground.sealer)?.public()?;
        let key = serde_json::json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256" });
        Some(serde_json::json!({ "keys": [key] }))
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
        Box::pin(Connection::find(self.connections(), id))
    }

    /// Returns the connections of this owner.
    fn connections(&self) -> Scope<'_, connection::System> {
        Scope { system: &self.systems.connection, owner: &self.owner }
    }

    /// Returns the information of a connection of this owner.
    pub(crate) async fn info(&self, id: ConnectionId) -> Result<ConnectionInfo, Error> {
        self.systems.ground.info_by_id(&self.owner, id).await
    }

    /// Prevents new requests that spend something, such as a refresh token, and waits until the refreshes in progress, and
    /// the approved requests of agents that are being sent, have ended and are stored.
    ///
    /// A host that was asked to stop calls this method before [`close`](Self::close), which leaves the stored answers
    /// of providers to the next process.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, a later process finds the records and continues from there. An approved request that
    /// was being sent is not sent again: its record says that the outcome is unknown.
    pub fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // The provider may refuse a request that is being sent, and a refresh may follow.
            self.systems.connection.executions.settled().await;
            self.systems.exchange.exchanges.settled().await;
            self.systems.refresh.refreshes.settled().await;
        })
    }

    /// Waits for requests that spend something, completes queued writes, and closes the store. Every later use is
    /// refused.
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.systems.exchange.exchanges.settled().await;
            self.systems.setup.release_leases().await;
            self.systems.ground.budgets.put_back_all().await;
            self.systems.ground.recorder.finish().await;
            self.systems.ground.hasten().await;
            self.systems.ground.applications_followed().await;
            self.systems.ground.freezes.leave().await;
            self.systems.ground.store.close().await;
            self.systems.ground.notifications.publish(&Notification::Closed);
        })
    }
}
