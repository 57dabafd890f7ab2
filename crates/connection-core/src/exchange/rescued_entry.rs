//! A credential that a setup's verification rotated, kept in the state directory until the session's journal has it.
//!
//! It is sealed as the journal entry that it will become, with its session and number, so that it opens only there. A
//! session has at most one such entry, because it sends no further request until the entry is recorded. The entry is
//! read before the session sends a request to its provider, and when a registry is opened. If the session has ended, or
//! its journal has continued, the entry is deleted.

use std::sync::Arc;

use super::{
    ExchangeKey, ExchangeScope,
    rescue::{self, Rescue},
    state::Source,
};
use crate::{
    Error,
    exchange::System,
    ids::SessionId,
    journal,
    store::{SETUP_EFFECT, Sealed},
};

/// The tag of an entry in the state directory.
pub(super) const TAG: u8 = 3;

/// Keeps an entry. Returns `true` if it is on the disk. The entry is also in memory, so a failure is not final.
pub(crate) async fn write(system: &Arc<System>, session: SessionId, seq: i64, sealed: &Sealed) -> bool {
    let key = ExchangeKey::of_entry(&system.ground.sealer, session);
    rescue::write_sealed(system, key, TAG, *session.as_bytes(), seq, sealed).await
}

/// Forgets an entry that this process kept and that was recorded or is obsolete.
pub(crate) async fn remove(system: &Arc<System>, session: SessionId) {
    rescue::remove(system, ExchangeKey::of_entry(&system.ground.sealer, session)).await;
}

/// Records the entry that this node keeps for a session's journal. Returns `true` if there was one.
///
/// # Errors
///
/// An error if there may be an entry that cannot be recorded now. The session must then send no request.
pub(crate) async fn ingest(system: &Arc<System>, session: SessionId) -> Result<bool, Error> {
    let key = ExchangeKey::of_entry(&system.ground.sealer, session);
    Ok(rescue::ingest(system, key, false).await? == Rescue::Ingested)
}

/// Inserts a kept entry into its journal.
pub(super) async fn record(
    system: &Arc<System>,
    source: &Source,
    session: SessionId,
    seq: i64,
    sealed: Sealed,
) -> Result<Rescue, Error> {
    if let Some((owner, kind)) = rescue::owner_and_kind(system, ExchangeScope::Session(session)).await? {
        let cell = SETUP_EFFECT.at(session.as_uuid(), seq, &owner, kind.as_str());
        if system.ground.open_or_lost(&cell, &sealed).await?.is_none() {
            return Ok(rescue::damaged(system, source, rescue::DOES_NOT_OPEN));
        }
        let insert = system
            .ground
            .store
            .write(move |tx| Box::pin(async move { journal::insert_next(tx, session, seq, &sealed).await }));
        if insert.await? {
            rescue::forget(system, source.clone()).await;
            return Ok(Rescue::Ingested);
        }
    }
    rescue::forget(system, source.clone()).await;
    Ok(Rescue::Nothing)
}
