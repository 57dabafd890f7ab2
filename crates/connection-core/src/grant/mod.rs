//! The rows of grants to extensions and agents, with the marks that authenticate them; the extensions that a change of a
//! connection affects; and whether a use that was decided by a grant may still happen.

mod affected;
pub(crate) mod agent;
mod judge;
pub(crate) mod standing;

use crate::{
    ChangedPart, ConnectionId, event,
    ground::Ground,
    guard::{RowError, Subject},
    keys::Sealer,
    store::{
        Counted, StoreError, Tx, json,
        rows::{GrantRow, Marked},
    },
};

pub(crate) use affected::{ALL_OF_IT, Affected};
pub(crate) use judge::{DecidingRule, Judgement, judge};
pub(crate) use standing::{AgentStanding, Why};

const TABLE: &str = "connection_extension_grant";

/// The columns that the mark covers, apart from the key. The mark of a grant without rules is as it was before grants had
/// rules.
fn fields(row: &GrantRow) -> Vec<Vec<u8>> {
    let revoked_at = row.revoked_at.map(|at| at.to_be_bytes().to_vec()).unwrap_or_default();
    let before = [row.names.clone().into_bytes(), row.created_at.to_be_bytes().to_vec(), revoked_at];
    before.into_iter().chain(row.rules.clone().map(String::into_bytes)).collect()
}

/// Checks that the row of a grant is as this program last wrote it.
///
/// # Errors
///
/// The row was edited or restored. It grants nothing.
pub(crate) fn check(sealer: &Sealer, owner: &str, row: &GrantRow) -> Result<(), RowError> {
    let key = [row.extension.as_bytes(), row.connection_id.as_bytes()];
    let what = || format!("the grant of connection {} to '{}'", row.connection_id, row.extension).into();
    let subject = Subject { table: TABLE, owner, key: &key };
    subject.check(sealer, &row.marked, &fields(row), what)
}

/// Writes a grant with its mark, and returns the parts of the extension that change: other extensions read the public
/// values of a provider's own extension only while that one has a grant. The transaction holds the locks of the owner and
/// the connection.
pub(crate) async fn write(
    tx: &mut Tx,
    sealer: &Sealer,
    owner: &str,
    row: &GrantRow,
    at: i64,
) -> Result<Vec<ChangedPart>, StoreError> {
    let key = [row.extension.as_bytes(), row.connection_id.as_bytes()];
    let subject = Subject { table: TABLE, owner, key: &key };
    let mark = subject.written(tx, sealer, at, &fields(row)).await?;
    tx.put_grant(owner, row, &mark).await?;
    if let Some(counted) = counted(owner, row, &Marked::written(mark)) {
        tx.begin_budget(&counted).await?;
    }
    let is_public = tx.count_public_change(owner, &row.extension).await?;
    Ok(is_public.then_some(ChangedPart::ConnectionConfig).into_iter().chain([ChangedPart::Grant]).collect())
}

/// Returns the grant by which requests are counted; `None` for one without rules, which has no budget.
pub(crate) fn counted(owner: &str, row: &GrantRow, marked: &Marked) -> Option<Counted> {
    row.rules.as_ref()?;
    Some(Counted {
        owner: owner.to_owned(),
        grantee: format!("extension:{}", row.extension),
        connection: row.connection_id,
        revision: marked.newest?,
    })
}

/// Revokes a grant and records it. Returns the parts of the extension that change. The transaction holds the
/// connection's lock.
pub(crate) async fn take_back(
    tx: &mut Tx,
    ground: &Ground,
    owner: &str,
    extension: &str,
    connection: ConnectionId,
) -> Result<Vec<ChangedPart>, StoreError> {
    let found = tx.grant(owner, extension, connection).await?.filter(|row| row.revoked_at.is_none());
    let Some(row) = found else { return Ok(Vec::new()) };
    let now = ground.clock.now().seconds();
    let row = GrantRow { revoked_at: Some(now), ..row };
    let parts = write(tx, &ground.sealer, owner, &row, now).await?;
    let body = serde_json::json!({ "extension": extension, "names": json::to_texts(&row.names) });
    let event = ground.event(owner, connection, event::EXTENSION_REVOKED, body);
    event::append(tx, &ground.sealer, &event).await.map(|()| parts)
}
