//! Stores the time windows of usage that a running session of a tool reports of its account.
//!
//! The plugin reads the report. A window is kept until it ends or a fetch measures it.

use std::time::Duration;

use connection_contract::{BoxFuture, ConnectionError, Kind, SessionTokens, TimeWindow, UsageMetric};
use connection_replay::usage::{MAX_RAW_LENGTH, check_metrics};

use super::{Connection, usage::period};
use crate::{
    Error, Notification, contain,
    contain::Contained,
    error::{CRASHED, TIMED_OUT},
    ground::Ground,
    limits,
    store::ReportedWindow,
    usage_json,
};

/// The deadline of calls that use no network.
const MAX_CALL: Duration = Duration::from_secs(10);
/// The time in seconds for which a window is kept whose end and length are not known.
const USUAL_LENGTH: u64 = 24 * 3600;

impl Connection {
    /// Takes the report of a running session of the kind's tool, and returns its metrics.
    ///
    /// The store keeps the time windows among them, which belong to the account, in place of earlier ones with the same
    /// ids, until they end or a fetch measures them, at most the 100 that were reported last;
    /// [`last_usage`](Self::last_usage) and the [history](Self::usage_history) include them. Other metrics belong to the
    /// session, and are not kept, and neither is its document.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a kind that does not report usage, the errors of
    /// [`Kinds::session_metrics`](crate::Kinds::session_metrics), and the store's errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_contract::{SessionTokens, Value};
    /// use connection_core::{Connection, Error};
    ///
    /// /// Takes the document that a tool passes to its status line.
    /// async fn take(connection: &Connection, document: Value) -> Result<(), Error> {
    ///     let metrics = connection.report_usage(SessionTokens::default().document(document)).await?;
    ///     println!("{} metrics", metrics.len());
    ///     Ok(())
    /// }
    /// ```
    pub fn report_usage(&self, session: SessionTokens) -> BoxFuture<'_, Result<Vec<UsageMetric>, Error>> {
        Box::pin(async move {
            let kind = &self.info.kind;
            let entry = self.system.ground.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
            if !entry.capabilities.usage {
                return Err(self.reports_no_usage());
            }
            let metrics = session_metrics(&self.system.ground, kind, session).await?;
            self.keep_windows(&metrics).await?;
            self.system.ground.notifications.publish(&Notification::UsageReported(self.id()));
            Ok(metrics)
        })
    }

    /// Stores the windows of a report that have not ended, and adds their numbers to the history.
    async fn keep_windows(&self, metrics: &[UsageMetric]) -> Result<(), Error> {
        let now = self.system.ground.clock.now().seconds();
        let windows = metrics.iter().filter_map(|metric| match metric {
            UsageMetric::TimeWindow(window) => Some((window.utilization, reported(metric, window, now))),
            _ => None,
        });
        let windows: Vec<_> = windows.filter(|(_, window)| window.ends_at > now).collect();
        if windows.is_empty() {
            return Ok(());
        }
        let (id, account) = (self.id(), self.info.identity.account_id.as_str().to_owned());
        let job = self.system.ground.store.write_relaxed(move |tx| {
            Box::pin(async move {
                for (utilization, window) in &windows {
                    tx.set_usage_window(id, &account, now, window).await?;
                    tx.set_usage(id, period(now), &window.metric, &account, *utilization).await?;
                }
                tx.limit_usage_windows(id, now).await
            })
        });
        Ok(job.await?)
    }
}

/// Returns the row of a window that was reported now. If the tool did not say when the window ends, it ends after its
/// length at the latest.
fn reported(metric: &UsageMetric, window: &TimeWindow, now: i64) -> ReportedWindow {
    let length = window.window_seconds.unwrap_or(USUAL_LENGTH);
    let latest = now.saturating_add(i64::try_from(length).unwrap_or(i64::MAX));
    ReportedWindow {
        metric: window.id.to_string(),
        ends_at: window.resets_at.map_or(latest, |reset| reset.seconds()),
        body: usage_json::metric_to_value(metric).to_string(),
    }
}

/// Converts what a running session of a kind's tool reports about itself to metrics.
pub(crate) async fn session_metrics(
    ground: &Ground,
    kind: &Kind,
    session: SessionTokens,
) -> Result<Vec<UsageMetric>, Error> {
    if session.document.as_ref().is_some_and(|document| !limits::is_json(document, MAX_RAW_LENGTH)) {
        return Err(Error::InvalidRequest("the document of a session may have at most 64 KiB and 32 levels"));
    }
    let entry = ground.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
    let definition = entry.definition.clone();
    let task = async move { contain::call(|| definition.session_metrics(&session)) };
    let metrics = answered(ground, kind, task).await?;
    match check_metrics(&metrics) {
        Ok(()) => Ok(metrics),
        Err(problem) => Err(Error::Plugin { kind: kind.clone(), source: ConnectionError::Bug(problem.into()).into() }),
    }
}

/// Returns the answer of a plugin that needs no network, contained.
pub(super) async fn answered<T: Send + 'static>(
    ground: &Ground,
    kind: &Kind,
    task: impl Future<Output = Option<T>> + Send + 'static,
) -> Result<T, Error> {
    let fault = |what| Error::PluginFault { kind: kind.clone(), what };
    match ground.runtimes.run(&*ground.clock, MAX_CALL, task).await {
        Contained::Ended(Some(answer)) => Ok(answer),
        Contained::Ended(None) | Contained::Panicked => Err(fault(CRASHED)),
        Contained::Stopped | Contained::TimedOut => Err(fault(TIMED_OUT)),
    }
}
