//! A candidate that its provider rotated while it was verified. The one that the plugin made is dead by then, so the new
//! one goes into the journal, behind the plugin's own effects, before anything is decided: whatever the session waits for,
//! and whoever goes on with it after a crash, the next verification is of that one.

use std::sync::Arc;

use connection_contract::{Established, Secret};

use super::{
    effects::Inner,
    finish::Candidate,
    journal::{Effect, Entry},
    slot::Slot,
};
use crate::{
    Error,
    registry::Shared,
    store::{Lock, rows::SetupState},
};

/// The fingerprint of such an entry; a plugin that goes on where it ended before asks something else.
const ROTATED: &str = "1 rotated";

/// Takes what is left of a journal for the newest credential. `None` when something else is left.
pub(super) fn replayed(inner: &mut Inner, mut made: Established<Secret>) -> Option<Established<Secret>> {
    while let Some(entry) = inner.replay.pop_front() {
        match entry.effect {
            Effect::Kept(Ok(Some(credential))) if entry.what == ROTATED => made.credential = credential,
            _ => return None,
        }
        inner.now = entry.at;
        inner.next += 1;
    }
    Some(made)
}

/// Records what the verification rotated. `false` when the session was ended meanwhile, or another process was first.
pub(super) async fn keep(
    shared: &Arc<Shared>,
    slot: &Slot,
    inner: &mut Inner,
    candidate: &Candidate,
    asked: bool,
) -> Result<bool, Error> {
    let fresh = match candidate {
        Candidate::Kept(kept) if asked => kept.found.credential.as_ref(),
        // What a plugin measured by itself is in the journal; and of what is refused nothing is kept.
        _ => None,
    };
    let Some(fresh) = fresh else { return Ok(true) };
    let effect = Effect::Kept(Ok(Some(fresh.duplicate())));
    let entry = Entry { what: ROTATED.to_owned(), at: shared.clock.now(), effect };
    let (id, seq) = (slot.id, inner.next);
    let sealed = shared.sealer.seal(&slot.effect_place(seq), entry.encode().expose()).await;
    let sealed = sealed.map_err(|error| slot.sealed_error(error))?;
    let written = shared.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            let row = tx.setup(id).await?;
            if !row.is_some_and(|row| matches!(row.state, SetupState::Running | SetupState::Waiting)) {
                return Ok(false);
            }
            tx.insert_effect(id, seq, &sealed).await
        })
    });
    inner.next += 1;
    Ok(written.await?)
}
