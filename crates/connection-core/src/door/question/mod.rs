//! Asking a person about a request: it is stored, and waits for the answer.

use std::sync::Arc;

use connection_contract::{Crypto as _, encode};
use connection_rules::RequestParts;

use crate::{
    AgentError, AgentId, ApprovalId, ApprovalState, ConnectionId, Error, RuleError,
    approval::{self, Facts, StoredRequest, digest},
    event,
    grant::{AgentStanding, Why},
    ground::Ground,
    services::crypto::SystemCrypto,
    store::{
        APPROVAL_REQUEST, Lock, StoreError, Tx,
        rows::{ApprovalRow, StoredMark},
    },
};

/// The maximum size of the body of a request about which a person is asked, in bytes.
pub(super) const MAX_BODY: u64 = 1 << 20;
/// The maximum number of requests of an agent that wait.
const MAX_WAITING: usize = 64;
/// The maximum number of rows that are read to count them. Some may have lapsed and not be marked so yet.
const MAX_READ: i64 = 1024;

/// A request about which a person is asked.
pub(super) struct Question {
    pub(super) agent: AgentId,
    /// What the row says. The nonce and the digest are set here.
    pub(super) facts: Facts,
    pub(super) connection: ConnectionId,
    pub(super) owner: String,
    pub(super) kind: String,
    pub(super) parts: RequestParts,
    pub(super) body: Vec<u8>,
    /// The digest that equal requests share: see [`same`](approval::same).
    pub(super) same: [u8; 32],
}

/// Returns the approval to which a request belongs: that of an equal request, if one came in the meantime, or a new
/// one.
///
/// # Errors
///
/// [`RuleError::TooManyApprovals`] if 64 requests of the agent wait, [`AgentError::NotGranted`] if the grant or the
/// connection is gone, [`AgentError::GrantEnded`], [`Error::Row`], and the store's errors.
pub(super) async fn ask(ground: &Arc<Ground>, question: Question) -> Result<ApprovalId, Error> {
    let Question { agent, facts, connection, owner, kind, mut parts, body, same } = question;
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
    let cell = APPROVAL_REQUEST.at(id.as_uuid(), 0, &owner, &kind);
    let sealed = ground.seal(&cell, encoded.expose()).await?;
    let now = ground.clock.now().seconds();
    let row = ApprovalRow {
        id,
        owner,
        agent_id: agent,
        connection_id: connection,
        kind,
        state: ApprovalState::Waiting,
        same: same.to_vec(),
        facts: facts.text(),
        created_at: now,
        ends_at: now.saturating_add_unsigned(ground.approvals_expire.as_secs()),
        changed_at: now,
        fetched_at: None,
        seconds_left: None,
        marked: StoredMark::default(),
    };
    let on = ground.clone();
    let job = ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&row.owner)).await?;
            tx.lock(Lock::Connection(row.connection_id)).await?;
            if let Some(known) = approval::found(tx, &on, agent, &row.same).await? {
                return Ok(Ok(known.id));
            }
            if let Err(error) = is_granted(tx, &on, &row).await? {
                return Ok(Err(error));
            }
            if is_full(tx, &on, &row).await? {
                let grantee = Facts::of(&row).agent.into();
                return Ok(Err(RuleError::TooManyApprovals { grantee }.into()));
            }
            approval::insert(tx, &on.sealer, &row, &sealed).await?;
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

/// Returns an error if the agent may no longer use the connection. The body of a request may have taken minutes to arrive.
async fn is_granted(tx: &mut Tx, ground: &Ground, row: &ApprovalRow) -> Result<Result<(), Error>, StoreError> {
    let facts = Facts::of(row);
    let checked = AgentStanding::of_approval(row, &facts, facts.revision).check(tx, ground).await?;
    let Err(why) = checked else { return Ok(Ok(())) };
    let (agent, connection) = (facts.agent.into(), row.connection_id);
    Ok(match why {
        // These are compared again before the request is sent.
        Why::OtherAccount | Why::OtherTerms | Why::GrantReplaced => Ok(()),
        Why::AgentRemoved | Why::GrantRevoked | Why::ConnectionRemoved => {
            Err(AgentError::NotGranted { agent, connection }.into())
        }
        Why::GrantEnded => Err(AgentError::GrantEnded { agent, connection }.into()),
        Why::Edited(error) => Err(error.into()),
    })
}

/// Returns `true` if no further request of the agent may wait. Requests whose time has passed do not count.
async fn is_full(tx: &mut Tx, ground: &Ground, row: &ApprovalRow) -> Result<bool, StoreError> {
    let waiting = tx.approvals_of_agent(row.agent_id, ApprovalState::Waiting, MAX_READ).await?;
    let now = ground.clock.now().seconds();
    Ok(waiting.iter().filter(|other| other.ends_at > now).count() >= MAX_WAITING)
}

#[cfg(test)]
mod tests;
