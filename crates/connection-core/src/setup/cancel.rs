//! Cancels a session for its host. Nothing of the session is kept, and the grant of an account that was shown and not
//! confirmed is given back.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{Outcome, System, confirm, rotated, row, run, slot::Slot};
use crate::{
    Error,
    store::{Lock, rows::SetupState},
};

/// Cancels a session on a separate task. A session that has ended is left as it is.
pub(super) fn cancel(system: &Arc<System>, slot: &Arc<Slot>) -> JoinHandle<Result<(), Error>> {
    slot.cancelled.send_replace(true);
    let system = system.clone();
    let slot = slot.clone();
    let runtimes = system.ground.runtimes.clone();
    runtimes.spawn(async move {
        let ended = end_cancelled(&system, &slot).await;
        if let Err(error) = &ended {
            tracing::warn!(session = %slot.id, code = error.code(), "a setup could not be cancelled");
            // The session is still open, and may be resumed.
            slot.cancelled.send_replace(false);
        }
        ended
    })
}

async fn end_cancelled(system: &Arc<System>, slot: &Arc<Slot>) -> Result<(), Error> {
    // The cancelled run must have ended, because its last writes are deleted here.
    let _running = slot.running.lock().await;
    let id = slot.id;
    let expires = system.ground.clock.now().after(row::SESSION_LIFE).seconds();
    let row = system.ground.reader().await?.setup(id).await?;
    let Some(row) = row else { return Ok(()) };
    let step_seq = row.step_seq;
    let ended = system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            tx.end_setup(id, SetupState::Cancelled, step_seq, None, expires).await
        })
    });
    if ended.await? {
        tracing::info!(session = %slot.id, kind = %slot.kind, "setup cancelled");
        rotated::forget(system, slot).await;
        confirm::revoke_unconfirmed(system, slot).await;
        slot.end(row::step_no(step_seq), Outcome::Cancelled);
    } else {
        // Another process ended the session; a run reads how.
        run::spawn(system, slot);
    }
    Ok(())
}
