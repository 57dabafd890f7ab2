//! Follows what other processes do with a session, for callers that wait for it in this process.
//!
//! While a caller waits for the next step or the end, one task per session reads its row. When the row has changed,
//! the task runs the session from its journal, so that this process shows what another one has done.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use connection_egress::Moment;
use tokio::task::AbortHandle;

use connection_replay::{Effect, Entry};

use super::{
    System,
    lease::{self, POLL_INTERVAL},
    run,
    slot::Slot,
};
use crate::{
    Clock, Error, SessionId,
    store::{Changed, Store, rows::SetupState},
};

/// The callers that wait for a session in this process.
#[derive(Default)]
pub(super) struct Followers(Mutex<Count>);

#[derive(Default)]
struct Count {
    waiting: usize,
    task: Option<AbortHandle>,
}

impl fmt::Debug for Followers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Followers")
    }
}

impl Followers {
    /// Locks the count. No foreign code runs under the lock, so the count is valid even if the lock is poisoned.
    fn lock(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller that waits, and is counted until this is dropped.
pub(super) struct FollowGuard<'a>(&'a Followers);

impl Drop for FollowGuard<'_> {
    fn drop(&mut self) {
        let mut count = self.0.lock();
        count.waiting -= 1;
        if count.waiting == 0
            && let Some(task) = count.task.take()
        {
            task.abort();
        }
    }
}

/// Follows what other processes do with the session for as long as the result lives.
pub(super) fn follow<'a>(shared: &Arc<System>, slot: &'a Arc<Slot>) -> FollowGuard<'a> {
    let mut count = slot.followers.lock();
    count.waiting += 1;
    if count.task.is_none() {
        let store = shared.store.clone();
        let clock = shared.clock.clone();
        let task = follow_rows(store, clock, Arc::downgrade(shared), Arc::downgrade(slot), slot.id);
        count.task = Some(shared.runtimes.spawn(task).abort_handle());
    }
    FollowGuard(&slot.followers)
}

/// Looks at the session after each change, and at least every `POLL_INTERVAL`. Keeps neither the registry nor the
/// session alive.
async fn follow_rows(store: Store, clock: Arc<dyn Clock>, shared: Weak<System>, slot: Weak<Slot>, id: SessionId) {
    let mut changes = store.changes(&*clock).await;
    let mut alone = None;
    while changes.changed(&*clock, POLL_INTERVAL, |changed| changed == Changed::Setup(id)).await.is_ok() {
        let (Some(shared), Some(slot)) = (shared.upgrade(), slot.upgrade()) else { return };
        if let Err(error) = check_row(&shared, &slot, &mut alone).await {
            // The next look may succeed, and calls that act on the session return the error themselves.
            tracing::debug!(session = %slot.id, code = error.code(), "a setup cannot be read");
        }
    }
}

/// Looks at the row of a session, and runs the session if the row has changed.
///
/// `alone` is the time since which no process was seen to run a session that is to be run. After `POLL_INTERVAL`, its
/// process is taken for dead.
pub(super) async fn check_row(shared: &Arc<System>, slot: &Arc<Slot>, alone: &mut Option<Moment>) -> Result<(), Error> {
    let since = alone.take();
    let Some(row) = shared.reader().await?.setup(slot.id).await? else {
        // The session ended long ago, and its row was deleted.
        run::spawn(shared, slot);
        return Ok(());
    };
    let is_busy = slot.running.try_lock().is_err();
    match row.state {
        // A run of this process shows its result itself.
        SetupState::Running | SetupState::Waiting if is_busy => {}
        SetupState::Waiting if row.expires_at <= shared.clock.now().seconds() => run::expire(shared, slot).await?,
        SetupState::Waiting => {
            let waiting = run::stored_wait(shared, slot, &row).await?;
            if slot.rests_at() != waiting.map(|waiting| (waiting.no, waiting.seq)) {
                run::spawn(shared, slot);
            }
        }
        SetupState::Running => {
            if let Some(seq) = answered(shared, slot).await? {
                slot.working(Some(seq));
            }
            if !lease::is_held(shared, &row) {
                let now = Moment::of(&*shared.clock);
                match since {
                    Some(since) if since.age(now) >= POLL_INTERVAL => run::spawn(shared, slot),
                    since => *alone = since.or(Some(now)),
                }
            }
        }
        _ if is_busy => stop(shared, slot),
        _ => run::spawn(shared, slot),
    }
    Ok(())
}

/// Returns the number of the effect that ended the wait that is shown, if that effect is an input. After a poll, the
/// same wait may come again.
async fn answered(shared: &Arc<System>, slot: &Arc<Slot>) -> Result<Option<i64>, Error> {
    let Some((_, Some(seq))) = slot.rests_at() else { return Ok(None) };
    let effects = shared.reader().await?.effects(slot.id).await?;
    let Some((_, sealed)) = effects.into_iter().find(|(number, _)| *number == seq) else { return Ok(None) };
    let bytes = run::opened(shared, slot, &slot.effect_place(seq), &sealed).await?;
    let entry = bytes.and_then(|bytes| Entry::decode(bytes.expose()));
    Ok(entry.filter(|entry| !matches!(entry.effect, Effect::Elapsed)).map(|_| seq))
}

/// Drops the run of this process, because the session was ended elsewhere. A new run reads how.
fn stop(shared: &Arc<System>, slot: &Arc<Slot>) {
    if slot.cancelled.send_replace(true) {
        return;
    }
    let shared = shared.clone();
    let slot = slot.clone();
    let runtimes = shared.runtimes.clone();
    runtimes.spawn(async move {
        drop(slot.running.lock().await);
        slot.cancelled.send_replace(false);
        run::spawn(&shared, &slot);
    });
}
