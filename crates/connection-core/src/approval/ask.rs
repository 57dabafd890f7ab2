//! Asking a person about a request.

use std::sync::Arc;

use connection_contract::{Crypto as _, encode};
use connection_rules::RequestParts;

use super::{
    equal::found,
    facts::Facts,
    marks,
    stored::{StoredRequest, digest, request_place},
};
use crate::{
    AgentError, AgentId, ApprovalId, ConnectionId, Error, RuleError, event,
    ground::Ground,
    services::crypto::SystemCrypto,
    store::{
        Lock, StoreError, Tx,
        rows::{ApprovalRow, Marked, StoredState},
    },
};

/// The maximum size of the body of a request about which a person is asked, in bytes.
pub(crate) const MAX_BODY: u64 = 1 << 20;
/// The maximum number of requests of an agent that wait.
const MAX_WAITING: usize = 64;
/// The maximum number of rows that are read to count them. Some may have lapsed and not be marked so yet.
const MAX_READ: i64 = 1024;

/// A request about which a person is asked.
pub(crate) struct Ask {
    pub(crate) agent: AgentId,
    /// What the row says. The nonce and the digest are set here.
    pub(crate) facts: Facts,
    pub(crate) connection: ConnectionId,
    pub(crate) owner: String,
    pub(crate) kind: String,
    pub(crate) parts: RequestParts,
    pub(crate) body: Vec<u8>,
    /// The digest that equal requests share: see [`same`](super::same).
    pub(crate) same: [u8; 32],
}

/// Returns the approval to which a request belongs: that of an equal request, if one came in the meantime, or a new
/// one.
///
/// # Errors
///
/// [`RuleError::TooManyApprovals`] if 64 requests of the agent wait, [`AgentError::NotGranted`] if the grant or the
/// connection is gone, and the store's errors.
pub(crate) async fn ask(ground: &Arc<Ground>, asked: Ask) -> Result<ApprovalId, Error> {
    let Ask { agent, facts, connection, owner, kind, mut parts, body, same } = asked;
    // The request of an agent is sent with this coding, so a person sees it.
    for (name, value) in &mut parts.headers {
        if name.eq_ignore_ascii_case("accept-encoding") {
            *value = b"identity".to_vec();
        }
    }
    let id = ApprovalId::from(ground.ids.next());
    let encoded = StoredRequest::new(&parts, &body).encode();
    let mut nonce = [0; 16];
    SystemCrypto.random(&mut nonce);
    let facts = Facts {
        bytes: body.len() as u64,
        digest: digest(&nonce, encoded.expose()),
        nonce: encode::hex(&nonce),
        ..facts
    };
    let failed = |source| Error::Sealed { what: format!("approval {id}"), source: Arc::new(source) };
    let place = request_place(&id, &owner, &kind);
    let sealed = ground.sealer.seal(&place, encoded.expose()).await.map_err(failed)?;
    let now = ground.clock.now().seconds();
    let row = ApprovalRow {
        id,
        owner,
        agent_id: agent,
        connection_id: connection,
        kind,
        state: StoredState::Waiting,
        same: same.to_vec(),
        facts: facts.text(),
        created_at: now,
        ends_at: now.saturating_add_unsigned(ground.approvals_expire.as_secs()),
        changed_at: now,
        fetched_at: None,
        lease_until: None,
        marked: Marked::default(),
    };
    let on = ground.clone();
    let job = ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&row.owner)).await?;
            tx.lock(Lock::Connection(row.connection_id)).await?;
            if let Some(known) = found(tx, &on, agent, &row.same).await? {
                return Ok(Ok(known.id));
            }
            if !is_granted(tx, &row).await? {
                let connection = row.connection_id;
                let agent = Facts::of(&row).agent.into();
                return Ok(Err(AgentError::NotGranted { agent, connection }.into()));
            }
            if is_full(tx, &on, &row).await? {
                let grantee = Facts::of(&row).agent.into();
                return Ok(Err(RuleError::TooManyApprovals { grantee }.into()));
            }
            marks::insert(tx, &on.sealer, &row, &sealed).await?;
            let facts = Facts::of(&row);
            let body = serde_json::json!({
                "approval": row.id.to_string(), "agent": facts.agent, "agentId": agent.to_string(),
                "rule": facts.rule, "method": facts.method, "endsAt": row.ends_at,
            });
            let event = on.event(&row.owner, row.connection_id, event::APPROVAL_REQUESTED, body);
            event::append(tx, &on.sealer, &event).await?;
            tx.made(&row.id.to_string()).await.map(|_| Ok(row.id))
        })
    });
    job.await?
}

/// Returns `true` if the connection is there, and the agent was not removed and has a grant. The body of a request may
/// have taken minutes to arrive.
async fn is_granted(tx: &mut Tx, row: &ApprovalRow) -> Result<bool, StoreError> {
    let agent = tx.agent(row.agent_id).await?.is_some_and(|agent| agent.removed_at.is_none());
    let account = tx.account(row.connection_id).await?.is_some_and(|account| account.owner == row.owner);
    let grant = tx.agent_grant(&row.owner, row.agent_id, row.connection_id).await?;
    Ok(agent && account && grant.is_some_and(|grant| grant.revoked_at.is_none()))
}

/// Returns `true` if no further request of the agent may wait. Requests whose time has passed do not count.
async fn is_full(tx: &mut Tx, ground: &Ground, row: &ApprovalRow) -> Result<bool, StoreError> {
    let waiting = tx.approvals_of_agent(row.agent_id, StoredState::Waiting, MAX_READ).await?;
    let now = ground.clock.now().seconds();
    Ok(waiting.iter().filter(|other| other.ends_at > now).count() >= MAX_WAITING)
}
