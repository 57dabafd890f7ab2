//! A plugin's report about the usage of an account. Its limits come from [`connection_replay::usage`].

use std::sync::Arc;

use connection_contract::{Kind, NotLive, Timestamp, UsageMetric, UsageSnapshot};
use connection_replay::usage;

use crate::ConnectionId;

/// The result of a fetch of a connection's usage.
///
/// [`Connection::fetch_usage`](crate::Connection::fetch_usage) has an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchedUsage {
    /// The id of the connection whose usage it is.
    pub connection: ConnectionId,
    /// The id of the account that the usage belongs to.
    pub account: String,
    /// The credential that was used last, as a number that grows with each credential that is stored for the
    /// connection; `None` if none could be opened.
    pub credential: Option<u64>,
    /// The time at which the fetch ended.
    pub at: Timestamp,
    /// The usage, or the reason why there is none now.
    pub result: Result<Arc<UsageSnapshot>, NotLive>,
}

/// The usage of an account that the store keeps.
///
/// [`Connection::last_usage`](crate::Connection::last_usage) has an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredUsage {
    /// The time of the last good fetch; `None` if only sessions have reported.
    pub fetched_at: Option<Timestamp>,
    /// The time of the fetch, or of the last report of a session after it.
    pub updated_at: Timestamp,
    /// The usage, without the provider's raw answer.
    pub snapshot: Arc<UsageSnapshot>,
}

impl StoredUsage {
    /// Combines a fetched snapshot and what sessions have reported since then, each with its time. A reported metric
    /// replaces a fetched one with the same id. Returns `None` if there is neither.
    pub(crate) fn of(
        fetched: Option<(Timestamp, UsageSnapshot)>,
        reported: Vec<(Timestamp, UsageMetric)>,
    ) -> Option<Self> {
        let fetched_at = fetched.as_ref().map(|(at, _)| *at);
        let reported_at = reported.iter().map(|(at, _)| *at).max();
        let updated_at = fetched_at.max(reported_at)?;
        let mut snapshot = fetched.map_or_else(|| UsageSnapshot::new(updated_at), |(_, snapshot)| snapshot);
        snapshot.observed_at = reported_at.map_or(snapshot.observed_at, |at| at.max(snapshot.observed_at));
        for (_, metric) in reported {
            match snapshot.metrics.iter_mut().find(|other| other.id() == metric.id()) {
                Some(other) => *other = metric,
                None => snapshot.metrics.push(metric),
            }
        }
        Some(Self { fetched_at, updated_at, snapshot: Arc::new(snapshot) })
    }
}

/// The number that a metric of an account had at a time.
///
/// [`Connection::usage_history`](crate::Connection::usage_history) has an example.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UsagePoint {
    /// The id of the metric, as the plugin states it in each snapshot.
    pub metric: String,
    /// The beginning of the ten minutes in which the number was fetched last.
    pub at: Timestamp,
    /// The used share from 0 to 1 of a time window, the number of used tokens, or the spent amount in US dollars.
    pub value: f64,
}

/// Returns the id and the number of a metric, if its history is kept.
pub(crate) fn number(metric: &UsageMetric) -> Option<(&str, f64)> {
    match metric {
        UsageMetric::MonthlySpend(spend) => Some((&*spend.id, spend.spent_usd)),
        UsageMetric::TimeWindow(window) => Some((&*window.id, window.utilization)),
        #[expect(clippy::cast_precision_loss, reason = "a plot does not show the last of so many digits")]
        UsageMetric::TokenUtilization(tokens) => Some((&*tokens.id, tokens.used as f64)),
        _ => None,
    }
}

/// Checks the size of a snapshot, and logs if the provider's raw answer is left out for its length.
pub(crate) fn bounded(mut snapshot: UsageSnapshot, kind: &Kind) -> Result<UsageSnapshot, &'static str> {
    if usage::bound(&mut snapshot)? {
        tracing::warn!(%kind, "a provider's answer about usage is not JSON, or has more than 64 KiB, and is left out");
    }
    Ok(snapshot)
}
