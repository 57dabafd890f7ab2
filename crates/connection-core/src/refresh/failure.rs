//! Records why a refresh failed. What is temporary disconnects nobody: while the old credential works the liveness stays.

use connection_contract::{Liveness, NotLive, Reason, RefreshSemantics, reason};

use super::{
    Renewed,
    commit::{Context, Written},
    flight::{Target, tell},
    lease::Lease,
    not_renewed,
    plan::{self, Plan},
};
use crate::{
    Error,
    connection::{json, replace},
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
            return Self { why: NotLive::offline(lost), next: Next::Pause, keys: Vec::new() };
        }
        let Some(uncertain) = uncertain else {
            let is_final = why.reason.code == reason::NEEDS_REAUTHORIZATION;
            return Self { why, next: if is_final { Next::Never } else { Next::Pause }, keys };
        };
        let message = "a refresh token may have been spent, and the answer is lost";
        let unknown = Reason::new(reason::REFRESH_OUTCOME_UNKNOWN, message);
        match uncertain.replay_at {
            Some(at) => Self { why: NotLive::offline(unknown), next: Next::At(at.seconds()), keys: Vec::new() },
            None => {
                let why = NotLive::failing(unknown.remedy("authorize this connection again"));
                Self { why, next: Next::Never, keys: Vec::new() }
            }
        }
    }
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
            tell(info, "adopted");
            return Ok(Renewed::To(generation));
        }
        Written::Done { before, after, .. } => {
            lease.end();
            tell(info, outcome(&why));
            replace::publish(shared, id, before, after, (after != Liveness::Live).then(|| why.reason.clone()));
        }
    }
    Err(not_renewed(&info.kind, why))
}

/// A stable name, for whoever counts.
fn outcome(why: &NotLive) -> &'static str {
    match &*why.reason.code {
        reason::NEEDS_REAUTHORIZATION => "needs_reauthorization",
        reason::REFRESH_OUTCOME_UNKNOWN => "uncertain",
        _ => "failed",
    }
}

async fn note(tx: &mut Tx, context: &Context, seen: i64, failure: Failure, was: &Plan) -> Result<Written, StoreError> {
    let Failure { why, next, keys } = failure;
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
    let stays = Written::Done { before, after: before, late };
    // Somebody else tries by now, and tells what comes of it.
    let Some(stored) = tx.current_credential(id).await?.filter(|_| !late) else { return Ok(stays) };
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
    let plan = PlanRow { refresh_failures: failures, refresh_reason: Some(reason.clone()), refresh_at, ..stored.plan };
    tx.set_plan(id, seen, &plan).await?;
    if !matches!(next, Next::Never) && !was.is_expired(now) {
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
    Ok(Written::Done { before, after: why.liveness, late })
}
