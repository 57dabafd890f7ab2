//! Freezing and thawing: what a person stops at once, without removing it.
//!
//! The rows and the decisions are in `frozen`. A change writes the row that names all that is frozen, before anything
//! else: it takes a lock that no use holds, so it waits for nothing that lasts.

mod change;
mod list;
mod released;

use std::fmt;

use connection_contract::{BoxFuture, DisplayText, Timestamp};

use crate::{
    Error, InForce,
    frozen::{FreezeNote, Frozen},
    ground::{Ground, Scope},
};

pub use list::FrozenNow;
pub use released::Released;

/// Something that is frozen, and who froze it.
///
/// ```
/// use connection_core::{ConnectionRegistry, Error};
///
/// async fn print(registry: &ConnectionRegistry) -> Result<(), Error> {
///     for freeze in registry.freezes().list().await? {
///         println!("{} since {:?}", freeze.what, freeze.at.map(|at| at.to_rfc3339()));
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Freeze {
    /// The thing that is frozen.
    pub what: Frozen,
    /// The owner of the connection or the agent; `None` for anything else.
    pub owner: Option<String>,
    /// The time at which it was frozen; `None` if the row that names what is frozen was damaged.
    pub at: Option<Timestamp>,
    /// The person or the program that froze it, if the host named one.
    pub by: Option<DisplayText>,
}

/// A note that something was frozen or thawed.
///
/// ```
/// use connection_core::FreezeChange;
///
/// fn line(change: &FreezeChange) -> String {
///     format!("{} {} {}", change.at.to_rfc3339(), if change.is_freeze { "frozen" } else { "thawed" }, change.what)
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FreezeChange {
    /// The thing that was frozen or thawed.
    pub what: Frozen,
    /// The owner of the connection or the agent; `None` for anything else.
    pub owner: Option<String>,
    /// The time of the change.
    pub at: Timestamp,
    /// The person or the program that made the change, if the host named one.
    pub by: Option<DisplayText>,
    /// `true` if it was frozen, `false` if it was thawed.
    pub is_freeze: bool,
}

impl FreezeChange {
    fn of(note: &FreezeNote) -> Option<Self> {
        Some(Self {
            what: note.what.parse().ok()?,
            owner: note.owner.clone(),
            at: Timestamp::from_seconds(note.at),
            by: note.by.clone().map(Into::into),
            is_freeze: note.is_freeze,
        })
    }
}

/// The result of freezing.
///
/// ```
/// use connection_core::{ConnectionId, ConnectionRegistry, Error, Frozen};
///
/// async fn stop(registry: &ConnectionRegistry, id: ConnectionId) -> Result<(), Error> {
///     let froze = registry.freezes().freeze(Frozen::Connection(id)).await?;
///     for released in froze.released {
///         println!("{} was handed out and still works: {}", released.name, released.remedy());
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Froze {
    /// The thing that is frozen now. It is more than what was asked for if there was no room to name that.
    pub what: Frozen,
    /// `true` if the thing was frozen before.
    pub was_frozen: bool,
    /// The number of connections that the freeze concerns now.
    pub connections: u64,
    /// The secrets that were handed out and still work, the last one first. A freeze does not end them.
    pub released: Vec<Released>,
    /// `true` if the record of events has older releases that were not looked for.
    pub has_older: bool,
    /// Whether the freeze is in force in every process.
    pub in_force: InForce,
}

/// The result of thawing.
///
/// ```
/// use connection_core::{ConnectionId, ConnectionRegistry, Error, Frozen};
///
/// async fn resume(registry: &ConnectionRegistry, id: ConnectionId) -> Result<bool, Error> {
///     let thawed = registry.freezes().thaw(Frozen::Connection(id)).await?;
///     // The owner of the connection may be frozen, too.
///     Ok(thawed.still.is_empty())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thawed {
    /// `true` if the thing was frozen.
    pub was_frozen: bool,
    /// What is still frozen that concerns the thing; after [`Frozen::All`], all that is frozen.
    pub still: Vec<Frozen>,
}

/// Freezing and thawing for one owner. Only the host calls these methods, after a person decided so.
///
/// Nothing frozen is used, at any door and by any program, and none of its secrets is handed out. When the call returns,
/// a second after the commit at the latest, a freeze is in force in every process of the store, or
/// [`Froze::in_force`] names those of which that is not known: no use begins, no further byte of a request is given to the network,
/// and streams end with [`Error::Frozen`]. Bytes that the system has already taken may still arrive. Refreshes,
/// verifications, fetches of usage and revocations go on, so that nothing dies meanwhile.
///
/// One row of the store names all that is frozen. If it is missing, was edited or is an earlier one, everything is
/// frozen, until [`Frozen::All`] is thawed. It names 1,000 connections, agents and kinds; beyond that, the owner of a
/// connection or an agent is frozen, and everything instead of a kind.
///
/// ```
/// use connection_core::{ConnectionRegistry, Error, Frozen};
///
/// async fn stop_an_agent(registry: &ConnectionRegistry) -> Result<(), Error> {
///     let agent = registry.agents().get("deploy").await?;
///     registry.freezes().by("ada").freeze(Frozen::Agent(agent.id())).await?;
///     assert_eq!(registry.freezes().list().await?.len(), 1);
///     registry.freezes().by("ada").thaw(Frozen::Agent(agent.id())).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Freezes<'a> {
    scope: Scope<'a, Ground>,
    by: Option<DisplayText>,
}

impl fmt::Debug for Freezes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freezes").field("owner", &self.scope.owner).finish_non_exhaustive()
    }
}

impl<'a> Freezes<'a> {
    pub(crate) fn new(scope: Scope<'a, Ground>) -> Self {
        Self { scope, by: None }
    }

    /// Names the person or the program that freezes or thaws, for the notes.
    #[must_use]
    pub fn by(mut self, by: impl Into<DisplayText>) -> Self {
        self.by = Some(by.into());
        self
    }

    /// Freezes something. A connection and an agent are those of this owner; an owner, a kind and everything are of the
    /// whole store, and the host decides who may freeze them.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the thing is frozen or not.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] and [`AgentError::Unknown`](crate::AgentError::Unknown) for a connection or an agent that the
    /// owner does not have, [`Error::InvalidOwner`], and the store's errors. Nothing was frozen, unless the error is one
    /// of reading the releases.
    pub fn freeze(self, what: Frozen) -> BoxFuture<'a, Result<Froze, Error>> {
        Box::pin(async move { self.put(what).await })
    }

    /// Thaws something: it is used again, unless something else that is frozen concerns it. Thawing [`Frozen::All`]
    /// leaves connections, agents, owners and kinds frozen that were frozen by themselves, and replaces a row that was
    /// refused.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] if the row that names what is frozen is refused, except for [`Frozen::All`]; and the store's
    /// errors. Nothing was thawed.
    pub fn thaw(self, what: Frozen) -> BoxFuture<'a, Result<Thawed, Error>> {
        Box::pin(async move { self.remove(what).await })
    }
}
