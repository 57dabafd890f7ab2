//! The entries of a setup's journal, as sealed rows.

use connection_contract::Kind;
use connection_seal::Place;

use crate::{
    SessionId,
    store::{Lock, Sealed, StoreError, Tx},
};

/// Inserts the entry after the last one of the journal. Returns `false` if it no longer belongs there, or if it is
/// there already because of a commit whose result was lost.
pub(crate) async fn insert_next(
    tx: &mut Tx,
    session: SessionId,
    seq: i64,
    sealed: &Sealed,
) -> Result<bool, StoreError> {
    tx.lock(Lock::Setup(session)).await?;
    let follows = seq == 0 || tx.has_effect(session, seq - 1).await?;
    Ok(follows && tx.insert_effect(session, seq, sealed).await?)
}

/// Returns the place of an entry of a session's journal.
pub(crate) fn entry_place<'a>(id: &'a SessionId, owner: &'a str, kind: &'a Kind, seq: i64) -> Place<'a> {
    place(id, owner, kind, "connection_setup_effect", "sealed", seq)
}

/// Returns the place of a sealed column of a session.
pub(crate) fn place<'a>(
    id: &'a SessionId,
    owner: &'a str,
    kind: &'a Kind,
    table: &'static str,
    column: &'static str,
    sequence: i64,
) -> Place<'a> {
    Place { table, column, key: id.as_bytes(), owner, kind: kind.as_str(), sequence }
}
