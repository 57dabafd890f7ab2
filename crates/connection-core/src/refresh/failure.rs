//! Records why a refresh failed. A temporary failure leaves the liveness unchanged while the old credential works.

use std::time::Duration;

use connection_contract::{Liveness, NotLive, Reason, RefreshSemantics, Timestamp, reason};

use super::{
    RefreshResult, Trigger,
    commit::{CommitOutcome, Context},
    lease::Lease,
    not_renewed,
    outcome::{RefreshOutcome, current, report},
    target::Target,
};
use crate::{
    Error,
    asked::Asked,
    credential::replace,
    event,
    exchange::{self, ExchangeKey, Uncertain, unknown},
    liveness::{AFTER_FAILURE, column},
    plan::{self, Plan},
    store::{
        Lock, Reopened, StoreError, Tx, json,
        rows::{BootTime, CredentialRow, ListedRow, LivenessRow, PlanRow},
    },
};

/// The reason of a failure, and what follows from it.
pub(super) struct Failure {
    why: NotLive,
    next: NextAttempt,
    /// The answers that are no longer needed.
    pub(super) keys: Vec<ExchangeKey>,
    /// The answer that the plugin could not read. Its token is spent, so the exchange becomes unclear.
    unreadable: Option<ExchangeKey>,
    /// The exchange whose answer may have been recorded meanwhile.
    awaited: Option<ExchangeKey>,
}

/// The rule for the next attempt.
#[derive(Clone, Copy)]
enum NextAttempt {
    /// The next attempt follows after a pause.
    Pause,
    /// The next attempt follows after a pause of at least this many seconds.
    PauseAtLeast(i64),
    /// The next attempt follows the rule for an exchange without a clear answer.
    Unclear(Uncertain),
    /// The answer was recorded meanwhile, so the next attempt reads it.
    AtOnce,
    /// The sender gave a sign of life a moment ago, so the exchange has not failed yet.
    Leave(Uncertain),
    /// The next attempt follows when a person refreshes or re-authorizes the connection.
    Never,
}

impl Failure {
    /// Returns the failure that a plugin reported, unless an exchange has no clear answer.
    ///
    /// Without a clear answer, only the rule for such exchanges decides what follows. The answers recorded before it
    /// stay, because the next attempt needs them. `yes` is the answer on which the plugin based its result, if its
    /// status was a success.
    pub(super) fn of(
        semantics: Option<RefreshSemantics>,
        why: NotLive,
        uncertain: Option<Uncertain>,
        keys: Vec<ExchangeKey>,
        yes: Option<ExchangeKey>,
    ) -> Self {
        let is_stable = semantics == Some(RefreshSemantics::Stable);
        if let Some(uncertain) = uncertain.filter(|_| is_stable) {
            // No token is used up, so nothing is lost but an answer.
            let lost = Reason::new(reason::PROVIDER_ERROR, "the provider did not answer, or failed");
            let why = NotLive::offline(lost);
            let next = NextAttempt::PauseAtLeast(uncertain.retry_after);
            return Self { why, next, keys: Vec::new(), unreadable: None, awaited: None };
        }
        let Some(uncertain) = uncertain else {
            // An offline result leaves open what happened to the token, but the status shows that the provider accepted
            // it.
            let is_unread = why.liveness == Liveness::Offline && why.reason.code != reason::RATE_LIMITED;
            let unreadable = yes.filter(|_| is_unread && !is_stable);
            let is_final = why.reason.code == reason::NEEDS_REAUTHORIZATION;
            let keys = keys.into_iter().filter(|key| Some(*key) != unreadable).collect();
            let next = if is_final { NextAttempt::Never } else { NextAttempt::Pause };
            return Self { why, next, keys, unreadable, awaited: None };
        };
        let (why, next) = match uncertain.replay_at {
            Some(_) if uncertain.is_left => (NotLive::offline(unknown()), NextAttempt::Leave(uncertain)),
            Some(_) => (NotLive::offline(unknown()), NextAttempt::Unclear(uncertain)),
            None => (NotLive::failing(unknown().remedy(REAUTHORIZE_REMEDY)), NextAttempt::Never),
        };
        Self { why, next, keys: Vec::new(), unreadable: None, awaited: uncertain.awaited }
    }
}

/// A refresh that failed, with the credential that it was to replace.
struct Attempt {
    /// The generation of the credential that was to be replaced.
    generation: i64,
    plan: Plan,
    /// `true` if the provider refused that credential.
    is_refused: bool,
    boot: BootTime,
}

const REAUTHORIZE_REMEDY: &str = "authorize this connection again";
/// The time, in seconds, without a clear answer after which a person is asked to choose, if the credential has ended.
const MAX_UNCLEAR_TIME: i64 = 86_400;

/// Records the failure.
///
/// # Errors
///
/// [`Error::NotRenewed`] with the reason, and the store's errors.
pub(super) async fn record(
    target: &Target<'_>,
    lease: &mut Lease,
    failure: Failure,
    asked: Asked,
) -> Result<RefreshResult, Error> {
    let Target { scope, info, .. } = target;
    let system = scope.system;
    let id = info.id;
    let is_requested = matches!(target.why, Trigger::Requested | Trigger::Forced);
    let context = Context::new(target, lease, asked);
    let attempt = Attempt {
        generation: target.generation,
        plan: target.plan.clone(),
        is_refused: target.why == Trigger::Refused,
        boot: exchange::boot_time(&system.exchange),
    };
    let written =
        system.ground.store.write(move |tx| Box::pin(async move { write(tx, &context, &attempt, failure).await }));
    let (written, mut why) = written.await?;
    match written {
        CommitOutcome::Gone => return Err(Error::NotFound(id)),
        CommitOutcome::Superseded(generation) => {
            // Another process has refreshed the credential. The refusal concerns a credential that is replaced.
            lease.end();
            return Ok(current(&system.refresh_counts, info, generation, RefreshOutcome::Adopted));
        }
        CommitOutcome::Done { before, after, outcome, .. } => {
            lease.end();
            report(&system.refresh_counts, info, outcome, Some(&why.reason.code));
            replace::publish(&system.ground, id, before, after, (after != Liveness::Live).then(|| why.reason.clone()));
        }
    }
    if !is_requested && why.reason.code == reason::REFRESH_OUTCOME_UNKNOWN {
        // The plan has its own time. A person receives a time only when asking for a refresh.
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

/// Writes the failure: the answers are settled, the next attempt is planned, and the liveness changes only if the
/// credential no longer works.
async fn write(
    tx: &mut Tx,
    context: &Context,
    attempt: &Attempt,
    failure: Failure,
) -> Result<(CommitOutcome, NotLive), StoreError> {
    let id = context.id;
    tx.lock(Lock::Connection(id)).await?;
    let Some(row) = tx.listed(id).await? else { return Ok((CommitOutcome::Gone, failure.why)) };
    let is_late = !context.release(tx).await?;
    if row.account.generation != attempt.generation {
        let keys: Vec<_> = failure.keys.into_iter().chain(failure.unreadable).collect();
        tx.settle_exchanges(&keys).await?;
        return Ok((CommitOutcome::Superseded(row.account.generation), failure.why));
    }
    let awaited = failure.awaited;
    let (mut why, mut next) = settle(tx, context, attempt, failure).await?;
    let before = replace::measured(&row);
    let outcome = outcome_of(&why.reason.code);
    let unchanged = CommitOutcome::Done { before, after: before, outcome, affected: None };
    // Another process holds the lease by now, and records its own result.
    let Some(stored) = tx.current_credential(id).await?.filter(|_| !is_late) else { return Ok((unchanged, why)) };
    if is_answered(tx, awaited).await? {
        (why, next) = (NotLive::offline(unknown()), NextAttempt::AtOnce);
    }
    if let NextAttempt::Leave(uncertain) = next {
        leave(tx, context, attempt, stored.plan, uncertain, &mut why).await?;
        return Ok((unchanged, why));
    }
    let valid_until = stored.valid_until;
    let (refresh_at, refresh_from) = plan_next(context, attempt, next, before, &stored, &mut why);
    if let Some(from) = refresh_from {
        tx.refresh_after_answer(id, from).await?;
    }
    record_plan(tx, context, &row, stored.plan, refresh_at, &why).await?;
    if !matches!(next, NextAttempt::Never) && !attempt.plan.is_expired(context.now) {
        if let Some(end) = valid_until.filter(|end| refresh_at.is_some_and(|at| *end < at)) {
            // The credential ends before the next attempt. A check at that time reports it.
            tx.check_by(id, end).await?;
        }
        return Ok((unchanged, why));
    }
    record_liveness(tx, context, attempt, &row, &why).await?;
    Ok((CommitOutcome::Done { before, after: why.liveness, outcome, affected: None }, why))
}

/// Settles the recorded answers on which the failure is based, or reopens those that it leaves unclear.
async fn settle(
    tx: &mut Tx,
    context: &Context,
    attempt: &Attempt,
    failure: Failure,
) -> Result<(NotLive, NextAttempt), StoreError> {
    let Failure { mut why, mut next, keys, unreadable, .. } = failure;
    if let Some(key) = unreadable
        && let Some(reopened) = tx.reopen_exchange(key, 0, &attempt.boot).await?
    {
        (why, next) = (NotLive::offline(unknown()), NextAttempt::Unclear(unreadable_answer(context.now, reopened)));
    }
    if !matches!(next, NextAttempt::Never) {
        for key in &keys {
            // A failure that says nothing about the token leaves the earlier attempts unclear.
            if tx.reopen_exchange(*key, 1, &attempt.boot).await?.is_some() {
                next = NextAttempt::PauseAtLeast(plan::after_unclear(1));
            }
        }
    }
    let is_replayed = tx.settle_exchanges(&keys).await?;
    if matches!(next, NextAttempt::Never) && is_replayed && why.reason.code == reason::NEEDS_REAUTHORIZATION {
        // The refusal may be the answer to a token that an earlier attempt spent, whose answer was lost.
        why = NotLive::failing(unknown().remedy(REAUTHORIZE_REMEDY));
    }
    Ok((why, next))
}

/// Returns `true` if the answer to the exchange has been recorded meanwhile.
async fn is_answered(tx: &mut Tx, awaited: Option<ExchangeKey>) -> Result<bool, StoreError> {
    let Some(key) = awaited else { return Ok(false) };
    Ok(tx.exchange(key).await?.is_some_and(|row| row.sealed.is_some()))
}

/// Leaves the row as it is until the sign of life is no longer fresh, and then has the exchange read again.
///
/// A credential that has ended stays due, so that it is not taken for a fresh one.
async fn leave(
    tx: &mut Tx,
    context: &Context,
    attempt: &Attempt,
    plan: PlanRow,
    uncertain: Uncertain,
    why: &mut NotLive,
) -> Result<(), StoreError> {
    let left = seconds_until_retry(uncertain, context.now);
    why.recheck_after = Some(Duration::from_secs(left.unsigned_abs()));
    if attempt.plan.is_expired(context.now) {
        return Ok(());
    }
    let refresh_at = Some(context.now.saturating_add(left));
    tx.set_plan(context.id, attempt.generation, &PlanRow { refresh_at, ..plan }).await?;
    Ok(())
}

/// Returns the time of the next attempt, if there is one, and adds it to the reason where a person needs it. Also returns
/// the time from which an answer of the origin makes the connection due, if one does.
fn plan_next(
    context: &Context,
    attempt: &Attempt,
    next: NextAttempt,
    before: Liveness,
    stored: &CredentialRow,
    why: &mut NotLive,
) -> (Option<i64>, Option<i64>) {
    let now = context.now;
    // An attempt in the quarantine asks nobody. What the last one learnt of the origin stays, and it is no failure after
    // which the origin is spared.
    let asked_nobody = context.asked.origin.is_none() && matches!(next, NextAttempt::Unclear(_));
    let spared = if asked_nobody { 0 } else { AFTER_FAILURE };
    // A pause that the provider asked for is not shortened.
    let is_offline = why.liveness == Liveness::Offline && why.recheck_after.is_none();
    let waits = (context.asked.is_outage || asked_nobody) && is_offline;
    let from = |seconds: i64| waits.then(|| now.saturating_add(seconds.max(spared)));
    let failures = stored.plan.refresh_failures.saturating_add(1);
    let pause = plan::after_failure(context.id, failures, why.recheck_after.map(|after| after.as_secs()));
    let uncertain = match next {
        NextAttempt::AtOnce => return (Some(now.saturating_add(1)), None),
        NextAttempt::Pause => return (Some(now.saturating_add(pause)), from(AFTER_FAILURE)),
        NextAttempt::PauseAtLeast(least) => return (Some(now.saturating_add(pause.max(least))), from(least)),
        NextAttempt::Unclear(uncertain) => uncertain,
        NextAttempt::Leave(_) | NextAttempt::Never => return (None, None),
    };
    why.recheck_after = Some(Duration::from_secs(seconds_until_retry(uncertain, now).unsigned_abs()));
    // A credential that the provider refuses need not be spared.
    let works = stored.valid_until.filter(|_| !attempt.is_refused && before == Liveness::Live);
    let at = retry_at(uncertain, works, now);
    let from = from(earliest_retry(uncertain, works, now).saturating_sub(now));
    let is_ended = stored.valid_until.is_some_and(|until| until <= now) || before != Liveness::Live;
    if is_ended && uncertain.unclear_for >= MAX_UNCLEAR_TIME {
        let again = Timestamp::from_seconds(at).to_rfc3339();
        let remedy = format!("it is tried again at {again}; to use it earlier, {REAUTHORIZE_REMEDY}");
        why.reason.remedy = Some(remedy.into());
    }
    (Some(at), from)
}

/// Stores the reason and the time of the next attempt. An event is appended only if the outcome differs from that of
/// the previous attempt.
async fn record_plan(
    tx: &mut Tx,
    context: &Context,
    row: &ListedRow,
    was: PlanRow,
    refresh_at: Option<i64>,
    why: &NotLive,
) -> Result<(), StoreError> {
    let outcome = outcome_of(&why.reason.code);
    let previous = was.refresh_reason.as_deref().and_then(json::to_reason);
    let refresh_failures = was.refresh_failures.saturating_add(1);
    let plan = PlanRow { refresh_failures, refresh_reason: Some(json::reason(&why.reason)), refresh_at, ..was };
    tx.set_plan(context.id, row.account.generation, &plan).await?;
    if previous.is_some_and(|reason| outcome_of(&reason.code) == outcome) {
        return Ok(());
    }
    let again = refresh_at.map(|at| Timestamp::from_seconds(at).to_rfc3339());
    let body = serde_json::json!({ "outcome": outcome.name(), "reason": why.reason.code, "again": again });
    context.append_event(tx, row, event::NOT_RENEWED, body).await
}

/// Stores that the credential does not work.
async fn record_liveness(
    tx: &mut Tx,
    context: &Context,
    attempt: &Attempt,
    row: &ListedRow,
    why: &NotLive,
) -> Result<(), StoreError> {
    let known = tx.liveness(context.id).await?;
    let measured = LivenessRow {
        connection_id: context.id,
        liveness: column::liveness(why.liveness).to_owned(),
        reason: Some(json::reason(&why.reason)),
        generation: attempt.generation,
        checked_at: Some(context.now),
        next_check_at: None,
        paused_until: None,
        failures: known.map_or(1, |known| known.failures.saturating_add(1)),
        probe_origin: None,
        // The next refresh decides.
        probe_from: None,
    };
    tx.upsert_liveness(&measured).await?;
    context.append_liveness_event(tx, row, why.liveness, Some(&why.reason)).await
}

/// Returns the number of seconds until the exchange without a clear answer may be sent again or judged again.
fn seconds_until_retry(uncertain: Uncertain, now: i64) -> i64 {
    uncertain.replay_at.map_or(0, |at| at.seconds().saturating_sub(now)).max(0)
}

/// Returns the state of an exchange whose answer the plugin could not read.
fn unreadable_answer(now: i64, Reopened { replays, unclear_for }: Reopened) -> Uncertain {
    let attempts = replays.saturating_add(1);
    let sent_at = Timestamp::from_seconds(now);
    let replay_at = Some(Timestamp::from_seconds(now.saturating_add(plan::after_unclear(1))));
    Uncertain { sent_at, replay_at, awaited: None, attempts, over_for: 0, unclear_for, retry_after: 0, is_left: false }
}

/// Returns when an unclear exchange is sent again: after a pause that grows, and not while the attempt could cost a
/// credential that works until `works_until`.
fn retry_at(uncertain: Uncertain, works_until: Option<i64>, now: i64) -> i64 {
    let earliest = uncertain.replay_at.map_or(now, Timestamp::seconds);
    if earliest <= now && uncertain.attempts == 1 {
        // Within the grace window, sending the token again costs nothing.
        return now.saturating_add(1);
    }
    let pause = plan::after_unclear(uncertain.attempts).saturating_sub(uncertain.over_for);
    earliest_retry(uncertain, works_until, now).max(now.saturating_add(pause))
}

/// Returns the earliest time at which an unclear exchange may be sent again. An answer of the origin does not make it
/// earlier.
fn earliest_retry(uncertain: Uncertain, works_until: Option<i64>, now: i64) -> i64 {
    let replay_at = uncertain.replay_at.map_or(now, Timestamp::seconds);
    let earliest = replay_at.max(now.saturating_add(uncertain.retry_after));
    plan::at_risk_until(works_until, now).map_or(earliest, |spared| earliest.max(spared))
}
