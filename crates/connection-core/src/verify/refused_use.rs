//! The verification that follows a use that the provider refused with 401.
//!
//! The refused use is noted in the store, so that the next verification of any process follows it: that of a scheduler, of
//! the program that sent the request, or of a person. Nobody can flood a provider with it, because a process claims the
//! verification first, at most once in five minutes for a connection, and not during a pause that the provider asked for.

use connection_contract::Kind;

use super::{Result, System};
use crate::{ConnectionId, ground::Scope, store::any_of};

/// Notes that the provider refused a use of the credential of this generation, and wakes the scheduler of this process.
/// The note is written once until a verification follows.
pub(crate) async fn note(system: &System, id: ConnectionId, generation: i64) -> Result<()> {
    if system.reader().await?.is_use_refused(id).await? {
        return Ok(());
    }
    let note = system.store.write_relaxed(move |tx| Box::pin(async move { tx.note_refused_use(id, generation).await }));
    if note.await? {
        system.refused_uses.notify_one();
    }
    Ok(())
}

/// Claims the verification that follows a refused use of this connection. Returns `false` if none is due now.
pub(crate) async fn claim(scope: Scope<'_, System>, id: ConnectionId, kind: &Kind) -> Result<bool> {
    let system = scope.system;
    // A kind that an extension of the owner brings has a provider of its own.
    let kinds = match kind.extension() {
        Some(_) => any_of([kind.as_str()]),
        None => any_of(system.kinds_of(&system.provider_of(kind)).iter().map(Kind::as_str)),
    };
    let now = system.clock.now().seconds();
    if system.reader().await?.is_provider_paused(id, scope.owner, &kinds, now).await? {
        return Ok(false);
    }
    let claim = system.store.write_relaxed(move |tx| Box::pin(async move { tx.claim_refused_use(id).await }));
    Ok(claim.await?)
}
