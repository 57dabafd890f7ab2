//! Sending an approved request, at most once.

use std::time::Duration;

use connection_contract::{HttpRequest, Secret};

use super::details::opened;
use crate::{
    AgentError, Agents, ApprovalError, ApprovalId, ApprovalState, Connection, Error, Grantee, LapseReason, Permit,
    Response, RuleError,
    approval::{self, Facts, StoredAnswer, state_at},
    connection::{System, Unanswered},
    door::{self, Body, Decided},
    event,
    grant::{AgentStanding, Why},
    ground::OwnedScope,
    guard,
    lease::Lease,
    store::{APPROVAL_ANSWER, ApprovalLease, Lock, StoreError, rows::ApprovalRow},
    uses::UsedBy,
};

/// The time after an attempt that failed until the next one, in seconds.
const PAUSE: i64 = 5;
/// The maximum size of an answer that is stored, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// The number of seconds for which storing a result is tried again while the store fails.
const MAX_STORE_SECONDS: u32 = 60;

/// What keeps a request from being executed.
enum Hindrance {
    /// The request can no longer be sent.
    Lapsed(LapseReason),
    /// The request is not sent now, because of this error.
    Held(Error),
    /// Another process executes it, or it is over.
    Elsewhere,
}

impl From<Error> for Hindrance {
    fn from(error: Error) -> Self {
        match error {
            Error::Agent(AgentError::Unknown(_)) => Self::Lapsed(LapseReason::Agent),
            Error::Agent(_) => Self::Lapsed(LapseReason::Grant),
            Error::NotFound(_) => Self::Lapsed(LapseReason::Connection),
            Error::KindChanged { .. } => Self::Lapsed(LapseReason::Terms),
            Error::Rules(RuleError::BudgetSpent { .. }) => Self::Held(error),
            Error::Rules(RuleError::Ambiguous { .. }) => Self::Lapsed(LapseReason::Request),
            Error::Rules(_) => Self::Lapsed(LapseReason::Denied),
            Error::InvalidRequest(_) | Error::Denied { .. } => Self::Lapsed(LapseReason::Request),
            error => Self::Held(error),
        }
    }
}

impl Hindrance {
    /// Returns what keeps a request of this agent from being executed, if it was decided and no longer stands.
    fn of(why: Why, agent: String) -> Self {
        match why {
            Why::AgentRemoved => Self::Lapsed(LapseReason::Agent),
            Why::GrantRevoked | Why::GrantEnded => Self::Lapsed(LapseReason::Grant),
            Why::ConnectionRemoved => Self::Lapsed(LapseReason::Connection),
            Why::OtherAccount => Self::Lapsed(LapseReason::Account),
            Why::OtherTerms => Self::Lapsed(LapseReason::Terms),
            // The next attempt decides by the other grant.
            Why::GrantReplaced => Self::Held(ApprovalError::GrantChanged { agent: agent.into() }.into()),
            Why::Edited(error) => Self::Held(error.into()),
        }
    }
}

impl From<StoreError> for Hindrance {
    fn from(error: StoreError) -> Self {
        Self::Held(error.into())
    }
}

/// Executes an approved request in the background, if it can be executed now.
pub(super) fn begin(scope: OwnedScope<System>, id: ApprovalId) {
    let runtimes = scope.system.ground.runtimes.clone();
    // A process that stops leaves the request to the next one.
    let Some(execution) = scope.system.executions.begin() else { return };
    drop(runtimes.spawn(async move {
        let _execution = execution;
        if let Err(error) = execute(&scope, id).await {
            tracing::warn!(approval = %id, %error, "an approved request is not sent now");
        }
    }));
}

/// Decides about an approved request again, and sends it.
///
/// # Errors
///
/// The reason for which it is not sent now. It stays approved.
async fn execute(scope: &OwnedScope<System>, id: ApprovalId) -> Result<(), Error> {
    match Box::pin(prepared(scope, id)).await {
        Ok(prepared) => {
            finish(scope, prepared).await;
            Ok(())
        }
        Err(Hindrance::Elsewhere) => Ok(()),
        Err(Hindrance::Lapsed(reason)) => lapse(scope, id, reason).await,
        Err(Hindrance::Held(error)) => Err(error),
    }
}

/// A request that this process alone sends now.
struct Prepared {
    row: ApprovalRow,
    lease: Lease<ApprovalLease>,
    connection: Connection,
    request: HttpRequest,
    body: Secret,
}

async fn prepared(scope: &OwnedScope<System>, id: ApprovalId) -> Result<Prepared, Hindrance> {
    let ground = &scope.system.ground;
    let row = ground.reader().await?.approval(&scope.owner, id).await?.ok_or(Hindrance::Elsewhere)?;
    guard::check(&ground.sealer, &row).map_err(Error::from)?;
    match state_at(&row, ground.clock.now().seconds()) {
        // After an attempt that failed, there is a pause, however often the agent comes back.
        ApprovalState::Approved if Facts::of(&row).code.is_some() => {
            let age = ground.clock.now().seconds().saturating_sub(row.changed_at);
            if (0..PAUSE).contains(&age) {
                return Err(Hindrance::Elsewhere);
            }
        }
        ApprovalState::Approved => {}
        ApprovalState::Lapsed if row.state == ApprovalState::Approved => {
            return Err(Hindrance::Lapsed(LapseReason::Ended));
        }
        _ => return Err(Hindrance::Elsewhere),
    }
    let (parts, body) = opened(ground, &row).await?;
    let agents = Agents::new(scope.as_scope().on(ground));
    let agent = agents.with_id(row.agent_id).await?;
    // The store is read, and not what this process keeps of it.
    let permit = agent.granted(row.connection_id).await?;
    let connection = Connection::find(scope.as_scope(), row.connection_id).await?.for_agent(row.agent_id);
    let facts = Facts::of(&row);
    let head = door::head(&connection, &permit, parts).await?;
    let decided = door::decide(&connection, permit, head, Body::Whole(body.clone())).await?;
    let Decided { permit, parts, judgement, .. } = decided;
    match judgement.allowed {
        // A rule that asks is satisfied by the approval.
        Ok(()) | Err(RuleError::Asks { .. }) => {}
        Err(error) => return Err(Error::from(error).into()),
    }
    let request = door::outgoing(&connection, parts).await?;
    let shown = (facts.method.clone(), Some(facts.origin.clone()), facts.path.clone());
    if connection.what_of(&request).request != Some(shown) {
        return Err(Hindrance::Lapsed(LapseReason::Request));
    }
    connection.check_frozen().await?;
    let (row, lease) = Box::pin(taken(scope, row, &permit)).await?;
    // Only the process that sends the request takes it from the budget.
    if let Err(error) = permit.take().await {
        let facts = Facts { code: Some(error.code().to_owned()), ..Facts::of(&row) };
        store(scope, &row, ApprovalState::Approved, &facts, None).await?;
        return Err(Hindrance::Held(error));
    }
    let by = UsedBy {
        grantee: Some(Grantee::Agent(row.agent_id)),
        agent: Some(facts.agent),
        token: facts.token.map(Into::into),
        door: facts.door,
        rule: judgement.rule,
        approval: Some(id),
    };
    let connection = connection.permitted_by(permit.permitted()).recorded_by(by);
    Ok(Prepared { row, lease, connection, request, body: Secret::new(body) })
}

/// Takes the request for this process: in one transaction, everything is compared with what was decided, and the state
/// becomes `executing`.
async fn taken(
    scope: &OwnedScope<System>,
    row: ApprovalRow,
    permit: &Permit,
) -> Result<(ApprovalRow, Lease<ApprovalLease>), Hindrance> {
    let on = scope.system.ground.clone();
    let (lease, since) = (ApprovalLease(row.id), on.clock.passed());
    let revision = permit.revision();
    let job = scope.system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&row.owner)).await?;
            tx.lock(Lock::Connection(row.connection_id)).await?;
            let Some(row) = tx.approval(&row.owner, row.id).await? else { return Ok(Err(Hindrance::Elsewhere)) };
            if let Err(error) = guard::check(&on.sealer, &row) {
                return Ok(Err(Hindrance::Held(error.into())));
            }
            let now = on.clock.now().seconds();
            if state_at(&row, now) != ApprovalState::Approved {
                return Ok(Err(Hindrance::Elsewhere));
            }
            let facts = Facts { code: None, ..Facts::of(&row) };
            if let Err(why) = AgentStanding::of_approval(&row, &facts, revision).check(tx, &on).await? {
                return Ok(Err(Hindrance::of(why, facts.agent)));
            }
            let row = ApprovalRow { state: ApprovalState::Executing, facts: facts.text(), changed_at: now, ..row };
            approval::put(tx, &on.sealer, &row).await?;
            if tx.take_lease(&lease, &on.process).await?.is_none() {
                return Ok(Err(Hindrance::Elsewhere));
            }
            Ok(Ok(tx.approval(&row.owner, row.id).await?.unwrap_or(row)))
        })
    });
    job.await?.map(|row| (row, Lease::taken(&scope.system.ground, lease, since)))
}

/// Sends the request, and stores what came of it.
async fn finish(scope: &OwnedScope<System>, prepared: Prepared) {
    let Prepared { row, mut lease, connection, request, body } = prepared;
    let is_late = lease.left().is_zero();
    let sending = async {
        // Others call a request lost whose process was paused for that long.
        if is_late {
            let error = StoreError::Busy { place: scope.system.ground.store.place().to_owned() };
            return Err(Unanswered { error: error.into(), is_sent: false });
        }
        match connection.open_once(request, body).await {
            Ok(answer) => Ok(whole(answer).await),
            Err(unanswered) => Err(unanswered),
        }
    };
    let result = lease.extended(sending).await;
    let ground = &scope.system.ground;
    let (state, answer, facts) = match result {
        Ok((answer, is_complete)) => {
            let facts = Facts { status: Some(answer.status), complete: Some(is_complete), ..Facts::of(&row) };
            (ApprovalState::Answered, Some(answer), facts)
        }
        Err(unanswered) => {
            let code = Some(unanswered.error.code().to_owned());
            let state = if unanswered.is_sent { ApprovalState::Unknown } else { ApprovalState::Approved };
            (state, None, Facts { code, ..Facts::of(&row) })
        }
    };
    for _ in 0..MAX_STORE_SECONDS {
        match Box::pin(store(scope, &row, state, &facts, answer.as_ref())).await {
            Ok(()) | Err(Error::Closed) => return,
            Err(error) => tracing::warn!(approval = %row.id, %error, "the result of an approved request is not stored"),
        }
        ground.clock.sleep(Duration::from_secs(1)).await;
    }
}

/// Reads an answer as far as it is stored, and returns whether that is the whole of it.
async fn whole(mut answer: Response) -> (StoredAnswer, bool) {
    let (status, headers) = (answer.status(), answer.headers().to_vec());
    let mut body = Vec::new();
    let is_complete = loop {
        match answer.chunk().await {
            Ok(Some(piece)) => body.extend(piece),
            Ok(None) => break true,
            Err(_) => break false,
        }
        if body.len() > MAX_ANSWER {
            body.truncate(MAX_ANSWER);
            break false;
        }
    };
    (StoredAnswer::new(status, headers, &body), is_complete)
}

/// Stores the result. A request that was taken for lost meanwhile gets its result nevertheless.
async fn store(
    scope: &OwnedScope<System>,
    row: &ApprovalRow,
    state: ApprovalState,
    facts: &Facts,
    answer: Option<&StoredAnswer>,
) -> Result<(), Error> {
    let ground = &scope.system.ground;
    let sealed = match answer {
        None => None,
        Some(answer) => {
            let cell = APPROVAL_ANSWER.at(row.id.as_uuid(), 0, &row.owner, &row.kind);
            Some(ground.seal(&cell, answer.encode().expose()).await?)
        }
    };
    let on = ground.clone();
    let (id, owner, text) = (row.id, row.owner.clone(), facts.text());
    let job = ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            let Some(row) = tx.approval(&owner, id).await? else { return Ok(Ok(())) };
            tx.lock(Lock::Connection(row.connection_id)).await?;
            if let Err(error) = guard::check(&on.sealer, &row) {
                return Ok(Err(Error::from(error)));
            }
            if !matches!(row.state, ApprovalState::Executing | ApprovalState::Unknown) {
                return Ok(Ok(()));
            }
            let changed_at = on.clock.now().seconds();
            // Whoever was told that the answer is lost gets it with the next attempt. What was called lost is not sent.
            let was_lost = state_at(&row, changed_at) == ApprovalState::Unknown;
            let state = if was_lost && state == ApprovalState::Approved { ApprovalState::Unknown } else { state };
            let fetched_at = row.fetched_at.filter(|_| state != ApprovalState::Answered);
            let row = ApprovalRow { state, facts: text, changed_at, fetched_at, ..row };
            approval::put(tx, &on.sealer, &row).await?;
            if let Some(sealed) = &sealed {
                tx.put_approval_answer(id, sealed).await?;
            }
            if state != ApprovalState::Approved && tx.account(row.connection_id).await?.is_some() {
                let facts = Facts::of(&row);
                let body = serde_json::json!({
                    "approval": id.to_string(), "agent": facts.agent, "rule": facts.rule, "state": state.as_str(),
                    "status": facts.status,
                });
                let event = on.event(&row.owner, row.connection_id, event::APPROVAL_ENDED, body);
                event::append(tx, &on.sealer, &event).await?;
            }
            Ok(Ok(()))
        })
    });
    job.await?
}

/// Records that an approved request can no longer be sent.
async fn lapse(scope: &OwnedScope<System>, id: ApprovalId, reason: LapseReason) -> Result<(), Error> {
    let on = scope.system.ground.clone();
    let owner = scope.owner.clone();
    let job = scope.system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            let Some(row) = tx.approval(&owner, id).await? else { return Ok(()) };
            tx.lock(Lock::Connection(row.connection_id)).await?;
            if row.state == ApprovalState::Approved && guard::check(&on.sealer, &row).is_ok() {
                approval::lapse(tx, &on, row, reason).await?;
            }
            Ok(())
        })
    });
    Ok(job.await?)
}

#[cfg(test)]
mod tests;
