//! Notifies subscribers in this process when the liveness of a connection changes.
//!
//! A change is published after its commit, in the order of the commits, and only if the liveness differs. Each
//! subscriber has its own queue, so that one that is slow, gone or panics does not affect the others.

pub(crate) mod column;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use connection_contract::{Liveness, Reason, Secret, Timestamp, VerifyResult, reason};
use connection_egress::MAX_PAUSE;
use futures_core::Stream;
use tokio::sync::mpsc;

use crate::{
    ConnectionId,
    asked::Asked,
    store::{
        json,
        rows::{ListedRow, LivenessRow},
    },
};

/// Returns the time of the next check after a pause, if there is one.
fn next_check(now: i64, recheck_after: Option<Duration>) -> Option<i64> {
    recheck_after.map(|after| now.saturating_add_unsigned(after.min(MAX_PAUSE).as_secs()))
}

/// Returns `true` if the provider asked to wait.
fn is_asked_to_wait(found: &VerifyResult<Secret>) -> bool {
    let is_limited = found.reason.as_ref().is_some_and(|reason| reason.code == reason::RATE_LIMITED);
    found.liveness == Liveness::Offline && is_limited
}

/// Returns the new name of the account that a live connection says, which stays until the connection is not live or is
/// authorized again.
pub(crate) fn kept_note(row: &ListedRow) -> Option<Reason> {
    let is_live = row.liveness.as_deref().map(column::to_liveness) == Some(Liveness::Live);
    let stored = row.reason.as_deref().filter(|_| is_live).and_then(json::to_reason)?;
    (stored.code == reason::ACCOUNT_RENAMED).then_some(stored)
}

/// Returns a reason as an extension or an agent gets it: without the provider's own words, which are for the person alone,
/// and, if only the operator can act, with a remedy that says so and names neither a command nor a file of the host.
pub fn for_grantee(mut reason: Reason) -> Reason {
    reason.provider_text = None;
    let code = &*reason.code;
    let told = if reason::is_application_refused(code) {
        "tell the operator of this host, whose application the provider does not accept"
    } else if reason::is_policy_refused(code) {
        "tell the operator of this host that a policy at the provider refuses the connection"
    } else if reason::is_mended_elsewhere(code) {
        "tell the operator of this host, whose clock differs from that of the provider"
    } else {
        return reason;
    };
    reason.remedy = Some(told.into());
    reason
}

/// The shortest time between a failure and another attempt because the origin answers again, in seconds.
pub(crate) const AFTER_FAILURE: i64 = 60;

/// Returns the time from which an answer of the origin makes the connection due for a verification after this result. A
/// pause that the provider asked for is not shortened.
fn probe_from(asked: &Asked, found: &VerifyResult<Secret>, now: i64) -> Option<i64> {
    let waits = asked.is_outage && found.liveness == Liveness::Offline && asked_pause(found).is_none();
    waits.then(|| now.saturating_add(AFTER_FAILURE))
}

/// Returns the pause that the provider or the plugin gave. One of no length names no time, so that a limit is not asked
/// about again at once.
fn asked_pause(found: &VerifyResult<Secret>) -> Option<Duration> {
    found.recheck_after.filter(|after| !after.is_zero())
}

/// Returns the row for the result of a probe. The next one follows after `pause`, unless the provider or the plugin gave
/// another.
pub(crate) fn row(
    id: ConnectionId,
    generation: i64,
    found: &VerifyResult<Secret>,
    asked: &Asked,
    now: i64,
    failures: i64,
    pause: Option<Duration>,
) -> LivenessRow {
    let asked_pause = asked_pause(found);
    LivenessRow {
        connection_id: id,
        liveness: column::liveness(found.liveness).to_owned(),
        reason: found.reason.as_ref().map(json::reason),
        generation,
        checked_at: Some(now),
        next_check_at: next_check(now, asked_pause.or(pause)),
        paused_until: next_check(now, asked_pause).filter(|_| is_asked_to_wait(found)),
        failures,
        probe_origin: asked.origin.clone(),
        probe_from: probe_from(asked, found, now),
    }
}

/// A change of a connection's liveness.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LivenessChange {
    /// The id of the connection whose liveness changed.
    pub connection: ConnectionId,
    /// The liveness before the change.
    pub before: Liveness,
    /// The liveness after the change.
    pub liveness: Liveness,
    /// The reason why the connection is not live.
    pub reason: Option<Reason>,
    /// The time at which the verification ended.
    pub at: Timestamp,
}

/// A stream of the changes of one connection, from the subscription on.
///
/// The stream ends when the connection is removed. Dropping it ends the subscription.
pub struct LivenessChanges(mpsc::UnboundedReceiver<LivenessChange>);

impl LivenessChanges {
    /// Returns the next change; `None` after the connection was removed.
    pub async fn next(&mut self) -> Option<LivenessChange> {
        self.0.recv().await
    }
}

impl fmt::Debug for LivenessChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LivenessChanges")
    }
}

impl Stream for LivenessChanges {
    type Item = LivenessChange;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<LivenessChange>> {
        self.0.poll_recv(cx)
    }
}

/// The senders to the streams of changes, by connection.
#[derive(Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<ConnectionId, Vec<mpsc::UnboundedSender<LivenessChange>>>>);

impl Subscriptions {
    pub(crate) fn subscribe(&self, connection: ConnectionId) -> LivenessChanges {
        // The channel is unbounded. A change requires a probe, so a queue grows by at most one entry per probe.
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut subscriptions = self.lock();
        let senders = subscriptions.entry(connection).or_default();
        // Publishing a change also removes dropped subscribers, but there may be no change for long.
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
        drop(subscriptions);
        LivenessChanges(receiver)
    }

    /// Sends the change to all subscribers of the connection. Called after the commit.
    pub(crate) fn publish(&self, change: &LivenessChange) {
        let mut subscriptions = self.lock();
        let Some(senders) = subscriptions.get_mut(&change.connection) else { return };
        // Subscribers are programs, and the provider's own words are for the person alone.
        let reason = change.reason.clone().map(|reason| reason.provider_text(None));
        let change = LivenessChange { reason, ..change.clone() };
        senders.retain(|sender| sender.send(change.clone()).is_ok());
        if senders.is_empty() {
            subscriptions.remove(&change.connection);
        }
    }

    /// Ends the streams of a removed connection.
    pub(crate) fn end(&self, connection: ConnectionId) {
        self.lock().remove(&connection);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ConnectionId, Vec<mpsc::UnboundedSender<LivenessChange>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
