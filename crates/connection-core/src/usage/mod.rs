//! The usage of accounts: fetched through a plugin, kept in memory, and polled if a host wants that.
//!
//! Each call is about one account and profile: the profile's account, or a connection that is named. A fetch does
//! not change the connection; only a verification says whether it works. A process keeps its last good snapshot,
//! with the reason why there is no newer one. Both are lost when the process ends, and the next fetch restores
//! them.

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

use connection_contract::{BoxFuture, ConnectionError, Kind, SessionTokens, UsageMetric};
use tokio::sync::watch;

use crate::{ConnectionId, ConnectionRegistry, Error, Events, Removal, contain, flights::Flights, limits};

pub use bounds::UsageBounds;
pub use cache_ttl::{PromptCacheTtl, prompt_cache_ttl};
pub use connect::{UsageConnect, UsageConnecting, UsageOption};
use fetch::{Fetched, answered};
pub use poller::{PollUsage, PolledUsage};
use snapshots::Snapshots;
pub use snapshots::{UsageChanges, UsageReading};
pub use status::UsageStatus;

use crate::ProfileId;

/// The usage that a process has fetched, and the fetches that are running.
pub(crate) struct UsageState {
    flights: Flights<Fetched>,
    snapshots: Snapshots,
    /// Counts the possible changes of kinds and connections.
    listed: watch::Sender<u64>,
    /// `true` after the registry was closed.
    closed: watch::Sender<bool>,
}

impl Default for UsageState {
    fn default() -> Self {
        let (flights, snapshots) = Default::default();
        Self { flights, snapshots, listed: watch::Sender::new(0), closed: watch::Sender::new(false) }
    }
}

impl UsageState {
    /// Signals that a kind or a connection may have been added or removed.
    pub(crate) fn listed(&self) {
        self.listed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Ends all polling.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Ends the fetch and drops the snapshot of a connection that is removed or belongs to another account now.
    pub(crate) fn forget(&self, id: ConnectionId) {
        self.flights.cancel(id);
        self.snapshots.forget(id);
    }
}

/// The usage of accounts of one kind and owner.
///
/// Each method takes a profile. Without one, it acts for the default profile; for a kind without profiles, the
/// argument is ignored. A profile usually has one account. If it has several, the default for the provider is used,
/// or the connection that is [named](Self::connection).
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
    /// Returns the usage of accounts of a kind. A kind that does not report usage is an error of each method.
    pub fn usage(&self, kind: &Kind) -> Usage {
        Usage { registry: self.clone(), kind: kind.clone(), connection: None }
    }
}

impl Events<'_> {
    /// Returns a receiver of changes: the fetches in this process from now on, for all owners.
    pub fn usage_changes(self) -> UsageChanges {
        self.registry.shared.usage.snapshots.changes()
    }
}

impl Usage {
    /// Limits this to one connection, even if its profile has several.
    ///
    /// No profile is needed then. If one is given and the connection does not belong to it, there is no usage.
    #[must_use]
    pub fn connection(mut self, id: ConnectionId) -> Self {
        self.connection = Some(id);
        self
    }

    /// Fetches now, or waits for the fetch that is running: there is one at a time for each connection.
    ///
    /// A provider that does not answer is data: the reading has the reason, and still the last good snapshot.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the fetch continues and its result is kept.
    ///
    /// # Errors
    ///
    /// [`Error::NoConnection`] if nothing is connected, [`Error::NotFound`] if the named connection does not exist,
    /// [`Error::Ambiguous`] if several connections are possible, [`Error::NotSupported`] for a kind that does not
    /// report usage, [`Error::Profile`] for a profile that does not exist, [`Error::UnknownKind`], and errors of
    /// the store.
    pub fn fetch(&self, profile: Option<ProfileId>) -> BoxFuture<'_, Result<UsageReading, Error>> {
        Box::pin(async move {
            let target = self.target(profile).await?;
            let connection = self.connected(&target).await?.ok_or_else(|| self.nothing())?;
            Ok(fetch::fetch(&self.registry, &connection).await?.reading)
        })
    }

    /// Returns what this process fetched last, without a request; `None` if nothing was fetched yet.
    ///
    /// # Errors
    ///
    /// The errors of [`fetch`](Self::fetch), except that a missing connection gives `None`.
    pub fn snapshot(&self, profile: Option<ProfileId>) -> BoxFuture<'_, Result<Option<UsageReading>, Error>> {
        Box::pin(async move {
            let target = self.target(profile).await?;
            let Some(connection) = self.connected(&target).await? else { return Ok(None) };
            let shared = &self.registry.shared;
            let info = &connection.info;
            Ok(shared.usage.snapshots.read(info.id, info.identity.account_id.as_str(), shared.clock.passed()))
        })
    }

    /// Removes the connection of the profile, or the named one, and ends its polling. Returns `None` if there was
    /// none.
    ///
    /// # Repetition
    ///
    /// Calling this again removes nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::Ambiguous`] if several connections are possible, even if one is the default or is older than the
    /// profiles: [name](Self::connection) one. Otherwise the errors of [`fetch`](Self::fetch), except that a
    /// missing connection is not an error.
    pub fn disconnect(&self, profile: Option<ProfileId>) -> BoxFuture<'_, Result<Option<Removal>, Error>> {
        Box::pin(async move {
            let target = self.target(profile).await?;
            let Some(connection) = self.only(&target).await? else { return Ok(None) };
            match self.registry.remove(connection).await {
                Ok(removal) => Ok(Some(removal)),
                // Another caller has removed the connection.
                Err(Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// Converts what a running session of the tool reports about itself to metrics. The result is the same for
    /// every profile, and may be empty.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`Error::InvalidRequest`] for a document of more than 64 KiB or 32 levels,
    /// [`Error::PluginFault`] if the plugin panics, and [`Error::Plugin`] if it returns too much or numbers that
    /// are not finite.
    pub fn format_session_metrics(&self, session: SessionTokens) -> BoxFuture<'_, Result<Vec<UsageMetric>, Error>> {
        Box::pin(async move {
            if session.document.as_ref().is_some_and(|said| !limits::is_json(said, fetch::MAX_RAW_LENGTH)) {
                return Err(Error::InvalidRequest("the document of a session may have at most 64 KiB and 32 levels"));
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
        })
    }

    /// Takes a report of a running session of the tool, and returns its metrics together with what was fetched of
    /// the account.
    ///
    /// Time windows belong to the account and not to the session. They are kept in the same way as fetched ones,
    /// until the session reports newer ones or they end, so that [`snapshot`](Self::snapshot) and later fetches
    /// include them. The returned reading has all metrics.
    ///
    /// # Errors
    ///
    /// The errors of [`fetch`](Self::fetch) and [`format_session_metrics`](Self::format_session_metrics).
    pub fn report_session(
        &self,
        profile: Option<ProfileId>,
        session: SessionTokens,
    ) -> BoxFuture<'_, Result<UsageReading, Error>> {
        Box::pin(async move {
            let target = self.target(profile).await?;
            let connection = self.connected(&target).await?.ok_or_else(|| self.nothing())?;
            let metrics = self.format_session_metrics(session).await?;
            let shared = &self.registry.shared;
            let info = &connection.info;
            let at = (shared.clock.now(), shared.clock.passed());
            Ok(shared.usage.snapshots.tell(info.id, info.identity.account_id.as_str(), at, metrics))
        })
    }
}
