//! The face of the store: its name, whether it answers, and what it holds in numbers.

use connection_contract::{BoxFuture, Kind};

use super::{AnswerRoom, ConnectionRegistry, NotReady, StoreCounts};
use crate::{
    Error, StoreError,
    store::{any_of, called},
};

/// The store of a registry, for the log, the checks and the metrics of a program that keeps running.
///
/// # Examples
///
/// ```
/// use connection_core::{AnswerRoom, ConnectionRegistry};
///
/// async fn report(registry: &ConnectionRegistry) {
///     let store = registry.store();
///     println!("{}: {}", store.name(), if store.health().await { "up" } else { "down" });
///     if let AnswerRoom::Memory = store.answer_room() {
///         println!("an answer that the store cannot take is lost with this process");
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StoreState<'a> {
    pub(super) registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns the state of the store.
    pub fn store(&self) -> StoreState<'_> {
        StoreState { registry: self }
    }
}

impl<'a> StoreState<'a> {
    /// Returns a readable name of the database: `PostgreSQL at db.example:5432`, or `the database` and the path of its
    /// file. The name contains no password.
    pub fn name(self) -> String {
        called(self.registry.systems.ground.store.place())
    }

    /// Returns `true` if the store can be read. On Unix, it is `false` after the file of a SQLite database was moved,
    /// deleted or replaced.
    pub fn health(self) -> BoxFuture<'a, bool> {
        Box::pin(self.registry.systems.ground.store.health())
    }

    /// Returns `true` if a connection to a PostgreSQL server is in use a minute after the end of what it waited for.
    /// Every wait ends by itself, also while the server is away, so only a new process mends this. Connections of a
    /// host's pool are not looked at.
    ///
    /// ```
    /// use connection_core::ConnectionRegistry;
    ///
    /// fn needs_restart(registry: &ConnectionRegistry) -> bool {
    ///     registry.store().is_stuck()
    /// }
    /// ```
    pub fn is_stuck(self) -> bool {
        self.registry.systems.ground.store.is_stuck()
    }

    /// Returns `true` if the file of a SQLite database, or its log, was moved, deleted or replaced while this process
    /// had it open. Nothing is stored then, no credential is used, and lists show what the former file has.
    pub fn is_displaced(self) -> bool {
        self.registry.systems.ground.store.check_files().is_err()
    }

    /// Checks that this process could answer a request now: the database can be read, its file is at its place, its
    /// server is no standby, its tables are those of this program, the program is not too old to write them, the keys
    /// open it, and writes do not fail for lack of space, or of a right on one of the tables, or because the server
    /// takes none. A load balancer sends
    /// requests to a process while this is so.
    ///
    /// ```
    /// use connection_core::ConnectionRegistry;
    ///
    /// async fn report(registry: &ConnectionRegistry) {
    ///     match registry.store().ready().await {
    ///         Ok(()) => println!("ready"),
    ///         Err(reason) => println!("not ready: {reason}"),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The reason why it could not.
    pub fn ready(self) -> BoxFuture<'a, Result<(), NotReady>> {
        Box::pin(async move {
            let systems = &self.registry.systems;
            let found = async {
                if self.is_displaced() {
                    return Ok(Err(NotReady::Displaced));
                }
                if systems.ground.store.is_standby().await? {
                    return Ok(Err(NotReady::Standby));
                }
                if !systems.ground.store.is_migrated().await? {
                    return Ok(Err(NotReady::Tables));
                }
                if systems.ground.store.reader().await?.part().await?.oldest > systems.ground.store.program().schema {
                    return Ok(Err(NotReady::TooOld));
                }
                if systems.ground.store.lacks_right().await? {
                    return Ok(Err(NotReady::ReadOnly));
                }
                if !systems.ground.sealer.opens_store().await? {
                    return Ok(Err(NotReady::Keys));
                }
                Ok::<_, StoreError>(match systems.ground.store.unwritable().await {
                    None => Ok(()),
                    Some(StoreError::Full { .. }) => Err(NotReady::Full),
                    Some(_) => Err(NotReady::ReadOnly),
                })
            };
            found.await.unwrap_or(Err(NotReady::Store))
        })
    }

    /// Returns why tokens that are used up by their use are not sent, which is
    /// [`StoreError::Promoted`]; `None` if they are sent.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn promotion(self) -> BoxFuture<'a, Result<Option<StoreError>, Error>> {
        Box::pin(async move {
            match self.registry.systems.ground.store.refuse_after_promotion().await {
                Ok(()) => Ok(None),
                Err(promoted @ StoreError::Promoted { .. }) => Ok(Some(promoted)),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Returns what the store holds and what waits in it, in numbers over all owners.
    ///
    /// Two queries count the rows, and one more finds the kinds that have connections and were not read yet. The first reads every connection, so a host that is asked often keeps the answer
    /// for some seconds.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn counts(self) -> BoxFuture<'a, Result<StoreCounts, Error>> {
        Box::pin(async move {
            let systems = &self.registry.systems;
            systems.ground.read_connected_kinds().await?;
            let words = |kinds: &[Kind]| any_of(kinds.iter().map(Kind::as_str));
            let (renewing, registered) = (words(&systems.ground.renewing()), words(&systems.ground.registered()));
            let now = systems.ground.clock.now().seconds();
            let mut reader = systems.ground.reader().await?;
            let connections = reader.count_by_liveness().await?;
            let waiting = reader.count_waiting(now, &renewing, &registered).await?;
            Ok(StoreCounts::of(&connections, waiting))
        })
    }

    /// Starts a [courier](crate::RegistryBuilder::couriers) without a request. Returns the reason if none starts.
    pub fn missing_courier_reason(self) -> BoxFuture<'a, Option<String>> {
        let systems = self.registry.systems.clone();
        Box::pin(async move { crate::exchange::check_courier(&systems.exchange).await.err() })
    }

    /// Returns the place where this process keeps an answer that its store cannot take at the moment.
    pub fn answer_room(self) -> AnswerRoom {
        self.registry.systems.answer_room()
    }
}
