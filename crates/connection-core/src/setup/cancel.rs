//! A session that its host ends: nothing of it is kept, and an account that was shown and not confirmed is given back.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{Outcome, confirm, rotated, run, slot::Slot};
use crate::{
    Error,
    registry::Shared,
    store::{Lock, rows::SetupState},
};

/// Ends a session for its host, on a task of its own. One that has ended is left as it is.
pub(super) fn cancel(shared: &Arc<Shared>, slot: &Arc<Slot>) -> JoinHandle<Result<(), Error>> {
    slot.cancelled.send_replace(true);
    let (shared, slot) = (shared.clone(), slot.clone());
    let runtimes = shared.runtimes.clone();
    runtimes.spawn(async move {
        let ended = end_cancelled(&shared, &slot).await;
        if let Err(error) = &ended {
            tracing::warn!(session = %slot.id, code = error.code(), "a setup could not be cancelled");
            // It is still there, and may be resumed.
            slot.cancelled.send_replace(false);
        }
        ended
    })
}

async fn end_cancelled(shared: &Arc<Shared>, slot: &Arc<Slot>) -> Result<(), Error> {
    // The run that was told to stop must be gone: what it writes last is deleted here.
    let _running = slot.running.lock().await;
    let (id, expires) = (slot.id, shared.clock.now().after(run::SESSION_LIFE).seconds());
    let row = shared.reader().await?.setup(id).await?;
    let Some(row) = row else { return Ok(()) };
    let step_seq = row.step_seq;
    let ended = shared.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            tx.end_setup(id, SetupState::Cancelled, step_seq, None, expires).await
        })
    });
    if ended.await? {
        tracing::info!(session = %slot.id, kind = %slot.kind, "setup cancelled");
        rotated::forget(shared, slot).await;
        confirm::give_back(shared, slot).await;
        slot.end(run::step_no(step_seq), Outcome::Cancelled);
    } else {
        // Somebody else ended it: the row says how.
        run::spawn(shared, slot);
    }
    Ok(())
}
