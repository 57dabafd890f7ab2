//! A candidate that its provider rotated while it was verified. The one that the plugin made is dead by then, so the new
//! one goes into the journal, behind the plugin's own effects, before anything is decided: whatever the session waits for,
//! and whoever goes on with it after a crash, the next verification is of that one.
//!
//! One that cannot be recorded is kept in memory and in the directory of the node, and tried again with pauses: before
//! anything else is done for its session, in this process and in every other one of its node. While a commit takes long it
//! is kept so, too.

use std::{sync::Arc, time::Duration};

use connection_contract::{Established, Secret};
use connection_replay::{Effect, Entry};

use super::{confirm::CONFIRM, effects::Inner, finish::Candidate, lease, run, slot::Slot};
use crate::{
    Error, StoreError,
    exchange::{PATIENCE, beside, rescued_entry},
    ids::SessionId,
    registry::Shared,
    store::{Lock, Sealed, Tx},
};

/// The fingerprint of such an entry; a plugin that goes on where it ended before asks something else.
const ROTATED: &str = "1 rotated";

/// After a write that failed; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// One that could not be recorded yet.
pub(super) struct Unrecorded {
    seq: i64,
    entry: Secret,
    sealed: Option<Sealed>,
    /// Whether it is in the directory of the node, too.
    rescued: bool,
    pause: Duration,
}

/// Takes what is left of a journal for the newest credential and the account that was confirmed. `None` when something
/// else is left.
pub(super) fn replayed(inner: &mut Inner, mut made: Established<Secret>) -> Option<Established<Secret>> {
    while let Some(entry) = inner.run.take_rest() {
        match entry.effect {
            Effect::Kept(Ok(Some(credential))) if entry.what == ROTATED => made.credential = credential,
            Effect::Answered(_) if entry.what.starts_with(CONFIRM) => {
                inner.run.step += 1;
                inner.confirmed = Some(entry.what);
            }
            _ => return None,
        }
    }
    Some(made)
}

/// Records what the verification rotated. `false` when the session was ended meanwhile, or another process was first.
///
/// # Errors
///
/// It is kept, and recorded by a later run.
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
    let entry = Entry::new(ROTATED, shared.clock.now(), effect).encode();
    let unrecorded = Unrecorded { seq: inner.run.next, entry, sealed: None, rescued: false, pause: FIRST_PAUSE };
    inner.run.next += 1;
    slot.set_unrecorded(Some(unrecorded));
    record(shared, slot).await
}

/// Records what a verification of this process rotated, if that is still to be done; the caller runs this session. `false`
/// when there is no place for it: the session was ended, or something else is recorded there.
pub(super) async fn record(shared: &Arc<Shared>, slot: &Slot) -> Result<bool, Error> {
    let Some(mut kept) = slot.set_unrecorded(None) else { return Ok(true) };
    let (session, seq) = (slot.id, kept.seq);
    let written = match seal(shared, slot, &mut kept).await {
        Ok(sealed) if kept.rescued => write(shared, session, seq, sealed).await,
        Ok(sealed) => {
            let keeping = rescued_entry::write(shared, session, seq, &sealed);
            let (written, rescued) = beside(&*shared.clock, write(shared, session, seq, sealed.clone()), keeping).await;
            kept.rescued = rescued.unwrap_or_default();
            written
        }
        Err(error) => Err(error),
    };
    match written {
        Ok(recorded) => {
            if kept.rescued {
                rescued_entry::remove(shared, session).await;
            }
            Ok(recorded)
        }
        Err(error) => {
            tracing::warn!(%session, code = error.code(), "a rotated credential cannot be recorded now, and is kept");
            if let (false, Some(sealed)) = (kept.rescued, &kept.sealed) {
                kept.rescued = rescued_entry::write(shared, session, seq, sealed).await;
            }
            slot.set_unrecorded(Some(kept));
            Err(error)
        }
    }
}

async fn seal(shared: &Shared, slot: &Slot, kept: &mut Unrecorded) -> Result<Sealed, Error> {
    if let Some(sealed) = &kept.sealed {
        return Ok(sealed.clone());
    }
    // The store may be what hangs, so it is not waited for.
    let place = slot.effect_place(kept.seq);
    let sealed = shared.sealer.seal_soon(&place, kept.entry.expose(), PATIENCE).await;
    Ok(kept.sealed.insert(sealed.map_err(|error| slot.sealed_error(error))?).clone())
}

async fn write(shared: &Shared, session: SessionId, seq: i64, sealed: Sealed) -> Result<bool, Error> {
    let written = shared.store.write(move |tx| Box::pin(async move { insert(tx, session, seq, &sealed).await }));
    Ok(written.await?)
}

/// Writes it behind what the journal has. `false` when that is not where it belongs any more; that is also so when it is
/// there already, of a commit that was not told.
pub(crate) async fn insert(tx: &mut Tx, session: SessionId, seq: i64, sealed: &Sealed) -> Result<bool, StoreError> {
    tx.lock(Lock::Setup(session)).await?;
    let follows = seq == 0 || tx.has_effect(session, seq - 1).await?;
    Ok(follows && tx.insert_effect(session, seq, sealed).await?)
}

/// Of what another process of this node got and could not record; whether there was something.
pub(super) async fn ingest(shared: &Arc<Shared>, slot: &Slot) -> Result<bool, Error> {
    rescued_entry::ingest(shared, slot.id).await
}

/// Runs the session again after a pause, for what could not be recorded. Until then the lease is held as long as it runs:
/// another process would ask with the credential that is dead. Where there is nothing, the lease goes.
pub(super) async fn again_later_or_release(shared: &Arc<Shared>, slot: &Arc<Slot>) {
    let Some(mut kept) = slot.set_unrecorded(None) else { return lease::release(shared, slot).await };
    let pause = kept.pause;
    kept.pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    slot.set_unrecorded(Some(kept));
    // It keeps no registry alive that its host has dropped.
    let (clock, host, waits) = (shared.clock.clone(), Arc::downgrade(shared), slot.clone());
    let task = async move {
        clock.sleep(pause).await;
        if let Some(shared) = host.upgrade() {
            run::spawn(&shared, &waits);
        }
    };
    slot.set_timer(shared.runtimes.spawn(task).abort_handle());
}

/// Forgets what could not be recorded of a session that was ended.
pub(super) async fn forget(shared: &Arc<Shared>, slot: &Slot) {
    if slot.set_unrecorded(None).is_some_and(|kept| kept.rescued) {
        rescued_entry::remove(shared, slot.id).await;
    }
}
