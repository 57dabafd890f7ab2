//! Requests that can no longer be sent.

use super::{Facts, marks};
use crate::{
    ApprovalState, ConnectionId, LapseReason, event,
    ground::Ground,
    guard,
    store::{
        StoreError, Tx,
        rows::{AgentGrantKey, ApprovalRow},
    },
};

/// The maximum number of rows of one state that are read at once. An agent has at most 64 that wait.
const AT_ONCE: i64 = 256;

/// Returns the state of an approval at a time, which may differ from the one in its row. A request whose time has
/// passed has lapsed, and one whose process has not said for long that it lives may have been sent.
pub(crate) fn state_at(row: &ApprovalRow, now: i64) -> ApprovalState {
    match row.state {
        ApprovalState::Waiting | ApprovalState::Approved if row.ends_at <= now => ApprovalState::Lapsed,
        ApprovalState::Executing if !row.is_held() => ApprovalState::Unknown,
        state => state,
    }
}

/// Records that a request can no longer be sent, and erases it. The transaction holds the locks of the owner and the
/// connection.
pub(crate) async fn lapse(
    tx: &mut Tx,
    ground: &Ground,
    row: ApprovalRow,
    reason: LapseReason,
) -> Result<(), StoreError> {
    let facts = Facts { lapse: Some(reason.as_str().to_owned()), ..Facts::of(&row) };
    let changed_at = ground.clock.now().seconds();
    let row = ApprovalRow { state: ApprovalState::Lapsed, facts: facts.text(), changed_at, ..row };
    marks::put(tx, &ground.sealer, &row).await?;
    tx.erase_approval_request(row.id).await?;
    // The events of a connection end with its removal.
    if tx.account(row.connection_id).await?.is_some() {
        let body = serde_json::json!({
            "approval": row.id.to_string(), "agent": facts.agent, "rule": facts.rule, "reason": reason.as_str(),
        });
        let event = ground.event(&row.owner, row.connection_id, event::APPROVAL_LAPSED, body);
        event::append(tx, &ground.sealer, &event).await?;
    }
    Ok(())
}

/// Ends what waits, and what was approved and not sent, for a grant that is revoked. The transaction holds the locks of
/// the owner and the connection.
pub(crate) async fn lapse_of_grant(tx: &mut Tx, ground: &Ground, grant: AgentGrantKey<'_>) -> Result<(), StoreError> {
    let AgentGrantKey { owner, agent, connection } = grant;
    for state in [ApprovalState::Waiting, ApprovalState::Approved] {
        for row in tx.approvals_of_agent(agent, state, AT_ONCE).await? {
            if row.connection_id == connection && row.owner == owner && guard::check(&ground.sealer, &row).is_ok() {
                lapse(tx, ground, row, LapseReason::Grant).await?;
            }
        }
    }
    Ok(())
}

/// Ends what waits, and what was approved and not sent, for a connection that is removed. The transaction holds the
/// locks of the owner and the connection.
pub(crate) async fn lapse_of_connection(
    tx: &mut Tx,
    ground: &Ground,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    for state in [ApprovalState::Waiting, ApprovalState::Approved] {
        for row in tx.approvals_of_connection(connection, state, AT_ONCE).await? {
            if guard::check(&ground.sealer, &row).is_ok() {
                lapse(tx, ground, row, LapseReason::Connection).await?;
            }
        }
    }
    Ok(())
}
