//! A credential that a setup's verification rotated, kept in the directory of the node until the session's journal has it.
//!
//! It is sealed as the entry that it is to be, with its session and number, so that it opens there alone. A session has
//! one at most: nothing more is asked for it until that one is recorded. It is read before the session asks its provider,
//! and when a registry is opened; where the session has ended, or its journal has gone on, it goes.

use std::sync::Arc;

use super::{
    ExchangeKey, Scope,
    rescue::{self, Rescue},
    state::Source,
};
use crate::{Error, ids::SessionId, registry::Shared, seal::Sealed, setup};

/// Marks what is kept as an entry.
pub(super) const TAG: u8 = 3;

/// Keeps an entry; `true` when it is on the disk. Best effort: it is in memory, too.
pub(crate) async fn write(shared: &Arc<Shared>, session: SessionId, seq: i64, sealed: &Sealed) -> bool {
    let key = ExchangeKey::of_entry(&shared.sealer, session);
    rescue::write_sealed(shared, key, (TAG, *session.as_bytes(), seq), sealed).await
}

/// Forgets an entry that this process kept, and that is recorded or belongs nowhere.
pub(crate) async fn remove(shared: &Arc<Shared>, session: SessionId) {
    rescue::remove(shared, ExchangeKey::of_entry(&shared.sealer, session)).await;
}

/// Records what this node keeps of a session's journal; whether there was something.
///
/// # Errors
///
/// There may be something: nothing is to be asked for this session now.
pub(crate) async fn ingest(shared: &Arc<Shared>, session: SessionId) -> Result<bool, Error> {
    let key = ExchangeKey::of_entry(&shared.sealer, session);
    Ok(rescue::ingest(shared, key, false).await? == Rescue::Ingested)
}

/// Puts what was kept where it belongs.
pub(super) async fn record(
    shared: &Arc<Shared>,
    source: &Source,
    (session, seq): (SessionId, i64),
    sealed: Sealed,
) -> Result<Rescue, Error> {
    if let Some((owner, kind)) = rescue::whose(shared, Scope::Session(session)).await? {
        let place = setup::effect_place(&session, &owner, &kind, seq);
        match shared.sealer.open(&place, &sealed).await {
            Err(source) if source.may_pass() => {
                return Err(Error::Sealed { what: format!("setup session {session}"), source: Arc::new(source) });
            }
            Err(error) => return Ok(rescue::damaged(shared, source, &error.to_string())),
            Ok(_) => {}
        }
        let insert = shared
            .store
            .write(move |tx| Box::pin(async move { setup::insert_rotated(tx, session, seq, &sealed).await }));
        if insert.await? {
            rescue::forget(shared, source.clone()).await;
            return Ok(Rescue::Ingested);
        }
    }
    rescue::forget(shared, source.clone()).await;
    Ok(Rescue::Nothing)
}
