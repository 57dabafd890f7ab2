//! The inputs that end a wait: answers, callbacks, and the deadline of the wait.

use std::sync::Arc;

use connection_replay::{Effect, Entry};

use super::{System, codec::Waiting, row::SESSION_LIFE, slot::Slot};
use crate::{
    Error, StoreError,
    store::{Lock, SETUP_EFFECT},
};

/// Names the conflict between two inputs that end the same wait.
const WAIT_CONFLICT: &str = "wait of a setup";
/// The origin of an input. The bookkeeping for that origin is committed in the same transaction.
pub(super) enum Source {
    /// A callback that arrived now. Its address is used up.
    Endpoint { hash: [u8; 32], now: i64 },
    /// A call of the host, or the deadline of the wait.
    Host,
    /// A callback that was kept because a run was in progress when it arrived.
    Inbox(uuid::Uuid),
}

/// Records an input, which ends the current wait. Returns `false` if the session is no longer at that wait, or if the
/// callback was used already. The caller starts the run.
pub(super) async fn record(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    waiting: &Waiting,
    effect: Effect,
    source: Source,
) -> Result<bool, Error> {
    let Some(seq) = waiting.seq else { return Ok(false) };
    let elapsed = matches!(effect, Effect::Elapsed);
    let now = system.ground.clock.now();
    // A run that is lost after this point can be resumed for as long as a session that waits.
    let alive = if elapsed { i64::MIN } else { now.after(SESSION_LIFE).seconds() };
    let entry = Entry::new(waiting.what.clone(), now, effect);
    let sealed = system.ground.seal(&slot.cell(&SETUP_EFFECT, seq), entry.encode().expose()).await?;
    let id = slot.id;
    let step = i64::try_from(waiting.no).unwrap_or(i64::MAX);
    let written = system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            if !tx.end_wait(id, step, alive).await? {
                return Ok(false);
            }
            let fresh = match source {
                Source::Endpoint { hash, now } => tx.use_endpoint(&hash, now).await?,
                Source::Host => true,
                Source::Inbox(input) => tx.delete_input(id, input).await?,
            };
            if !fresh || !tx.insert_effect(id, seq, &sealed).await? {
                // Roll back, so that the wait continues.
                return Err(StoreError::ChangedMeanwhile { what: WAIT_CONFLICT });
            }
            Ok(true)
        })
    });
    match written.await {
        Err(StoreError::ChangedMeanwhile { what }) if what == WAIT_CONFLICT => Ok(false),
        written => Ok(written?),
    }
}
