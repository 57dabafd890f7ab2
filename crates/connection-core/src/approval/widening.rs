//! Widenings of grants: for a time, a rule that asks lets requests with one method and one path pass.

use std::time::Duration;

use connection_contract::Timestamp;
use serde::{Deserialize, Serialize};

use super::Facts;
use crate::{
    AgentId, ConnectionId, event,
    ground::Ground,
    guard,
    keys::Sealer,
    store::{
        Reader, StoreError, Tx,
        rows::{AgentGrantKey, ApprovalRow, StoredMark, WideningRow},
    },
};

/// The longest time for which a grant is widened.
pub(crate) const MAX_TIME: Duration = Duration::from_hours(1);
/// The maximum number of requests that a widening lets pass.
pub(crate) const MAX_REQUESTS: u32 = 100;

/// The requests that pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scope {
    /// The rule that asks.
    pub(crate) rule: String,
    pub(crate) method: String,
    /// The origin, for an address outside of the base.
    pub(crate) origin: Option<String>,
    /// The path as it is sent, without the query.
    pub(crate) path: String,
}

/// A grant that is widened for a while, after a person approved a request in this way: the rule then lets requests with
/// the same method and the same path pass without a question, whatever their query, headers and body are. It ends with
/// every change of the grant.
///
/// ```
/// use connection_core::Widening;
///
/// fn line(of: &Widening) -> String {
///     format!("{} {} {} more times until {}", of.method, of.path, of.left, of.ends_at.to_rfc3339())
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Widening {
    /// The agent whose grant is widened.
    pub agent: AgentId,
    /// The connection of the grant.
    pub connection: ConnectionId,
    /// The rule that would ask.
    pub rule: String,
    /// The method of the requests.
    pub method: String,
    /// The origin, if the address is outside of the base.
    pub origin: Option<String>,
    /// The path as it is sent, below the base or the origin.
    pub path: String,
    /// The time at which a person widened the grant.
    pub created_at: Timestamp,
    /// The time at which it ends.
    pub ends_at: Timestamp,
    /// The number of requests that may still pass.
    pub left: u32,
}

impl Scope {
    /// Returns the name of the scope, which is a part of the primary key.
    fn name(&self, sealer: &Sealer) -> [u8; 32] {
        let text = serde_json::to_string(self).unwrap_or_default();
        sealer.mac_of("connections/approval/scope/v1", &[text.as_bytes()])
    }
}

/// What a person lets pass for a while.
#[derive(Debug)]
pub(crate) struct NewWidening {
    pub(crate) scope: Scope,
    pub(crate) time: Duration,
    pub(crate) requests: u32,
}

/// Widens the grant under which the request of an approval was made. The transaction holds the locks of the owner and the
/// connection.
pub(crate) async fn widen(
    tx: &mut Tx,
    ground: &Ground,
    approval: &ApprovalRow,
    facts: &Facts,
    new: &NewWidening,
) -> Result<(), StoreError> {
    let NewWidening { scope, time, requests } = new;
    let ApprovalRow { owner, agent_id, connection_id, .. } = approval;
    let now = ground.clock.now().seconds();
    let row = WideningRow {
        owner: owner.clone(),
        agent_id: *agent_id,
        connection_id: *connection_id,
        matched: scope.name(&ground.sealer).to_vec(),
        revision: facts.revision,
        facts: serde_json::to_string(scope).unwrap_or_default(),
        created_at: now,
        ends_at: now.saturating_add_unsigned((*time).min(MAX_TIME).as_secs()),
        requests: (*requests).clamp(1, MAX_REQUESTS).into(),
        taken: 0,
        marked: StoredMark::default(),
    };
    let mark = guard::written(tx, &ground.sealer, now, &row).await?;
    tx.put_widening(&row, &mark).await?;
    let body = serde_json::json!({
        "agent": facts.agent, "agentId": agent_id.to_string(), "rule": scope.rule, "method": scope.method,
        "path": scope.path, "endsAt": row.ends_at, "requests": row.requests,
    });
    let event = ground.event(owner, *connection_id, event::AGENT_WIDENED, body);
    event::append(tx, &ground.sealer, &event).await
}

/// Returns what lets a request pass now, under the grant with this revision.
pub(crate) async fn widening_of(
    reader: &mut Reader,
    ground: &Ground,
    grant: AgentGrantKey<'_>,
    revision: i64,
    scope: &Scope,
) -> Result<Option<WideningRow>, StoreError> {
    let name = scope.name(&ground.sealer);
    let row = reader.widening(grant, &name).await?;
    let now = ground.clock.now().seconds();
    let is_live = |row: &WideningRow| row.revision == revision && now < row.ends_at && row.taken < row.requests;
    Ok(row.filter(is_live).filter(|row| guard::check(&ground.sealer, row).is_ok()))
}

/// Deletes what widened a grant. The transaction holds the locks of the owner and the connection.
pub(crate) async fn end_widenings(tx: &mut Tx, ground: &Ground, grant: AgentGrantKey<'_>) -> Result<(), StoreError> {
    let now = ground.clock.now().seconds();
    for row in tx.widenings_of(grant).await? {
        guard::deleted(tx, &ground.sealer, now, &row).await?;
        tx.delete_widening(&row).await?;
    }
    Ok(())
}

impl Widening {
    /// Returns the widening in a row, if it is in force for the grant with this revision.
    pub(crate) fn of(ground: &Ground, row: &WideningRow, revision: Option<i64>) -> Option<Self> {
        let now = ground.clock.now().seconds();
        let left = u32::try_from(row.requests.saturating_sub(row.taken.max(0))).unwrap_or_default();
        let is_live = Some(row.revision) == revision && now < row.ends_at && left > 0;
        if !is_live || guard::check(&ground.sealer, row).is_err() {
            return None;
        }
        let Scope { rule, method, origin, path } = serde_json::from_str(&row.facts).ok()?;
        Some(Self {
            agent: row.agent_id,
            connection: row.connection_id,
            rule,
            method,
            origin,
            path,
            created_at: Timestamp::from_seconds(row.created_at),
            ends_at: Timestamp::from_seconds(row.ends_at),
            left,
        })
    }
}
