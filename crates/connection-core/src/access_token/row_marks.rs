//! The marks on tokens and codes. A token decides who uses an account, so a row that was edited or restored is refused.

use uuid::Uuid;

use crate::{
    AgentId, SessionId,
    guard::{RowError, Subject, optional},
    keys::Sealer,
    store::{StoreError, Tx, rows::AccessTokenRow},
};

const TABLE: &str = "connection_access_token";

/// The encoded columns that the mark covers: all of them, except for the time of the last use.
fn fields(row: &AccessTokenRow) -> Vec<Vec<u8>> {
    let AccessTokenRow { purpose, token_hash, name, role, extension, link, setup_id, .. } = row;
    let AccessTokenRow { created_at, expires_at, idle, revoked_at, .. } = row;
    let AccessTokenRow { agent_id, audience, client, .. } = row;
    let seconds = |seconds: &Option<i64>| optional(seconds.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
    let mut fields = vec![
        purpose.as_str().into(),
        token_hash.clone(),
        name.as_bytes().to_vec(),
        role.as_bytes().to_vec(),
        optional(extension.as_deref().map(str::as_bytes)),
        optional(link.as_deref().map(str::as_bytes)),
        optional(setup_id.as_ref().map(Uuid::as_bytes).map(<[u8; 16]>::as_slice)),
        created_at.to_be_bytes().to_vec(),
        seconds(expires_at),
        seconds(idle),
        seconds(revoked_at),
    ];
    // The tokens of others have the marks that they had before there were agents.
    if agent_id.is_some() || audience.is_some() {
        let agent = agent_id.map(|id| AgentId::from(id).grantee());
        fields.push(optional(agent.as_deref().map(str::as_bytes)));
        fields.push(optional(audience.as_deref().map(str::as_bytes)));
    }
    // The tokens that no client got have the marks that they had before there were clients.
    fields.extend(client.clone().map(String::into_bytes));
    fields
}

/// Checks that a row is as this program last wrote it, apart from the time of its last use.
///
/// # Errors
///
/// The row was edited or restored. Its token is not accepted.
pub(crate) fn check(sealer: &Sealer, row: &AccessTokenRow) -> Result<(), RowError> {
    let subject = Subject { table: TABLE, owner: &row.owner, key: &[row.id.as_bytes()] };
    subject.check(sealer, &row.marked, &fields(row), || format!("the access token '{}' ({})", row.name, row.id).into())
}

async fn written(tx: &mut Tx, sealer: &Sealer, row: &AccessTokenRow, at: i64) -> Result<Vec<u8>, StoreError> {
    Subject { table: TABLE, owner: &row.owner, key: &[row.id.as_bytes()] }.written(tx, sealer, at, &fields(row)).await
}

/// Inserts a row with its mark. The transaction holds the owner's lock.
pub(super) async fn insert(tx: &mut Tx, sealer: &Sealer, row: &AccessTokenRow) -> Result<(), StoreError> {
    let mark = written(tx, sealer, row, row.created_at).await?;
    tx.insert_access_token(row, &mark).await
}

/// Ends a row, and marks it. The transaction holds the owner's lock.
pub(super) async fn revoke(tx: &mut Tx, sealer: &Sealer, row: AccessTokenRow, at: i64) -> Result<(), StoreError> {
    let row = AccessTokenRow { revoked_at: Some(at), ..row };
    let mark = written(tx, sealer, &row, at).await?;
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
    let mark = written(tx, sealer, &row, at).await?;
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
    let mark = written(tx, sealer, &row, at).await?;
    tx.set_access_token_setup(row.id, setup, &mark).await
}

/// Deletes a row that has ended. No row event is needed: if the row is restored, it has still ended.
pub(super) async fn forget(tx: &mut Tx, row: &AccessTokenRow) -> Result<(), StoreError> {
    tx.delete_access_token(row.id).await
}
