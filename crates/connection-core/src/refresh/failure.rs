//! Records why a refresh failed. What is temporary disconnects nobody: while the old credential works the liveness stays.

use connection_contract::{Liveness, NotLive, Reason, RefreshSemantics, Timestamp, reason};

use super::{
    Renewed,
    commit::{Context, Written},
    flight::Target,
    lease::Lease,
    not_renewed,
    outcome::{RefreshOutcome, tell},
    plan::{self, Plan},
};
use crate::{
    Error,
    connection::{json, replace},
    event,
    exchange::{ExchangeKey, Uncertain},
    liveness::words,
    store::{
        Lock, StoreError, Tx,
        rows::{LivenessRow, PlanRow},
    },
};

/// Why it failed, and what follows.
pub(super) struct Failure {
    why: NotLive,
    next: Next,
    /// The answers that nobody needs any more.
    pub(super) keys: Vec<ExchangeKey>,
    /// Whose answer may have come since.
    awaited: Option<ExchangeKey>,
}

/// When it is tried again.
#[derive(Clone, Copy)]
enum Next {
    /// After a pause.
    Pause,
    /// Then.
    At(i64),
    /// When a person asks, or authorizes again.
    Never,
}

impl Failure {
    /// What a plugin said, unless what it spent has no answer: then only the rule for that says what follows, and the
    /// answers that came before it stay recorded, since the next try needs them.
    pub(super) fn of(
        semantics: Option<RefreshSemantics>,
        why: NotLive,
        uncertain: Option<Uncertain>,
        keys: Vec<ExchangeKey>,
    ) -> Self {
        if uncertain.is_some() && semantics == Some(RefreshSemantics::Stable) {
            // Nothing is used up, so no more is lost than an answer.
            let lost = Reason::new(reason::PROVIDER_ERROR, "the provider did not answer, or failed");
            return Self { why: NotLive::offline(lost), next: Next::Pause, keys: Vec::new(), awaited: None };
        }
        let Some(uncertain) = uncertain else {
            let is_final = why.reason.code == reason::NEEDS_REAUTHORIZATION;
            return Self { why, next: if is_final { Next::Never } else { Next::Pause }, keys, awaited: None };
        };
        let (why, next) = match uncertain.replay_at {
            Some(at) => (NotLive::offline(unknown()), Next::At(at.seconds())),
            None => (NotLive::failing(unknown().remedy("authorize this connection again")), Next::Never),
        };
        Self { why, next, keys: Vec::new(), awaited: uncertain.awaited }
    }
}

fn unknown() -> Reason {
    let message = "a refresh token may have been spent, and the answer is lost";
    Reason::new(reason::REFRESH_OUTCOME_UNKNOWN, message)
}

/// Records it.
///
/// # Errors
///
/// [`Error::NotRenewed`] with the reason; the store's.
pub(super) async fn record(target: &Target<'_>, lease: &mut Lease, failure: Failure) -> Result<Renewed, Error> {
    let Target { registry, info, generation, plan, .. } = target;
    let (shared, id, seen) = (&registry.shared, info.id, *generation);
    let (context, why, was) = (Context::new(target, lease), failure.why.clone(), plan.clone());
    let written = shared.store.write(move |tx| Box::pin(async move { note(tx, &context, seen, failure, &was).await }));
    match written.await? {
        Written::Gone => return Err(Error::NotFound(id)),
        Written::Superseded(generation) => {
            // A sibling has renewed it: what it refused us with concerns a credential that is gone.
            lease.end();
            tell(shared, info, RefreshOutcome::Adopted, None);
            return Ok(Renewed::To(generation));
        }
        Written::Done { before, after, outcome, .. } => {
            lease.end();
            tell(shared, info, outcome, Some(&why.reason.code));
            replace::publish(shared, id, before, after, (after != Liveness::Live).then(|| why.reason.clone()));
        }
    }
    Err(not_renewed(&info.kind, why))
}

fn outcome_of(code: &str) -> RefreshOutcome {
    match code {
        reason::NEEDS_REAUTHORIZATION => RefreshOutcome::NeedsReauthorization,
        reason::REFRESH_OUTCOME_UNKNOWN => RefreshOutcome::Uncertain,
        _ => RefreshOutcome::Failed,
    }
}

async fn note(tx: &mut Tx, context: &Context, seen: i64, failure: Failure, was: &Plan) -> Result<Written, StoreError> {
    let Failure { mut why, mut next, keys, awaited } = failure;
    let (id, now) = (context.id, context.now);
    tx.lock(Lock::Connection(id)).await?;
    let Some(row) = tx.listed(id).await? else { return Ok(Written::Gone) };
    let late = !Lease::is_held(&context.process, context.fence, tx, id).await?;
    tx.release_refresh(id, &context.process, context.fence).await?;
    tx.settle_exchanges(&keys).await?;
    if row.account.generation != seen {
        return Ok(Written::Superseded(row.account.generation));
    }
    let before = replace::measured(&row);
    let outcome = outcome_of(&why.reason.code);
    let stays = Written::Done { before, after: before, outcome, affected: None };
    // Somebody else tries by now, and tells what comes of it.
    let Some(stored) = tx.current_credential(id).await?.filter(|_| !late) else { return Ok(stays) };
    if let Some(key) = awaited
        && tx.exchange(key).await?.is_some_and(|row| row.sealed.is_some())
    {
        (why, next) = (NotLive::offline(unknown()), Next::At(now));
    }
    let failures = stored.plan.refresh_failures.saturating_add(1);
    let refresh_at = match next {
        Next::Pause => {
            let asked = why.recheck_after.map(|after| after.as_secs());
            Some(now.saturating_add(plan::after_failure(id, failures, asked)))
        }
        Next::At(at) => Some(at.max(now.saturating_add(1))),
        Next::Never => None,
    };
    let reason = json::reason(&why.reason);
    let before_that = stored.plan.refresh_reason.as_deref().and_then(json::to_reason);
    let plan = PlanRow { refresh_failures: failures, refresh_reason: Some(reason.clone()), refresh_at, ..stored.plan };
    tx.set_plan(id, seen, &plan).await?;
    // Once, and not at each try that ends like the one before.
    if before_that.is_none_or(|reason| outcome_of(&reason.code) != outcome) {
        let again = plan.refresh_at.map(|at| Timestamp::from_seconds(at).to_rfc3339());
        let body = serde_json::json!({ "outcome": outcome.name(), "reason": why.reason.code, "again": again });
        context.tell(tx, &row, event::NOT_RENEWED, body).await?;
    }
    if !matches!(next, Next::Never) && !was.is_expired(now) {
        if let Some(end) = stored.valid_until.filter(|end| refresh_at.is_some_and(|at| *end < at)) {
            // It ends before it is tried again, and somebody has to say so.
            tx.check_by(id, end).await?;
        }
        return Ok(stays);
    }
    let known = tx.liveness(id).await?;
    let measured = LivenessRow {
        connection_id: id,
        liveness: words::liveness(why.liveness).to_owned(),
        reason: Some(reason),
        generation: seen,
        checked_at: Some(now),
        next_check_at: None,
        failures: known.map_or(1, |known| known.failures.saturating_add(1)),
    };
    tx.upsert_liveness(&measured).await?;
    context.tell_liveness(tx, &row, why.liveness, Some(&why.reason.code)).await?;
    Ok(Written::Done { before, after: why.liveness, outcome, affected: None })
}
