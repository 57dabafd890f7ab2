//! The verification that follows a use whose answer contradicts what was measured: a 401, or a success of a connection that
//! is failing or offline.
//!
//! The use is noted in the store, so that the next verification of any process follows it: that of a scheduler, of
//! the program that sent the request, or of a person. Nobody can flood a provider with it, because a process claims the
//! verification first, at most once in five minutes for a connection, once in an hour if it sends a password, and not
//! during a pause that the provider asked this connection for.

use connection_contract::Kind;

use super::{Result, System};
use crate::ConnectionId;

/// Notes a use of the credential of this generation that was refused, or that succeeded although the connection is
/// failing or offline, and wakes the scheduler of this process. `refused_by` is the answer that refused the use.
/// The note is written once until a verification follows.
pub(crate) async fn note(system: &System, id: ConnectionId, generation: i64, refused_by: Option<String>) -> Result<()> {
    if system.ground.reader().await?.is_use_refused(id).await? {
        return Ok(());
    }
    let note = system.ground.store.write_relaxed(move |tx| {
        Box::pin(async move { tx.note_refused_use(id, generation, refused_by.as_deref()).await })
    });
    if note.await? {
        system.ground.answers.due.notify_one();
    }
    Ok(())
}

/// Claims the verification that follows such a use of this connection, of a kind of this owner. Returns `false` if none is
/// due now.
pub(crate) async fn claim(system: &System, owner: &str, kind: &Kind, id: ConnectionId) -> Result<bool> {
    let now = system.ground.clock.now().seconds();
    if system.ground.reader().await?.is_paused(id, now).await? {
        return Ok(false);
    }
    let has_password = system.ground.find_kind(owner, kind).await?.is_some_and(|kind| kind.has_password());
    let claim = system
        .ground
        .store
        .write_relaxed(move |tx| Box::pin(async move { tx.claim_refused_use(id, has_password).await }));
    Ok(claim.await?)
}
