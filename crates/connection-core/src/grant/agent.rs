//! The rows of agents and of their grants, with the marks that authenticate them.

use crate::{
    ConnectionId, approval, event,
    ground::Ground,
    guard,
    keys::Sealer,
    store::{
        Counted, StoreError, Tx,
        rows::{AgentGrantKey, AgentGrantRow, AgentRow, StoredMark},
    },
};

/// Inserts an agent with its mark. The transaction holds the owner's lock.
pub(crate) async fn insert(tx: &mut Tx, sealer: &Sealer, row: &AgentRow) -> Result<(), StoreError> {
    let mark = guard::written(tx, sealer, row.made_at, row).await?;
    tx.insert_agent(row, &mark).await
}

/// Marks an agent as removed. The transaction holds the owner's lock, and has ended its grants and tokens.
pub(crate) async fn remove(tx: &mut Tx, sealer: &Sealer, row: AgentRow, at: i64) -> Result<(), StoreError> {
    let row = AgentRow { removed_at: Some(at), ..row };
    let mark = guard::written(tx, sealer, at, &row).await?;
    tx.remove_agent(row.id, at, &mark).await
}

/// Writes a grant to the agent with this name, with its mark, which is returned; begins to count against its budget; and
/// records it with this event. The transaction holds the locks of the owner and the connection.
pub(crate) async fn write(
    tx: &mut Tx,
    ground: &Ground,
    row: &AgentGrantRow,
    agent: &str,
    kind: &'static str,
) -> Result<StoredMark, StoreError> {
    let AgentGrantRow { owner, agent_id, connection_id, rules, expires_at, .. } = row;
    let mark = guard::written(tx, &ground.sealer, ground.clock.now().seconds(), row).await?;
    tx.put_agent_grant(row, &mark).await?;
    // What widened a former grant ends with every change of it.
    let grant = AgentGrantKey { owner, agent: *agent_id, connection: *connection_id };
    approval::end_widenings(tx, ground, grant).await?;
    let marked = StoredMark::written(mark);
    if let Some(counted) = counted(row, &marked) {
        tx.begin_budget(&counted).await?;
    }
    let rules: serde_json::Value = serde_json::from_str(rules).unwrap_or_default();
    let id = agent_id.to_string();
    let body = serde_json::json!({ "agent": agent, "agentId": id, "expiresAt": expires_at, "rules": rules });
    event::append(tx, &ground.sealer, &ground.event(owner, *connection_id, kind, body)).await?;
    Ok(marked)
}

/// Gives a grant as [`write`] does, and returns `true` if it replaces one that was not revoked.
pub(crate) async fn give(tx: &mut Tx, ground: &Ground, row: &AgentGrantRow, agent: &str) -> Result<bool, StoreError> {
    let former = tx.agent_grant(&row.owner, row.agent_id, row.connection_id).await?;
    let replaces = former.is_some_and(|former| former.revoked_at.is_none());
    if replaces {
        tx.withdraws();
    }
    write(tx, ground, row, agent, event::AGENT_GRANTED).await.map(|_| replaces)
}

/// Returns the grant by which requests are counted. A row without a mark counts none.
pub(crate) fn counted(row: &AgentGrantRow, marked: &StoredMark) -> Option<Counted> {
    Some(Counted {
        owner: row.owner.clone(),
        grantee: row.agent_id.grantee(),
        connection: row.connection_id,
        revision: marked.newest?,
    })
}

/// Revokes a grant to the agent with this name and records it, and returns whether there was one. The transaction holds
/// the locks of the owner and the connection.
pub(crate) async fn take_back(
    tx: &mut Tx,
    ground: &Ground,
    grant: AgentGrantKey<'_>,
    name: &str,
) -> Result<bool, StoreError> {
    let AgentGrantKey { owner, agent, connection } = grant;
    let found = tx.agent_grant(owner, agent, connection).await?.filter(|row| row.revoked_at.is_none());
    let Some(row) = found else { return Ok(false) };
    approval::lapse_of_grant(tx, ground, grant).await?;
    let row = AgentGrantRow { revoked_at: Some(ground.clock.now().seconds()), ..row };
    write(tx, ground, &row, name, event::AGENT_REVOKED).await.map(|_| true)
}

/// Revokes the grants of a connection to all agents of its owner. The transaction holds the locks of the owner and the
/// connection.
pub(crate) async fn take_back_all(
    tx: &mut Tx,
    ground: &Ground,
    owner: &str,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    for row in tx.open_agent_grants(connection).await? {
        let name = tx.agent(row.agent_id).await?.map(|agent| agent.name).unwrap_or_default();
        take_back(tx, ground, AgentGrantKey { owner, agent: row.agent_id, connection }, &name).await?;
    }
    Ok(())
}
