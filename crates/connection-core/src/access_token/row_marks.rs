//! The marks on tokens and codes. A token decides who uses an account, so a row that was edited or restored is refused.

use crate::{
    SessionId, guard,
    keys::Sealer,
    store::{StoreError, Tx, rows::AccessTokenRow},
};

/// Inserts a row with its mark. The transaction holds the owner's lock.
pub(super) async fn insert(tx: &mut Tx, sealer: &Sealer, row: &AccessTokenRow) -> Result<(), StoreError> {
    let mark = guard::written(tx, sealer, row.created_at, row).await?;
    tx.insert_access_token(row, &mark).await
}

/// Ends a row, and marks it. The transaction holds the owner's lock.
pub(super) async fn revoke(tx: &mut Tx, sealer: &Sealer, row: AccessTokenRow, at: i64) -> Result<(), StoreError> {
    let row = AccessTokenRow { revoked_at: Some(at), ..row };
    let mark = guard::written(tx, sealer, at, &row).await?;
    if row.agent_id.is_some() {
        // Other tokens are read for each request.
        tx.withdraws();
    }
    tx.revoke_access_token(row.id, at, &mark).await
}

/// Sets the end of a code, and marks the row. The transaction holds the owner's lock.
pub(super) async fn set_end(
    tx: &mut Tx,
    sealer: &Sealer,
    row: AccessTokenRow,
    end: i64,
    at: i64,
) -> Result<(), StoreError> {
    let row = AccessTokenRow { expires_at: Some(end), ..row };
    let mark = guard::written(tx, sealer, at, &row).await?;
    tx.set_access_token_end(row.id, end, &mark).await
}

/// Lets the visitor of a setup link continue this setup, and marks the row. The transaction holds the owner's lock.
pub(super) async fn set_setup(
    tx: &mut Tx,
    sealer: &Sealer,
    row: AccessTokenRow,
    setup: SessionId,
    at: i64,
) -> Result<(), StoreError> {
    let row = AccessTokenRow { setup_id: Some(setup.as_uuid()), ..row };
    let mark = guard::written(tx, sealer, at, &row).await?;
    tx.set_access_token_setup(row.id, setup, &mark).await
}

/// Deletes a row that has ended. No row event is needed: if the row is restored, it has still ended.
pub(super) async fn forget(tx: &mut Tx, row: &AccessTokenRow) -> Result<(), StoreError> {
    tx.delete_access_token(row.id).await
}
