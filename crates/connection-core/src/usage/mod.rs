//! How much of an account is used: fetched through a plugin, kept while the process lives, polled where a host asks for it.
//!
//! Everything is of one account and profile: the profile's account, or a connection that is named. A fetch changes nothing of the connection; whether that works is what a
//! verification says. What a process fetched last and well stays beside why there is nothing newer; it is lost when the
//! process ends, and the next fetch brings it back.

mod bounds;
mod cache_ttl;
mod connect;
mod fetch;
pub mod json;
mod poller;
mod snapshots;
mod status;
mod target;

use std::fmt;

use connection_contract::{ConnectionError, Kind, SessionTokens, UsageMetric};
use tokio::sync::watch;

use crate::{ConnectionId, ConnectionRegistry, Error, Removal, contain, limits, verify::Flights};

pub use bounds::UsageBounds;
pub use cache_ttl::{PromptCacheTtl, prompt_cache_ttl};
pub use connect::{UsageConnect, UsageConnecting, UsageOption};
use fetch::{Fetched, answered};
pub use poller::PolledUsage;
use snapshots::Snapshots;
pub use snapshots::{UsageChanges, UsageReading};
pub use status::UsageStatus;

use crate::ProfileId;

/// What a process knows of usage.
pub(crate) struct UsageState {
    flights: Flights<Fetched>,
    snapshots: Snapshots,
    /// Counts what may have changed of kinds and connections.
    listed: watch::Sender<u64>,
    /// Whether the registry is closed.
    closed: watch::Sender<bool>,
}

impl Default for UsageState {
    fn default() -> Self {
        let (flights, snapshots) = Default::default();
        Self { flights, snapshots, listed: watch::Sender::new(0), closed: watch::Sender::new(false) }
    }
}

impl UsageState {
    /// There may be another kind or connection, or one less.
    pub(crate) fn listed(&self) {
        self.listed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Nothing is polled any more.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// The connection goes, or is another account's: nothing is fetched and nothing kept of the one before.
    pub(crate) fn forget(&self, id: ConnectionId) {
        self.flights.cancel(id);
        self.snapshots.forget(id);
    }
}

/// The usage of accounts of one kind and owner. Each method takes the profile that it is about: without one it is the
/// default one's, and for a kind without profiles it is ignored. A profile has one account as a rule; of several, the
/// provider's default is meant, or the one that is [named](Self::connection).
#[derive(Clone)]
pub struct Usage {
    registry: ConnectionRegistry,
    kind: Kind,
    connection: Option<ConnectionId>,
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").field("owner", &self.registry.owner).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl ConnectionRegistry {
    /// The usage of accounts of a kind. Whether it tells any, each method says.
    pub fn usage(&self, kind: &Kind) -> Usage {
        Usage { registry: self.clone(), kind: kind.clone(), connection: None }
    }

    /// What is fetched in this process from now on, of all owners.
    pub fn usage_changes(&self) -> UsageChanges {
        self.shared.usage.snapshots.changes()
    }
}

impl Usage {
    /// The usage of that connection alone, also where its profile has several. No profile need be said then; one that is
    /// said, and that the connection is not of, has nothing of it.
    #[must_use]
    pub fn connection(mut self, id: ConnectionId) -> Self {
        self.connection = Some(id);
        self
    }

    /// Fetches now, or waits for the fetch that is under way: there is one at a time for an account and profile, whoever
    /// asks. A provider that does not answer is data: the reading says why, and still has the last good snapshot.
    ///
    /// # Cancellation
    ///
    /// Dropped, the fetch goes on and its result is kept.
    ///
    /// # Errors
    ///
    /// [`Error::NoConnection`] when nothing is connected there, [`Error::NotFound`] when that is the one that is named,
    /// [`Error::Ambiguous`] when it is not clear what is meant, [`Error::NotSupported`] for a kind that tells no usage, [`Error::Profile`] for a profile that is not there,
    /// [`Error::UnknownKind`], and the store's.
    pub async fn fetch(&self, profile: Option<ProfileId>) -> Result<UsageReading, Error> {
        let target = self.target(profile).await?;
        let connection = self.connected(&target).await?.ok_or_else(|| self.nothing())?;
        Ok(fetch::fetch(&connection).await?.reading)
    }

    /// What this process fetched last, without asking anybody; `None` when that was nothing yet.
    ///
    /// # Errors
    ///
    /// As [`fetch`](Self::fetch), but for a connection that is not there: `None`.
    pub async fn snapshot(&self, profile: Option<ProfileId>) -> Result<Option<UsageReading>, Error> {
        let target = self.target(profile).await?;
        let Some(connection) = self.connected(&target).await? else { return Ok(None) };
        let (shared, info) = (&self.registry.shared, &connection.info);
        Ok(shared.usage.snapshots.read(info.id, info.identity.account_id.as_str(), shared.clock.passed()))
    }

    /// Removes the connection of that profile, or the one that is named, and no other; nothing is fetched of it any more.
    /// `None` when there was none.
    ///
    /// # Repetition
    ///
    /// Twice removes nothing more than once.
    ///
    /// # Errors
    ///
    /// [`Error::Ambiguous`] when there are several of them, also where one is the default or was there before there were
    /// profiles: [name](Self::connection) one. As [`fetch`](Self::fetch), but for a connection that is not there.
    pub async fn disconnect(&self, profile: Option<ProfileId>) -> Result<Option<Removal>, Error> {
        let target = self.target(profile).await?;
        let Some(connection) = self.only(&target).await? else { return Ok(None) };
        match self.registry.remove(connection).await {
            Ok(removal) => Ok(Some(removal)),
            // Somebody else was faster.
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a running session of the tool tells of itself, as metrics: the same for every profile, and perhaps none.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`]; [`Error::InvalidRequest`] for a document of more than 64 KiB or 32 levels;
    /// [`Error::PluginFault`] when the plugin crashes, and [`Error::Plugin`] when it says more than it may, or numbers that are
    /// none.
    pub async fn format_session_metrics(&self, session: SessionTokens) -> Result<Vec<UsageMetric>, Error> {
        if session.said.as_ref().is_some_and(|said| !limits::is_json(said, fetch::LONGEST_RAW)) {
            return Err(Error::InvalidRequest("the document of a session has at most 64 KiB and 32 levels"));
        }
        let entry = self.entry()?;
        let definition = entry.definition.clone();
        let task = async move { contain::call(|| definition.session_metrics(&session)) };
        let told = answered(&self.registry.shared, &self.kind, task).await?;
        let fault = |problem: &'static str| Error::Plugin {
            kind: self.kind.clone(),
            source: ConnectionError::Bug(problem.into()),
        };
        fetch::metrics(&told).map_err(fault)?;
        Ok(told)
    }

    /// Takes what a running session of the tool tells, and returns its metrics beside what was fetched of the account.
    ///
    /// Windows of time are of the account and not of the session: they are kept as what is fetched is, until the session
    /// tells newer ones or they are over, so that [`snapshot`](Self::snapshot) and later fetches have them, too. The reading
    /// that is returned has all metrics.
    ///
    /// # Errors
    ///
    /// As [`fetch`](Self::fetch) and [`format_session_metrics`](Self::format_session_metrics).
    pub async fn tell_session(
        &self,
        profile: Option<ProfileId>,
        session: SessionTokens,
    ) -> Result<UsageReading, Error> {
        let target = self.target(profile).await?;
        let connection = self.connected(&target).await?.ok_or_else(|| self.nothing())?;
        let metrics = self.format_session_metrics(session).await?;
        let (shared, info) = (&self.registry.shared, &connection.info);
        let at = (shared.clock.now(), shared.clock.passed());
        Ok(shared.usage.snapshots.tell(info.id, info.identity.account_id.as_str(), at, metrics))
    }
}
