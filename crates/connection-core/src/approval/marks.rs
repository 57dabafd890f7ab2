//! The rows of approvals and widenings, with the marks that authenticate them.

use crate::{
    guard::{RowError, Subject, optional},
    keys::Sealer,
    store::{
        Sealed, StoreError, Tx,
        rows::{ApprovalRow, Marked, WideningRow},
    },
};

const APPROVAL: &str = "connection_approval";
const WIDENING: &str = "connection_widening";

fn fields(row: &ApprovalRow) -> [Vec<u8>; 10] {
    [
        row.agent_id.as_bytes().to_vec(),
        row.connection_id.as_bytes().to_vec(),
        row.kind.clone().into_bytes(),
        row.state.as_str().into(),
        row.same.clone(),
        row.facts.clone().into_bytes(),
        row.created_at.to_be_bytes().to_vec(),
        row.ends_at.to_be_bytes().to_vec(),
        row.changed_at.to_be_bytes().to_vec(),
        optional(row.fetched_at.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice)),
    ]
}

fn widening_fields(row: &WideningRow) -> [Vec<u8>; 5] {
    [
        row.revision.to_be_bytes().to_vec(),
        row.facts.clone().into_bytes(),
        row.created_at.to_be_bytes().to_vec(),
        row.ends_at.to_be_bytes().to_vec(),
        row.requests.to_be_bytes().to_vec(),
    ]
}

/// Checks that an approval is as this program last wrote it.
///
/// # Errors
///
/// The row was edited or restored. Nothing is sent because of it.
pub(crate) fn check(sealer: &Sealer, row: &ApprovalRow) -> Result<(), RowError> {
    let what = || format!("the approval {}", row.id).into();
    let key: [&[u8]; 1] = [row.id.as_bytes()];
    Subject { table: APPROVAL, owner: &row.owner, key: &key }.check(sealer, &row.marked, &fields(row), what)
}

/// Inserts an approval with its mark. The transaction holds the owner's lock.
pub(crate) async fn insert(
    tx: &mut Tx,
    sealer: &Sealer,
    row: &ApprovalRow,
    request: &Sealed,
) -> Result<(), StoreError> {
    let mark = written(tx, sealer, row).await?;
    tx.insert_approval(row, request, &mark).await
}

/// Writes what changed of an approval, with its mark. The transaction holds the owner's lock.
pub(crate) async fn put(tx: &mut Tx, sealer: &Sealer, row: &ApprovalRow) -> Result<(), StoreError> {
    let mark = written(tx, sealer, row).await?;
    tx.put_approval(row, &mark).await
}

async fn written(tx: &mut Tx, sealer: &Sealer, row: &ApprovalRow) -> Result<Vec<u8>, StoreError> {
    let key: [&[u8]; 1] = [row.id.as_bytes()];
    let subject = Subject { table: APPROVAL, owner: &row.owner, key: &key };
    subject.written(tx, sealer, row.changed_at, &fields(row)).await
}

/// Deletes an approval. The transaction holds the owner's lock.
pub(crate) async fn delete(tx: &mut Tx, sealer: &Sealer, row: &ApprovalRow, at: i64) -> Result<(), StoreError> {
    let key: [&[u8]; 1] = [row.id.as_bytes()];
    Subject { table: APPROVAL, owner: &row.owner, key: &key }.deleted(tx, sealer, at).await?;
    tx.delete_approval(row.id).await
}

/// Checks that a widening is as this program last wrote it.
///
/// # Errors
///
/// The row was edited or restored. It lets nothing pass.
pub(crate) fn check_widening(sealer: &Sealer, row: &WideningRow) -> Result<(), RowError> {
    let grantee = row.agent_id.grantee();
    let what = || format!("what widens the grant of connection {} to {grantee}", row.connection_id).into();
    let key: [&[u8]; 3] = [grantee.as_bytes(), row.connection_id.as_bytes(), &row.matched];
    Subject { table: WIDENING, owner: &row.owner, key: &key }.check(sealer, &row.marked, &widening_fields(row), what)
}

/// Writes a widening with its mark, which is returned. The transaction holds the owner's lock.
pub(super) async fn put_widening(tx: &mut Tx, sealer: &Sealer, row: &WideningRow) -> Result<Marked, StoreError> {
    let grantee = row.agent_id.grantee();
    let key: [&[u8]; 3] = [grantee.as_bytes(), row.connection_id.as_bytes(), &row.matched];
    let subject = Subject { table: WIDENING, owner: &row.owner, key: &key };
    let mark = subject.written(tx, sealer, row.created_at, &widening_fields(row)).await?;
    tx.put_widening(row, &mark).await?;
    Ok(Marked::written(mark))
}

/// Deletes a widening. The transaction holds the owner's lock.
pub(super) async fn delete_widening(
    tx: &mut Tx,
    sealer: &Sealer,
    row: &WideningRow,
    at: i64,
) -> Result<(), StoreError> {
    let grantee = row.agent_id.grantee();
    let key: [&[u8]; 3] = [grantee.as_bytes(), row.connection_id.as_bytes(), &row.matched];
    Subject { table: WIDENING, owner: &row.owner, key: &key }.deleted(tx, sealer, at).await?;
    tx.delete_widening(row).await
}
