//! The file of a credential that a setup's verification rotated, and that could not go into the session's journal.
//!
//! It is sealed as the entry that it is to be, with its session and number, so that it opens there alone. A session has
//! one at most: nothing more is asked for it until that one is recorded. It is read before the session asks its provider,
//! and when a registry is opened; where the session has ended, or its journal has gone on, it goes.

use std::sync::Arc;

use super::{
    ExchangeKey, Scope,
    rescue::{self, Rescue},
};
use crate::{Error, ids::SessionId, registry::Shared, seal::Sealed, setup};

/// What says in a file that it holds an entry.
pub(super) const TAG: u8 = 3;

/// Keeps an entry in a file: whether it is there. Best effort: it is in memory, too.
pub(crate) async fn write(shared: &Arc<Shared>, session: SessionId, seq: i64, sealed: &Sealed) -> bool {
    let key = ExchangeKey::of_entry(&shared.sealer, session);
    rescue::write_file(shared, key, (TAG, *session.as_bytes(), seq), sealed).await
}

/// Removes the file of an entry that is recorded, or belongs nowhere.
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

/// Puts what was in a file where it belongs.
pub(super) async fn record(
    shared: &Arc<Shared>,
    key: ExchangeKey,
    (session, seq): (SessionId, i64),
    sealed: Sealed,
) -> Result<Rescue, Error> {
    if let Some((owner, kind)) = rescue::whose(shared, Scope::Session(session)).await? {
        let place = setup::effect_place(&session, &owner, &kind, seq);
        match shared.sealer.open(&place, &sealed).await {
            Err(source) if source.may_pass() => {
                return Err(Error::Sealed { what: format!("setup session {session}"), source: Arc::new(source) });
            }
            Err(error) => return Ok(rescue::damaged(shared, key, &error.to_string())),
            Ok(_) => {}
        }
        let insert = shared
            .store
            .write(move |tx| Box::pin(async move { setup::insert_rotated(tx, session, seq, &sealed).await }));
        if insert.await? {
            rescue::remove(shared, key).await;
            return Ok(Rescue::Ingested);
        }
    }
    rescue::remove(shared, key).await;
    Ok(Rescue::Nothing)
}
