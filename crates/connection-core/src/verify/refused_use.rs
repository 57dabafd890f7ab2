//! The verification that follows a use that the provider refused with 401.
//!
//! The refused use is noted in the store, so that the next verification of any process follows it: that of a scheduler, of
//! the program that sent the request, or of a person. Nobody can flood a provider with it, because a process claims the
//! verification first, at most once in five minutes for a connection, and not during a pause that the provider
//! asked this connection for.

use super::{Result, System};
use crate::ConnectionId;

/// Notes that the provider refused a use of the credential of this generation, and wakes the scheduler of this process.
/// The note is written once until a verification follows.
pub(crate) async fn note(system: &System, id: ConnectionId, generation: i64) -> Result<()> {
    if system.ground.reader().await?.is_use_refused(id).await? {
        return Ok(());
    }
    let note =
        system.ground.store.write_relaxed(move |tx| Box::pin(async move { tx.note_refused_use(id, generation).await }));
    if note.await? {
        system.ground.answers.due.notify_one();
    }
    Ok(())
}

/// Claims the verification that follows a refused use of this connection. Returns `false` if none is due now.
pub(crate) async fn claim(system: &System, id: ConnectionId) -> Result<bool> {
    let now = system.ground.clock.now().seconds();
    if system.ground.reader().await?.is_paused(id, now).await? {
        return Ok(false);
    }
    let claim = system.ground.store.write_relaxed(move |tx| Box::pin(async move { tx.claim_refused_use(id).await }));
    Ok(claim.await?)
}
