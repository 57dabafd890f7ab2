//! Follows what other processes do with a session, for callers that wait for it in this process.
//!
//! While a caller waits for the next step or the end, one task per session reads its row. When the row has changed,
//! the task runs the session from its journal, so that this process shows what another one has done.

use std::sync::{Arc, Weak};

use connection_egress::Moment;
use connection_replay::{Effect, Entry};

use super::{System, followers::FollowGuard, lease, row, run, slot::Slot};
use crate::{
    Clock, Error, SessionId,
    store::{
        Changed, Changes, SETUP_EFFECT, Store,
        rows::{SetupRow, SetupState},
    },
};

/// Follows what other processes do with the session for as long as the result lives.
pub(super) fn follow<'a>(system: &Arc<System>, slot: &'a Arc<Slot>) -> FollowGuard<'a> {
    let mut count = slot.followers.lock();
    count.waiting += 1;
    if count.task.is_none() {
        let store = system.ground.store.clone();
        let clock = system.ground.clock.clone();
        let task = follow_rows(store, clock, Arc::downgrade(system), Arc::downgrade(slot), slot.id);
        count.task = Some(system.ground.runtimes.spawn(task).abort_handle());
    }
    FollowGuard(&slot.followers)
}

/// Looks at the session after each change, and at least every half second. Keeps neither the registry nor the
/// session alive.
async fn follow_rows(store: Store, clock: Arc<dyn Clock>, system: Weak<System>, slot: Weak<Slot>, id: SessionId) {
    let mut changes = store.changes(&*clock).await;
    let mut alone = None;
    while changes.changed(&*clock, Changes::FOR_ANOTHER_PROCESS, |changed| changed == Changed::Setup(id)).await.is_ok()
    {
        let (Some(system), Some(slot)) = (system.upgrade(), slot.upgrade()) else { return };
        if let Err(error) = check_row(&system, &slot, &mut alone).await {
            // The next look may succeed, and calls that act on the session return the error themselves.
            tracing::debug!(session = %slot.id, code = error.code(), "a setup cannot be read");
        }
    }
}

/// Looks at the row of a session, and runs the session if the row has changed.
///
/// `alone` is the time since which no process was seen to run a session that is to be run. After half a second, its
/// process is taken for dead.
pub(super) async fn check_row(system: &Arc<System>, slot: &Arc<Slot>, alone: &mut Option<Moment>) -> Result<(), Error> {
    let row = system.ground.reader().await?.setup(slot.id).await?;
    check(system, slot, row, alone).await
}

/// Looks at a session, as [`check_row`] does, by a row that was read before the caller had the slot.
///
/// A run that such a row shows may have ended since, in a slot that is gone, and no change would follow. The row is then
/// read again.
pub(super) async fn look(system: &Arc<System>, slot: &Arc<Slot>, row: SetupRow) -> Result<(), Error> {
    match row.state {
        SetupState::Running if slot.is_at_rest() => check_row(system, slot, &mut None).await,
        _ => check(system, slot, Some(row), &mut None).await,
    }
}

/// Runs the session if this row, which was read a moment ago, has changed, as [`check_row`] does.
async fn check(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    row: Option<SetupRow>,
    alone: &mut Option<Moment>,
) -> Result<(), Error> {
    let since = alone.take();
    let Some(row) = row else {
        // The session ended long ago, and its row was deleted.
        run::spawn(system, slot);
        return Ok(());
    };
    let is_busy = slot.running.try_lock().is_err();
    match row.state {
        // A run of this process shows its result itself.
        SetupState::Running | SetupState::Waiting if is_busy => {}
        SetupState::Waiting if row.expires_at <= system.ground.clock.now().seconds() => {
            run::expire(system, slot).await?
        }
        SetupState::Waiting => {
            let waiting = row::stored_wait(system, slot, &row).await?;
            if slot.rests_at() != waiting.map(|waiting| (waiting.no, waiting.seq)) {
                run::spawn(system, slot);
            }
        }
        SetupState::Running => {
            if let Some(seq) = answered(system, slot).await? {
                slot.working(Some(seq));
            }
            if !lease::is_held(system, slot.id).await? {
                let now = Moment::of(&*system.ground.clock);
                match since {
                    Some(since) if since.age(now) >= Changes::FOR_ANOTHER_PROCESS => run::spawn(system, slot),
                    since => *alone = since.or(Some(now)),
                }
            }
        }
        _ if is_busy => stop(system, slot),
        _ => run::spawn(system, slot),
    }
    Ok(())
}

/// Returns the number of the effect that ended the wait that is shown, if that effect is an input. After a poll, the
/// same wait may come again.
async fn answered(system: &Arc<System>, slot: &Arc<Slot>) -> Result<Option<i64>, Error> {
    let Some((_, Some(seq))) = slot.rests_at() else { return Ok(None) };
    let effects = system.ground.reader().await?.effects(slot.id).await?;
    let Some((_, sealed)) = effects.into_iter().find(|(number, _)| *number == seq) else { return Ok(None) };
    let bytes = system.ground.open_or_lost(&slot.cell(&SETUP_EFFECT, seq), &sealed).await?;
    let entry = bytes.and_then(|bytes| Entry::decode(bytes.expose()));
    Ok(entry.filter(|entry| !matches!(entry.effect, Effect::Elapsed)).map(|_| seq))
}

/// Drops the run of this process, because the session was ended elsewhere. A new run reads how.
fn stop(system: &Arc<System>, slot: &Arc<Slot>) {
    if slot.cancelled.send_replace(true) {
        return;
    }
    let system = system.clone();
    let slot = slot.clone();
    let runtimes = system.ground.runtimes.clone();
    runtimes.spawn(async move {
        drop(slot.running.lock().await);
        slot.cancelled.send_replace(false);
        run::spawn(&system, &slot);
    });
}
