//! An approval, as lists show it.

use std::fmt;

use connection_contract::{Identity, Timestamp};

use crate::{
    AccessTokenId, AgentId, ApprovalId, ApprovalState, ConnectionId, Door, LapseReason,
    approval::{Facts, state_at},
    store::rows::ApprovalRow,
    words::words,
};

words! {
    /// The effect of a request, judged by its method alone. No provider says which of its requests can be undone.
    ///
    /// ```
    /// use connection_core::Impact;
    ///
    /// assert_eq!(Impact::of("DELETE"), Impact::Deletes);
    /// assert!(Impact::Deletes < Impact::Changes);
    /// ```
    #[non_exhaustive]
    pub enum Impact {
        /// The request deletes something. This cannot be undone.
        Deletes = "deletes",
        /// The request changes something. Whether this can be undone is not known.
        Changes = "changes",
        /// The method is one that reads, such as `GET`.
        Reads = "reads",
    }
}

impl Impact {
    /// Returns the impact of a request with this method.
    pub fn of(method: &str) -> Self {
        match method {
            "DELETE" => Self::Deletes,
            "GET" | "HEAD" | "OPTIONS" => Self::Reads,
            _ => Self::Changes,
        }
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deletes => "deletes something, which cannot be undone",
            Self::Changes => "changes something; whether that can be undone is not known",
            Self::Reads => "reads",
        })
    }
}

/// A request of an agent about which a person is asked, without the request itself.
///
/// ```
/// use connection_core::Approval;
///
/// fn line(of: &Approval) -> String {
///     format!("{} asks for {} {}{}: {}", of.agent_name, of.method, of.origin, of.path, of.state)
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Approval {
    /// The id, which is never used again. It does not give access.
    pub id: ApprovalId,
    /// The agent that made the request.
    pub agent: AgentId,
    /// The name of the agent.
    pub agent_name: String,
    /// The token with which the agent made the request.
    pub token: Option<AccessTokenId>,
    /// The door through which the request arrived.
    pub door: Door,
    /// The connection through which the request would be sent.
    pub connection: ConnectionId,
    /// The kind of the connection.
    pub kind: String,
    /// The label that the connection had when the request was made.
    pub label: String,
    /// The account that the connection had when the request was made.
    pub account: Identity,
    /// The rule that asks.
    pub rule: String,
    /// The method of the request.
    pub method: String,
    /// The origin to which the request is addressed.
    pub origin: String,
    /// The path of the request at the provider, without the query.
    pub path: String,
    /// The bytes of the body of the request.
    pub bytes: u64,
    /// The effect of the request, judged by its method alone.
    pub impact: Impact,
    /// The digest of the whole request, in hexadecimal. Whoever approves the request states it.
    pub digest: String,
    /// The state.
    pub state: ApprovalState,
    /// The reason why the request can no longer be sent.
    pub lapse: Option<LapseReason>,
    /// The reason of the person who refused the request.
    pub refusal: Option<String>,
    /// The person or the program that answered, if the host named one.
    pub answered_by: Option<String>,
    /// The time of the answer.
    pub answered_at: Option<Timestamp>,
    /// How it was proved who answered: `library`, `command`, `api`, or `token:` with the id of a token.
    pub proof: Option<String>,
    /// `true` if the answer also widened the grant.
    pub has_widened: bool,
    /// The status of the provider's answer.
    pub status: Option<u16>,
    /// `true` if the whole answer was stored. `None` without an answer.
    pub is_complete: Option<bool>,
    /// The code of the error that kept the request from being sent, or its answer from arriving.
    pub code: Option<String>,
    /// The time at which the request was made.
    pub created_at: Timestamp,
    /// The end of the time in which the request may be sent.
    pub ends_at: Timestamp,
    /// The time of the last change of the state.
    pub changed_at: Timestamp,
    /// The time at which the agent got the result.
    pub fetched_at: Option<Timestamp>,
}

impl Approval {
    /// Returns the approval in a row whose mark was checked, as it is at this time.
    pub(super) fn of(row: &ApprovalRow, now: Timestamp) -> Self {
        let facts = Facts::of(row);
        let state = state_at(row, now.seconds());
        let lapse = facts.lapse_reason();
        let lapse = lapse.or_else(|| (state == ApprovalState::Lapsed).then_some(LapseReason::Ended));
        Self {
            id: row.id,
            agent: row.agent_id,
            token: facts.token.map(AccessTokenId::from),
            door: facts.door,
            connection: row.connection_id,
            kind: row.kind.clone(),
            account: Identity::new(facts.account_id, facts.account_label),
            impact: Impact::of(&facts.method),
            agent_name: facts.agent,
            label: facts.label,
            rule: facts.rule,
            method: facts.method,
            origin: facts.origin,
            path: facts.path,
            bytes: facts.bytes,
            digest: facts.digest,
            state,
            lapse,
            refusal: facts.refusal,
            answered_by: facts.answered_by,
            answered_at: facts.answered_at.map(Timestamp::from_seconds),
            proof: facts.proof,
            has_widened: facts.widened,
            status: facts.status,
            is_complete: facts.complete,
            code: facts.code,
            created_at: Timestamp::from_seconds(row.created_at),
            ends_at: Timestamp::from_seconds(row.ends_at),
            changed_at: Timestamp::from_seconds(row.changed_at),
            fetched_at: row.fetched_at.map(Timestamp::from_seconds),
        }
    }
}
