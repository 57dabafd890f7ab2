//! The entries of a setup's journal, as sealed rows.

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
