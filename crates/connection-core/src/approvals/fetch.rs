//! What an agent sees of its approvals, and gets.

use std::{sync::Arc, time::Duration};

use connection_contract::{BoxFuture, Timestamp};
use connection_egress::Moment;

use super::execute;
use crate::{
    AgentCaller, AgentId, ApprovalError, ApprovalId, ApprovalState, ConnectionId, Error, LapseReason,
    approval::{self, Facts, StoredAnswer, state_at},
    connection::System,
    ground::Scope,
    guard,
    limits::APPROVAL_ANSWER_KEPT,
    store::{APPROVAL_ANSWER, Changed, Lock, rows::ApprovalRow},
};

/// The time between two attempts to send a request that is approved and that nobody sends.
const AGAIN: Duration = Duration::from_secs(2);

/// The answer of a provider to an approved request.
///
/// ```
/// use connection_core::ProviderAnswer;
///
/// fn is_created(answer: &ProviderAnswer) -> bool {
///     answer.status == 201 && answer.is_complete
/// }
/// # let _ = is_created;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderAnswer {
    /// The status.
    pub status: u16,
    /// All headers, as names and values, without what repeats the credential.
    pub headers: Vec<(String, String)>,
    /// The body, of which at most 1 MiB is stored.
    pub body: Vec<u8>,
    /// `false` if the answer broke off or was longer.
    pub is_complete: bool,
}

/// An approval, as the agent that made the request sees it.
///
/// ```
/// use connection_core::{AgentApproval, ApprovalState};
///
/// fn may_ask_again(of: &AgentApproval) -> bool {
///     matches!(of.state, ApprovalState::Refused | ApprovalState::Lapsed)
/// }
/// # let _ = may_ask_again;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentApproval {
    /// The id.
    pub id: ApprovalId,
    /// The connection of the request.
    pub connection: ConnectionId,
    /// The origin to which the request is sent.
    pub origin: String,
    /// The state.
    pub state: ApprovalState,
    /// The rule that asks.
    pub rule: String,
    /// The reason why the request can no longer be sent.
    pub lapse: Option<LapseReason>,
    /// The reason of the person who refused the request.
    pub refusal: Option<String>,
    /// The code of the error that keeps an approved request from being sent, or its answer from arriving.
    pub code: Option<String>,
    /// The id of the message, as JSON, if the request is one message of JSON-RPC that wants a response.
    pub message: Option<String>,
    /// The end of the time in which the request may be sent.
    pub ends_at: Timestamp,
    /// The answer, while it is kept: for a day.
    pub answer: Option<ProviderAnswer>,
}

impl AgentApproval {
    /// Returns the reason why a request that is over has no whole answer, as a sentence without a full stop; `None` while
    /// it is open.
    pub fn unanswered(&self) -> Option<String> {
        let with =
            |said: &str, why: Option<String>| why.map_or_else(|| said.to_owned(), |why| format!("{said}: {why}"));
        match self.state {
            ApprovalState::Refused => Some(with("a person refused this request", self.refusal.clone())),
            ApprovalState::Lapsed => Some(with("this request was not sent", self.lapse.map(|why| why.to_string()))),
            ApprovalState::Unknown | ApprovalState::Answered => {
                Some("this request was approved and may have happened; its answer is lost".to_owned())
            }
            ApprovalState::Waiting | ApprovalState::Approved | ApprovalState::Executing => None,
        }
    }
}

/// The approvals of one agent.
#[derive(Clone, Copy)]
pub(crate) struct OfAgent<'a> {
    pub(super) scope: Scope<'a, System>,
    pub(super) caller: &'a AgentCaller,
}

impl<'a> OfAgent<'a> {
    /// Waits until a request was answered or is over, for at most this time. A result is marked as fetched only by
    /// [`fetched`](Self::fetched).
    pub(crate) fn wait(self, id: ApprovalId, at_most: Duration) -> BoxFuture<'a, Result<AgentApproval, Error>> {
        Box::pin(async move {
            let row = wait(self.scope, id, Some(self.caller.agent().id()), at_most).await?;
            let ground = &self.scope.system.ground;
            let state = state_at(&row, ground.clock.now().seconds());
            let facts = Facts::of(&row);
            let answer = match state {
                ApprovalState::Answered => answer(self.scope, &row, &facts).await?,
                _ => None,
            };
            let lapse = facts.lapse_reason();
            Ok(AgentApproval {
                id,
                connection: row.connection_id,
                origin: facts.origin,
                state,
                rule: facts.rule,
                lapse: lapse.or_else(|| (state == ApprovalState::Lapsed).then_some(LapseReason::Ended)),
                refusal: facts.refusal,
                code: facts.code,
                message: facts.message,
                ends_at: Timestamp::from_seconds(row.ends_at),
                answer,
            })
        })
    }

    /// Records that the agent got the result, so that an equal request is a new one.
    pub(crate) fn fetched(self, id: ApprovalId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let on = self.scope.system.ground.clone();
            let owner = self.scope.owner.to_owned();
            let agent = self.caller.agent().id();
            let job = self.scope.system.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&owner)).await?;
                    let row = tx.approval(&owner, id).await?.filter(|row| row.agent_id == agent);
                    let Some(row) = row.filter(|row| row.fetched_at.is_none()) else { return Ok(()) };
                    let now = on.clock.now().seconds();
                    let state = state_at(&row, now);
                    if state.is_open() || guard::check(&on.sealer, &row).is_err() {
                        return Ok(());
                    }
                    let stored = if state == ApprovalState::Unknown { ApprovalState::Unknown } else { row.state };
                    approval::put(tx, &on.sealer, &ApprovalRow { fetched_at: Some(now), state: stored, ..row }).await
                })
            });
            Ok(job.await?)
        })
    }
}

async fn answer(scope: Scope<'_, System>, row: &ApprovalRow, facts: &Facts) -> Result<Option<ProviderAnswer>, Error> {
    let ground = &scope.system.ground;
    // The scheduler erases an answer some time after its end.
    if row.changed_at <= ground.clock.now().seconds().saturating_sub(APPROVAL_ANSWER_KEPT) {
        return Ok(None);
    }
    let (_, found) = ground.reader().await?.sealed_of_approval(row.id).await?;
    let Some(found) = found else { return Ok(None) };
    let plain = ground.open(&APPROVAL_ANSWER.at(row.id.as_uuid(), 0, &row.owner, &row.kind), &found).await?;
    let stored = StoredAnswer::decode(plain.expose());
    Ok(stored.map(|stored| ProviderAnswer {
        status: stored.status,
        body: stored.body(),
        is_complete: facts.complete.unwrap_or_default(),
        headers: stored.headers,
    }))
}

/// Waits until an approval was answered or is over, for at most this time. A request that is approved and that nobody
/// sends is sent.
///
/// # Errors
///
/// [`ApprovalError::Unknown`], also for an approval of another agent than `agent`; [`Error::Row`]; and the store's
/// errors.
pub(super) async fn wait(
    scope: Scope<'_, System>,
    id: ApprovalId,
    agent: Option<AgentId>,
    at_most: Duration,
) -> Result<ApprovalRow, Error> {
    let ground = &scope.system.ground;
    let clock = &*ground.clock;
    let began = Moment::of(clock);
    let mut changes = ground.store.changes(clock).await;
    let mut tried: Option<Moment> = None;
    loop {
        let row = ground.reader().await?.approval(scope.owner, id).await?;
        let row =
            row.filter(|row| agent.is_none_or(|agent| row.agent_id == agent)).ok_or(ApprovalError::Unknown(id))?;
        guard::check(&ground.sealer, &row)?;
        let state = state_at(&row, clock.now().seconds());
        let now = Moment::of(clock);
        let left = at_most.saturating_sub(began.age(now));
        // Whoever leaves at once, such as a command, does not begin what it would not see the end of.
        let may_begin = agent.is_some() || !left.is_zero();
        if state == ApprovalState::Approved && may_begin && tried.is_none_or(|tried| tried.age(now) >= AGAIN) {
            execute::begin(scope.owned(), id);
            tried = Some(now);
        }
        if !state.is_open() || left.is_zero() {
            return Ok(row);
        }
        let connection = row.connection_id;
        let concerns = move |changed| changed == Changed::Connection(connection);
        changes.changed(clock, left.min(AGAIN), concerns).await?;
    }
}

/// Returns a handle for the approvals of an agent.
pub(crate) fn of_agent<'a>(system: &'a Arc<System>, caller: &'a AgentCaller) -> OfAgent<'a> {
    OfAgent { scope: Scope { system, owner: caller.agent().owner_name() }, caller }
}
