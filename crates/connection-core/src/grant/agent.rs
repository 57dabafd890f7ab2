//! The rows of agents and of their grants, with the marks that authenticate them.

use connection_contract::DisplayText;

use crate::{
    ConnectionId, approval, event,
    ground::Ground,
    guard::{RowError, Subject, optional},
    keys::Sealer,
    store::{
        Counted, StoreError, Tx,
        rows::{AgentGrantKey, AgentGrantRow, AgentRow, Marked},
    },
};

const AGENT: &str = "connection_agent";
const GRANT: &str = "connection_agent_grant";

fn seconds(at: Option<i64>) -> Vec<u8> {
    optional(at.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice))
}

/// The columns of an agent that the mark covers, apart from the key. The mark of an agent without a client is as it was
/// before agents had clients.
fn fields(row: &AgentRow) -> Vec<Vec<u8>> {
    let before = [row.name.clone().into_bytes(), row.made_at.to_be_bytes().to_vec(), seconds(row.removed_at)];
    before.into_iter().chain(row.client.clone().map(String::into_bytes)).collect()
}

/// The columns of a grant that the mark covers, apart from the key.
fn grant_fields(row: &AgentGrantRow) -> [Vec<u8>; 4] {
    [
        row.rules.clone().into_bytes(),
        row.created_at.to_be_bytes().to_vec(),
        row.expires_at.to_be_bytes().to_vec(),
        seconds(row.revoked_at),
    ]
}

/// Checks that the row of an agent is as this program last wrote it.
///
/// # Errors
///
/// The row was edited or restored. Neither its grants nor its tokens are used.
pub(crate) fn check(sealer: &Sealer, row: &AgentRow) -> Result<(), RowError> {
    let key: [&[u8]; 1] = [row.id.as_bytes()];
    let what = || DisplayText::from(format!("the agent '{}' ({})", row.name, row.id));
    Subject { table: AGENT, owner: &row.owner, key: &key }.check(sealer, &row.marked, &fields(row), what)
}

/// Checks that the row of a grant to an agent is as this program last wrote it.
///
/// # Errors
///
/// The row was edited or restored. It grants nothing.
pub(crate) fn check_grant(sealer: &Sealer, row: &AgentGrantRow) -> Result<(), RowError> {
    let grantee = row.agent_id.grantee();
    let key: [&[u8]; 2] = [grantee.as_bytes(), row.connection_id.as_bytes()];
    let what = || format!("the grant of connection {} to the agent {}", row.connection_id, row.agent_id).into();
    Subject { table: GRANT, owner: &row.owner, key: &key }.check(sealer, &row.marked, &grant_fields(row), what)
}

async fn written(tx: &mut Tx, sealer: &Sealer, row: &AgentRow, at: i64) -> Result<Vec<u8>, StoreError> {
    let key: [&[u8]; 1] = [row.id.as_bytes()];
    Subject { table: AGENT, owner: &row.owner, key: &key }.written(tx, sealer, at, &fields(row)).await
}

/// Inserts an agent with its mark. The transaction holds the owner's lock.
pub(crate) async fn insert(tx: &mut Tx, sealer: &Sealer, row: &AgentRow) -> Result<(), StoreError> {
    let mark = written(tx, sealer, row, row.made_at).await?;
    tx.insert_agent(row, &mark).await
}

/// Marks an agent as removed. The transaction holds the owner's lock, and has ended its grants and tokens.
pub(crate) async fn remove(tx: &mut Tx, sealer: &Sealer, row: AgentRow, at: i64) -> Result<(), StoreError> {
    let row = AgentRow { removed_at: Some(at), ..row };
    let mark = written(tx, sealer, &row, at).await?;
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
) -> Result<Marked, StoreError> {
    let AgentGrantRow { owner, agent_id, connection_id, rules, expires_at, .. } = row;
    let grantee = agent_id.grantee();
    let key: [&[u8]; 2] = [grantee.as_bytes(), connection_id.as_bytes()];
    let subject = Subject { table: GRANT, owner, key: &key };
    let mark = subject.written(tx, &ground.sealer, ground.clock.now().seconds(), &grant_fields(row)).await?;
    tx.put_agent_grant(row, &mark).await?;
    // What widened a former grant ends with every change of it.
    let grant = AgentGrantKey { owner, agent: *agent_id, connection: *connection_id };
    approval::end_widenings(tx, ground, grant).await?;
    let marked = Marked::written(mark);
    if let Some(counted) = counted(row, &marked) {
        tx.begin_budget(&counted).await?;
    }
    let rules: serde_json::Value = serde_json::from_str(rules).unwrap_or_default();
    let id = agent_id.to_string();
    let body = serde_json::json!({ "agent": agent, "agentId": id, "expiresAt": expires_at, "rules": rules });
    event::append(tx, &ground.sealer, &ground.event(owner, *connection_id, kind, body)).await?;
    Ok(marked)
}

/// Returns the grant by which requests are counted. A row without a mark counts none.
pub(crate) fn counted(row: &AgentGrantRow, marked: &Marked) -> Option<Counted> {
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
