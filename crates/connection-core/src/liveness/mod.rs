//! Tells whoever asked, in this process alone, when a connection's liveness changes.
//!
//! Published after the commit, in its order, and only when the liveness is another one. A subscriber that is slow, gone or
//! panics is nobody else's concern: each has a queue of its own.

#[cfg(test)]
mod tests;
pub(crate) mod words;

use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use connection_contract::{Liveness, Reason, Secret, Timestamp, VerifyResult};
use futures_core::Stream;
use tokio::sync::mpsc;

use crate::{ConnectionId, connection::json, store::rows::LivenessRow};

/// Nobody puts off the next look for longer: what a provider says is not always meant.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// When to look again, for a provider or a plugin that asks for a pause.
fn next_check(now: i64, recheck_after: Option<Duration>) -> Option<i64> {
    recheck_after.map(|after| now.saturating_add_unsigned(after.min(LONGEST_PAUSE).as_secs()))
}

/// What was measured with a credential, as it is stored.
pub(crate) fn row(
    id: ConnectionId,
    generation: i64,
    found: &VerifyResult<Secret>,
    now: i64,
    failures: i64,
) -> LivenessRow {
    LivenessRow {
        connection_id: id,
        liveness: words::liveness(found.liveness).to_owned(),
        reason: found.reason.as_ref().map(json::reason),
        generation,
        checked_at: Some(now),
        next_check_at: next_check(now, found.recheck_after),
        failures,
    }
}

/// A connection's liveness is another one now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LivenessChange {
    /// Whose.
    pub connection: ConnectionId,
    /// What it was.
    pub before: Liveness,
    /// What it is.
    pub liveness: Liveness,
    /// Why it is not live.
    pub reason: Option<Reason>,
    /// When it was measured.
    pub at: Timestamp,
}

/// The changes of one connection, from the subscription on; ends when the connection is removed. Dropping it ends the
/// subscription.
pub struct LivenessChanges(mpsc::UnboundedReceiver<LivenessChange>);

impl LivenessChanges {
    /// The next change; `None` when the connection is gone.
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

/// Who asked, by connection.
#[derive(Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<ConnectionId, Vec<mpsc::UnboundedSender<LivenessChange>>>>);

impl Subscriptions {
    pub(crate) fn subscribe(&self, connection: ConnectionId) -> LivenessChanges {
        // Unbounded: a change takes a probe of a provider, so a queue grows by one entry a probe at most.
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut subscriptions = self.lock();
        let senders = subscriptions.entry(connection).or_default();
        // Of those that were dropped, a change would tell; but there may be none for long.
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
        drop(subscriptions);
        LivenessChanges(receiver)
    }

    /// After the commit.
    pub(crate) fn publish(&self, change: &LivenessChange) {
        let mut subscriptions = self.lock();
        let Some(senders) = subscriptions.get_mut(&change.connection) else { return };
        senders.retain(|sender| sender.send(change.clone()).is_ok());
        if senders.is_empty() {
            subscriptions.remove(&change.connection);
        }
    }

    /// The connection is gone: its streams end.
    pub(crate) fn end(&self, connection: ConnectionId) {
        self.lock().remove(&connection);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ConnectionId, Vec<mpsc::UnboundedSender<LivenessChange>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
