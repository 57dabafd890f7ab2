//! The rows of approvals, with the marks that authenticate them.

use crate::{
    guard,
    keys::Sealer,
    store::{Sealed, StoreError, Tx, rows::ApprovalRow},
};

/// Inserts an approval with its mark. The transaction holds the owner's lock.
pub(crate) async fn insert(
    tx: &mut Tx,
    sealer: &Sealer,
    row: &ApprovalRow,
    request: &Sealed,
) -> Result<(), StoreError> {
    let mark = guard::written(tx, sealer, row.changed_at, row).await?;
    tx.insert_approval(row, request, &mark).await
}

/// Writes what changed of an approval, with its mark. The transaction holds the owner's lock.
pub(crate) async fn put(tx: &mut Tx, sealer: &Sealer, row: &ApprovalRow) -> Result<(), StoreError> {
    let mark = guard::written(tx, sealer, row.changed_at, row).await?;
    tx.put_approval(row, &mark).await
}

/// Deletes an approval. The transaction holds the owner's lock.
pub(crate) async fn delete(tx: &mut Tx, sealer: &Sealer, row: &ApprovalRow, at: i64) -> Result<(), StoreError> {
    guard::deleted(tx, sealer, at, row).await?;
    tx.delete_approval(row.id).await
}
