//! The rows of grants to extensions and agents, with the marks that authenticate them; the extensions that a change of a
//! connection affects; and whether a use that was decided by a grant may still happen.

mod affected;
pub(crate) mod agent;
mod judge;
pub(crate) mod standing;

use crate::{
    ChangedPart, ConnectionId, event,
    ground::Ground,
    guard,
    keys::Sealer,
    store::{
        Counted, StoreError, Tx, json,
        rows::{GrantRow, StoredMark},
    },
};

pub(crate) use affected::{ALL_OF_IT, Affected};
pub(crate) use judge::{DecidingRule, Judgement, judge};
pub(crate) use standing::{AgentStanding, Why};

/// Writes a grant with its mark, and returns the parts of the extension that change: other extensions read the public
/// values of a provider's own extension only while that one has a grant. The transaction holds the locks of the owner and
/// the connection.
pub(crate) async fn write(
    tx: &mut Tx,
    sealer: &Sealer,
    row: &GrantRow,
    at: i64,
) -> Result<Vec<ChangedPart>, StoreError> {
    let mark = guard::written(tx, sealer, at, row).await?;
    tx.put_grant(row, &mark).await?;
    if let Some(counted) = counted(row, &StoredMark::written(mark)) {
        tx.begin_budget(&counted).await?;
    }
    let is_public = tx.count_public_change(&row.owner, &row.extension).await?;
    Ok(is_public.then_some(ChangedPart::ConnectionConfig).into_iter().chain([ChangedPart::Grant]).collect())
}

/// Returns the grant by which requests are counted; `None` for one without rules, which has no budget.
pub(crate) fn counted(row: &GrantRow, marked: &StoredMark) -> Option<Counted> {
    row.rules.as_ref()?;
    Some(Counted {
        owner: row.owner.clone(),
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
    let parts = write(tx, &ground.sealer, &row, now).await?;
    let body = serde_json::json!({ "extension": extension, "names": json::to_texts(&row.names) });
    let event = ground.event(owner, connection, event::EXTENSION_REVOKED, body);
    event::append(tx, &ground.sealer, &event).await.map(|()| parts)
}
