//! The usage of accounts: fetched through a plugin, kept in memory, and polled if a host wants that.
//!
//! Each call is about one account and profile: the profile's account, or a connection that is named. A fetch does
//! not change the connection; only a verification says whether it works. The store keeps the last good snapshot of
//! each account, and the time windows that sessions of a tool report, for all processes. The reason why there is no
//! newer snapshot, and the provider's raw answer, are in the memory of the process that fetched.

mod bounds;
mod cache_ttl;
mod connect;
mod monitor;
mod poller;
mod snapshots;
mod status;
mod target;

use std::fmt;

use connection_contract::{BoxFuture, Kind, SessionTokens, UsageMetric};
use connection_core::{Connection, ConnectionId, Error, ProfileId, Removal};

pub use bounds::UsageBounds;
pub use cache_ttl::{PromptCacheTtl, prompt_cache_ttl};
pub use connect::{UsageConnect, UsageConnecting, UsageOption};
pub use monitor::UsageMonitor;
pub use poller::{PollUsage, PolledUsage};
use snapshots::Moment;
pub use snapshots::{UsageChanges, UsageReading};
pub use status::UsageStatus;

/// The usage of accounts of one kind and owner.
///
/// Each method takes a profile. Without one, it acts for the default profile; for a kind without profiles, the
/// argument is ignored. A profile usually has one account. If it has several, the default for the provider is used,
/// or the connection that is [named](Self::connection).
///
/// # Examples
///
/// ```
/// use connection_agent::UsageMonitor;
/// use connection_contract::{Kind, UsageMetric};
/// use connection_core::Error;
///
/// async fn show(monitor: &UsageMonitor, kind: &Kind) -> Result<(), Error> {
///     let usage = monitor.usage(kind);
///     if !usage.status(None).await?.connected {
///         println!("{kind} is not connected");
///         return Ok(());
///     }
///     let reading = usage.fetch(None).await?;
///     for metric in reading.snapshot.iter().flat_map(|snapshot| &snapshot.metrics) {
///         if let UsageMetric::TimeWindow(window) = metric {
///             println!("{}: {:.0} %", window.label, window.utilization * 100.0);
///         }
///     }
///     if let Some(why) = reading.error {
///         println!("not updated: {}", why.reason.message);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Usage {
    monitor: UsageMonitor,
    kind: Kind,
    connection: Option<ConnectionId>,
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.monitor.registry.owner_name();
        f.debug_struct("Usage").field("owner", &owner).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Usage {
    fn new(monitor: &UsageMonitor, kind: &Kind) -> Self {
        Self { monitor: monitor.clone(), kind: kind.clone(), connection: None }
    }

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
            let connection = self.existing(profile).await?;
            let fetched = connection.fetch_usage().await?;
            // The result was kept when the fetch ended. A change of the account may have dropped it since then.
            let reading = self.reading(&connection, &fetched.account).await?;
            Ok(reading.unwrap_or_else(|| UsageReading::of(&fetched)))
        })
    }

    /// Returns the usage that any process of the store fetched last, with the windows that sessions have reported since
    /// then, without a request; `None` if nothing is known yet.
    ///
    /// # Errors
    ///
    /// The errors of [`fetch`](Self::fetch), except that a missing connection gives `None`.
    pub fn snapshot(&self, profile: Option<ProfileId>) -> BoxFuture<'_, Result<Option<UsageReading>, Error>> {
        Box::pin(async move {
            let target = self.target(profile).await?;
            let Some(connection) = self.connected(&target).await? else { return Ok(None) };
            self.reading(&connection, connection.info().identity.account_id.as_str()).await
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
            match self.monitor.registry.remove(connection).await {
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
    /// The errors of [`Kinds::session_metrics`](connection_core::Kinds::session_metrics).
    pub fn format_session_metrics(&self, session: SessionTokens) -> BoxFuture<'_, Result<Vec<UsageMetric>, Error>> {
        self.monitor.registry.kinds().session_metrics(&self.kind, session)
    }

    /// Takes a report of a running session of the tool, and returns its metrics together with what else is known of the
    /// account.
    ///
    /// Time windows belong to the account and not to the session. The store keeps them until a session reports newer
    /// ones, a fetch measures them or they end, so that [`snapshot`](Self::snapshot) and later fetches include them in
    /// every process. The returned reading has all metrics.
    ///
    /// # Errors
    ///
    /// The errors of [`fetch`](Self::fetch) and of [`Connection::report_usage`].
    pub fn report_session(
        &self,
        profile: Option<ProfileId>,
        session: SessionTokens,
    ) -> BoxFuture<'_, Result<UsageReading, Error>> {
        Box::pin(async move {
            let connection = self.existing(profile).await?;
            let metrics = connection.report_usage(session).await?;
            let account = connection.info().identity.account_id.as_str();
            let known = self.reading(&connection, account).await?;
            Ok(known.unwrap_or_default().with_report(self.monitor.kept.clock.now(), metrics))
        })
    }

    /// Returns the newest usage of the connection's account, which any process has fetched or a session has reported.
    async fn reading(&self, connection: &Connection, account: &str) -> Result<Option<UsageReading>, Error> {
        let stored = connection.last_usage().await?;
        let kept = &self.monitor.kept;
        let now = Moment::of(&*kept.clock);
        // The account of the handle is that of the stored usage.
        if connection.info().identity.account_id.as_str() == account {
            kept.snapshots.learn(connection.id(), account, now, stored.as_ref());
        }
        Ok(kept.snapshots.read(connection.id(), account, now.passed))
    }

    /// Returns the connection for a call. A missing one is an error.
    async fn existing(&self, profile: Option<ProfileId>) -> Result<Connection, Error> {
        let target = self.target(profile).await?;
        self.connected(&target).await?.ok_or_else(|| self.nothing())
    }
}
