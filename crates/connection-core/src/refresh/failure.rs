//! Records why a refresh failed. What is temporary disconnects nobody: while the old credential works the liveness stays.

use std::time::Duration;

use connection_contract::{Liveness, NotLive, Reason, RefreshSemantics, Timestamp, reason};

use super::{
    Renewed, Why,
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
    exchange::{self, ExchangeKey, Uncertain, unknown},
    liveness::words,
    store::{
        Lock, Reopened, StoreError, Tx,
        rows::{BootTime, LivenessRow, PlanRow},
    },
};

/// Why it failed, and what follows.
pub(super) struct Failure {
    why: NotLive,
    next: Next,
    /// The answers that nobody needs any more.
    pub(super) keys: Vec<ExchangeKey>,
    /// The answer that the plugin could not read: what it answers is spent, and is unclear from now on.
    unreadable: Option<ExchangeKey>,
    /// Whose answer may have come since.
    awaited: Option<ExchangeKey>,
}

/// When it is tried again.
#[derive(Clone, Copy)]
enum Next {
    /// After a pause.
    Pause,
    /// After a pause, and not before so many seconds have passed.
    PauseOf(i64),
    /// As the rule for what was not clearly answered says.
    Unclear(Uncertain),
    /// Its sender gave a sign of life a moment ago, so nothing has failed yet.
    Leave(Uncertain),
    /// When a person asks, or authorizes again.
    Never,
}

impl Failure {
    /// What a plugin said, unless what it spent has no clear answer: then only the rule for that says what follows, and the
    /// answers that came before it stay recorded, since the next try needs them. `yes` is the answer by which the plugin
    /// judged, where its status says yes.
    pub(super) fn of(
        semantics: Option<RefreshSemantics>,
        why: NotLive,
        uncertain: Option<Uncertain>,
        keys: Vec<ExchangeKey>,
        yes: Option<ExchangeKey>,
    ) -> Self {
        let is_stable = semantics == Some(RefreshSemantics::Stable);
        if let Some(uncertain) = uncertain.filter(|_| is_stable) {
            // Nothing is used up, so no more is lost than an answer.
            let lost = Reason::new(reason::PROVIDER_ERROR, "the provider did not answer, or failed");
            let (why, next) = (NotLive::offline(lost), Next::PauseOf(uncertain.retry_after));
            return Self { why, next, keys: Vec::new(), unreadable: None, awaited: None };
        }
        let Some(uncertain) = uncertain else {
            // "Offline" says nothing of what was spent, and the status says that it was taken.
            let is_unread = why.liveness == Liveness::Offline && why.reason.code != reason::RATE_LIMITED;
            let unreadable = yes.filter(|_| is_unread && !is_stable);
            let is_final = why.reason.code == reason::NEEDS_REAUTHORIZATION;
            let keys = keys.into_iter().filter(|key| Some(*key) != unreadable).collect();
            let next = if is_final { Next::Never } else { Next::Pause };
            return Self { why, next, keys, unreadable, awaited: None };
        };
        let (why, next) = match uncertain.replay_at {
            Some(_) if uncertain.is_left => (NotLive::offline(unknown()), Next::Leave(uncertain)),
            Some(_) => (NotLive::offline(unknown()), Next::Unclear(uncertain)),
            None => (NotLive::failing(unknown().remedy(AGAIN)), Next::Never),
        };
        Self { why, next, keys: Vec::new(), unreadable: None, awaited: uncertain.awaited }
    }
}

const AGAIN: &str = "authorize this connection again";
/// After so many seconds without a clear answer, and with a credential that has ended, a person is told to choose.
const UNCLEAR_FOR: i64 = 86_400;

/// Records it.
///
/// # Errors
///
/// [`Error::NotRenewed`] with the reason; the store's.
pub(super) async fn record(target: &Target<'_>, lease: &mut Lease, failure: Failure) -> Result<Renewed, Error> {
    let Target { registry, info, generation, plan, .. } = target;
    let (shared, id, seen) = (&registry.shared, info.id, *generation);
    let asked = matches!(target.why, Why::Asked | Why::Forced);
    let is_refused = target.why == Why::Refused;
    let (context, was, seen_at) = (Context::new(target, lease), plan.clone(), exchange::boot_time(shared));
    let written = shared.store.write(move |tx| {
        Box::pin(async move { note(tx, &context, (seen, is_refused), failure, &was, &seen_at).await })
    });
    let (written, mut why) = written.await?;
    match written {
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
    if !asked && why.reason.code == reason::REFRESH_OUTCOME_UNKNOWN {
        // The plan has its own time; a person is told from when on it can be sent.
        why.recheck_after = None;
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

async fn note(
    tx: &mut Tx,
    context: &Context,
    (seen, is_refused): (i64, bool),
    failure: Failure,
    was: &Plan,
    boot: &BootTime,
) -> Result<(Written, NotLive), StoreError> {
    let Failure { mut why, mut next, keys, unreadable, awaited } = failure;
    let (id, now) = (context.id, context.now);
    tx.lock(Lock::Connection(id)).await?;
    let Some(row) = tx.listed(id).await? else { return Ok((Written::Gone, why)) };
    let late = !tx.release_refresh(id, &context.process, context.fence).await?;
    if row.account.generation != seen {
        let keys: Vec<_> = keys.into_iter().chain(unreadable).collect();
        tx.settle_exchanges(&keys).await?;
        return Ok((Written::Superseded(row.account.generation), why));
    }
    if let Some(key) = unreadable
        && let Some(reopened) = tx.reopen_exchange(key, 0, boot).await?
    {
        (why, next) = (NotLive::offline(unknown()), Next::Unclear(unread(now, reopened)));
    }
    if matches!(next, Next::Never) {
        let is_replayed = tx.settle_exchanges(&keys).await?;
        if is_replayed && why.reason.code == reason::NEEDS_REAUTHORIZATION {
            // It may refuse what an attempt spent whose answer is lost.
            why = NotLive::failing(unknown().remedy(AGAIN));
        }
    } else {
        for key in &keys {
            // What says nothing of the token leaves open what became of the attempts before.
            if tx.reopen_exchange(*key, 1, boot).await?.is_some() {
                next = Next::PauseOf(plan::after_unclear(1));
            }
        }
        tx.settle_exchanges(&keys).await?;
    }
    let before = replace::measured(&row);
    let outcome = outcome_of(&why.reason.code);
    // Somebody else tries by now, and tells what comes of it.
    let Some(stored) = tx.current_credential(id).await?.filter(|_| !late) else {
        return Ok((Written::Done { before, after: before, outcome, affected: None }, why));
    };
    let mut has_come = false;
    if let Some(key) = awaited
        && tx.exchange(key).await?.is_some_and(|row| row.sealed.is_some())
    {
        (why, has_come) = (NotLive::offline(unknown()), true);
    }
    if let (Next::Leave(uncertain), false) = (next, has_come) {
        // It is asked again when the sign is fresh no longer; until then the row says what it said before. A credential that
        // has ended stays due, so that nobody takes it for a fresh one.
        let left = left_until(uncertain, now);
        why.recheck_after = Some(Duration::from_secs(left.unsigned_abs()));
        if !was.is_expired(now) {
            tx.set_plan(id, seen, &PlanRow { refresh_at: Some(now.saturating_add(left)), ..stored.plan }).await?;
        }
        return Ok((Written::Done { before, after: before, outcome, affected: None }, why));
    }
    let failures = stored.plan.refresh_failures.saturating_add(1);
    let pause = |why: &NotLive| plan::after_failure(id, failures, why.recheck_after.map(|after| after.as_secs()));
    let refresh_at = match next {
        _ if has_come => Some(now.saturating_add(1)),
        Next::Pause => Some(now.saturating_add(pause(&why))),
        Next::PauseOf(least) => Some(now.saturating_add(pause(&why).max(least))),
        Next::Unclear(uncertain) => {
            why.recheck_after = Some(Duration::from_secs(left_until(uncertain, now).unsigned_abs()));
            // A credential that its provider refuses is not spared.
            let works = stored.valid_until.filter(|_| !is_refused && before == Liveness::Live);
            Some(again_at(uncertain, works, now))
        }
        Next::Leave(_) | Next::Never => None,
    };
    let is_ended = stored.valid_until.is_some_and(|until| until <= now) || before != Liveness::Live;
    if let (Next::Unclear(uncertain), Some(at), false) = (next, refresh_at, has_come)
        && uncertain.unclear_for >= UNCLEAR_FOR
        && is_ended
    {
        let at = Timestamp::from_seconds(at).to_rfc3339();
        why.reason = why.reason.remedy(format!("it is tried again at {at}; to use it before that, {AGAIN}"));
    }
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
    if (has_come || !matches!(next, Next::Never)) && !was.is_expired(now) {
        if let Some(end) = stored.valid_until.filter(|end| refresh_at.is_some_and(|at| *end < at)) {
            // It ends before it is tried again, and somebody has to say so.
            tx.check_by(id, end).await?;
        }
        return Ok((Written::Done { before, after: before, outcome, affected: None }, why));
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
    Ok((Written::Done { before, after: why.liveness, outcome, affected: None }, why))
}

/// Seconds until what was not clearly answered may be sent again, or be judged otherwise.
fn left_until(uncertain: Uncertain, now: i64) -> i64 {
    uncertain.replay_at.map_or(0, |at| at.seconds().saturating_sub(now)).max(0)
}

/// What an answer leaves that nobody could read.
fn unread(now: i64, Reopened { replays, unclear_for }: Reopened) -> Uncertain {
    let (attempts, sent_at) = (replays.saturating_add(1), Timestamp::from_seconds(now));
    let replay_at = Some(Timestamp::from_seconds(now.saturating_add(plan::after_unclear(1))));
    Uncertain { sent_at, replay_at, awaited: None, attempts, over_for: 0, unclear_for, retry_after: 0, is_left: false }
}

/// When what was not clearly answered is sent again: after a pause that grows, and not while that could cost a credential
/// that works, which has that end.
fn again_at(uncertain: Uncertain, works_until: Option<i64>, now: i64) -> i64 {
    let earliest = uncertain.replay_at.map_or(now, Timestamp::seconds);
    if earliest <= now && uncertain.attempts == 1 {
        // Within a window of grace a reuse costs nothing.
        return now.saturating_add(1);
    }
    let pause = plan::after_unclear(uncertain.attempts).saturating_sub(uncertain.over_for);
    let planned = earliest.max(now.saturating_add(pause.max(uncertain.retry_after)));
    plan::at_risk_until(works_until, now).map_or(planned, |spared| planned.max(spared))
}
