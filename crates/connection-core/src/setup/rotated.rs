//! Credentials that a provider rotated while a candidate was verified.
//!
//! The credential that the plugin made no longer works then. The rotated one goes into the journal, after the plugin's
//! own effects, before anything is decided: whatever the session waits for, and whichever process continues it after a
//! crash, the next verification uses the rotated credential.
//!
//! A rotated credential that cannot be recorded is kept in memory and in the directory of the node. It is tried again
//! with pauses, before anything else is done for its session, in this process and in every other process of the node.
//! A credential is also kept so while its commit takes long.

use std::{sync::Arc, time::Duration};

use connection_contract::{Secret, SetupResult};
use connection_egress::Backoff;
use connection_replay::{Effect, Entry};

use super::{
    System,
    candidate::Candidate,
    confirm::CONFIRM,
    effects::Inner,
    slot::{Slot, Unrecorded},
};
use crate::{
    Error,
    exchange::{COMMIT_PATIENCE, commit_or_keep, rescued_entry},
    ids::SessionId,
    journal,
    store::{SETUP_EFFECT, Sealed},
};

/// Fingerprint of an entry with a rotated credential. It differs from that of every effect of a plugin.
const ROTATED: &str = "1 rotated";

/// The pauses after writes that failed.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

/// Takes the rest of the journal as the newest credential and the confirmed account. Returns `None` if the rest holds
/// anything else.
pub(super) fn replayed(inner: &mut Inner, mut made: SetupResult<Secret>) -> Option<SetupResult<Secret>> {
    while let Some(entry) = inner.run.take_rest() {
        match entry.effect {
            Effect::Value(Ok(Some(credential))) if entry.what == ROTATED => made.credential = credential,
            Effect::Answered(_) if entry.what.starts_with(CONFIRM) => {
                inner.run.step += 1;
                inner.confirmed = Some(entry.what);
            }
            _ => return None,
        }
    }
    Some(made)
}

/// Records the credential that the verification rotated, if it did. Returns `false` if the session was ended in the
/// meantime, or if another process was first.
///
/// # Errors
///
/// The credential could not be recorded. It is kept, and a later run records it.
pub(super) async fn keep(
    system: &Arc<System>,
    slot: &Slot,
    inner: &mut Inner,
    candidate: &Candidate,
) -> Result<bool, Error> {
    let fresh = match candidate {
        Candidate::Accepted(kept) => kept.found.credential.as_ref(),
        // Nothing of a refused candidate is kept.
        Candidate::Refused(_) => None,
    };
    let Some(fresh) = fresh else { return Ok(true) };
    let effect = Effect::Value(Ok(Some(fresh.duplicate())));
    let entry = Entry::new(ROTATED, system.ground.clock.now(), effect).encode();
    let unrecorded = Unrecorded { seq: inner.run.next, entry, sealed: None, rescued: false, failures: 0 };
    inner.run.next += 1;
    slot.set_unrecorded(Some(unrecorded));
    record(system, slot).await
}

/// Records the rotated credential that this process keeps, if there is one. The caller runs this session. Returns
/// `false` if there is no place for it: the session was ended, or another entry is recorded there.
pub(super) async fn record(system: &Arc<System>, slot: &Slot) -> Result<bool, Error> {
    let Some(mut kept) = slot.set_unrecorded(None) else { return Ok(true) };
    let session = slot.id;
    let seq = kept.seq;
    let written = match seal(system, slot, &mut kept).await {
        Ok(sealed) if kept.rescued => write(system, session, seq, sealed).await,
        Ok(sealed) => {
            let keeping = rescued_entry::write(&system.exchange, session, seq, &sealed);
            let (written, rescued) =
                commit_or_keep(&*system.ground.clock, write(system, session, seq, sealed.clone()), keeping).await;
            kept.rescued = rescued.unwrap_or_default();
            written
        }
        Err(error) => Err(error),
    };
    match written {
        Ok(recorded) => {
            if kept.rescued {
                rescued_entry::remove(&system.exchange, session).await;
            }
            Ok(recorded)
        }
        Err(error) => {
            tracing::warn!(%session, code = error.code(), "a rotated credential cannot be recorded now and is kept \
                                                           until it can be");
            if let (false, Some(sealed)) = (kept.rescued, &kept.sealed) {
                kept.rescued = rescued_entry::write(&system.exchange, session, seq, sealed).await;
            }
            slot.set_unrecorded(Some(kept));
            Err(error)
        }
    }
}

async fn seal(system: &System, slot: &Slot, kept: &mut Unrecorded) -> Result<Sealed, Error> {
    if let Some(sealed) = &kept.sealed {
        return Ok(sealed.clone());
    }
    // The store may be what hangs, so that sealing waits for it only for a short time.
    let cell = slot.cell(&SETUP_EFFECT, kept.seq);
    let sealed = system.ground.seal_soon(&cell, kept.entry.expose(), COMMIT_PATIENCE).await?;
    Ok(kept.sealed.insert(sealed).clone())
}

async fn write(system: &System, session: SessionId, seq: i64, sealed: Sealed) -> Result<bool, Error> {
    let written = system
        .ground
        .store
        .write_end(move |tx| Box::pin(async move { journal::insert_next(tx, session, seq, &sealed).await }));
    Ok(written.await?)
}

/// Records a credential that another process of this node received and could not record. Returns `true` if there was
/// one.
pub(super) async fn ingest(system: &Arc<System>, slot: &Slot) -> Result<bool, Error> {
    rescued_entry::ingest(&system.exchange, slot.id).await
}

/// Returns the pause after which the session is run again, because a credential could not be recorded; `None` if none
/// waits.
///
/// The lease is kept until it expires, because another process would ask with the credential that no longer works.
pub(super) fn pause(slot: &Slot) -> Option<Duration> {
    let mut kept = slot.set_unrecorded(None)?;
    kept.failures = kept.failures.saturating_add(1);
    let pause = PAUSES.after(kept.failures);
    slot.set_unrecorded(Some(kept));
    Some(pause)
}

/// Forgets the unrecorded credential of a session that was ended.
pub(super) async fn forget(system: &Arc<System>, slot: &Slot) {
    if slot.set_unrecorded(None).is_some_and(|kept| kept.rescued) {
        rescued_entry::remove(&system.exchange, slot.id).await;
    }
}
