//! Records why a refresh failed. A temporary failure leaves the liveness unchanged while the old credential works.

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
    connection::replace,
    event,
    exchange::{self, ExchangeKey, Uncertain, unknown},
    liveness::words,
    store::{
        Lock, Reopened, StoreError, Tx, json,
        rows::{BootTime, LivenessRow, PlanRow},
    },
};

/// The reason of a failure, and what follows from it.
pub(super) struct Failure {
    why: NotLive,
    next: Next,
    /// The answers that are no longer needed.
    pub(super) keys: Vec<ExchangeKey>,
    /// The answer that the plugin could not read. The token that it answers is spent, so the exchange becomes unclear.
    unreadable: Option<ExchangeKey>,
    /// The exchange whose answer may have been recorded meanwhile.
    awaited: Option<ExchangeKey>,
}

/// The rule for the next attempt.
#[derive(Clone, Copy)]
enum Next {
    /// The next attempt follows after a pause.
    Pause,
    /// The next attempt follows after a pause of at least this many seconds.
    PauseOf(i64),
    /// The next attempt follows the rule for an exchange without a clear answer.
    Unclear(Uncertain),
    /// The sender gave a sign of life a moment ago, so the exchange has not failed yet.
    Leave(Uncertain),
    /// The next attempt follows when a person refreshes or re-authorizes the connection.
    Never,
}

impl Failure {
    /// Returns the failure that a plugin reported, unless an exchange has no clear answer.
    ///
    /// Without a clear answer, only the rule for such exchanges decides what follows. The answers recorded before it
    /// stay, because the next attempt needs them. `yes` is the answer by which the plugin judged, if its status was a
    /// success.
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
            let (why, next) = (NotLive::offline(lost), Next::PauseOf(uncertain.retry_after));
            return Self { why, next, keys: Vec::new(), unreadable: None, awaited: None };
        }
        let Some(uncertain) = uncertain else {
            // "Offline" does not say what became of the token, but the status says that the provider accepted it.
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
/// The time, in seconds, without a clear answer after which a person is asked to choose, if the credential has ended.
const UNCLEAR_FOR: i64 = 86_400;

/// Records the failure.
///
/// # Errors
///
/// [`Error::NotRenewed`] with the reason, and the store's errors.
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
            // Another process has refreshed the credential. The refusal concerns a credential that is replaced.
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
            // The refusal may be the answer to a token that an earlier attempt spent, whose answer was lost.
            why = NotLive::failing(unknown().remedy(AGAIN));
        }
    } else {
        for key in &keys {
            // A failure that says nothing about the token leaves the earlier attempts unclear.
            if tx.reopen_exchange(*key, 1, boot).await?.is_some() {
                next = Next::PauseOf(plan::after_unclear(1));
            }
        }
        tx.settle_exchanges(&keys).await?;
    }
    let before = replace::measured(&row);
    let outcome = outcome_of(&why.reason.code);
    // Another process holds the lease by now, and records its own result.
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
        // The exchange is read again when the sign of life is no longer fresh. Until then the row stays as it is. A
        // credential that has ended stays due, so that it is not taken for a fresh one.
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
            // A credential that the provider refuses need not be spared.
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
        why.reason = why.reason.remedy(format!("it is tried again at {at}; to use it earlier, {AGAIN}"));
    }
    let reason = json::reason(&why.reason);
    let before_that = stored.plan.refresh_reason.as_deref().and_then(json::to_reason);
    let plan = PlanRow { refresh_failures: failures, refresh_reason: Some(reason.clone()), refresh_at, ..stored.plan };
    tx.set_plan(id, seen, &plan).await?;
    // The event is appended once, and not after each attempt with the same outcome.
    if before_that.is_none_or(|reason| outcome_of(&reason.code) != outcome) {
        let again = plan.refresh_at.map(|at| Timestamp::from_seconds(at).to_rfc3339());
        let body = serde_json::json!({ "outcome": outcome.name(), "reason": why.reason.code, "again": again });
        context.tell(tx, &row, event::NOT_RENEWED, body).await?;
    }
    if (has_come || !matches!(next, Next::Never)) && !was.is_expired(now) {
        if let Some(end) = stored.valid_until.filter(|end| refresh_at.is_some_and(|at| *end < at)) {
            // The credential ends before the next attempt. A check at that time reports it.
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

/// Returns the seconds until the unclear exchange may be sent again or judged anew.
fn left_until(uncertain: Uncertain, now: i64) -> i64 {
    uncertain.replay_at.map_or(0, |at| at.seconds().saturating_sub(now)).max(0)
}

/// Returns the state of an exchange whose answer the plugin could not read.
fn unread(now: i64, Reopened { replays, unclear_for }: Reopened) -> Uncertain {
    let (attempts, sent_at) = (replays.saturating_add(1), Timestamp::from_seconds(now));
    let replay_at = Some(Timestamp::from_seconds(now.saturating_add(plan::after_unclear(1))));
    Uncertain { sent_at, replay_at, awaited: None, attempts, over_for: 0, unclear_for, retry_after: 0, is_left: false }
}

/// Returns when an unclear exchange is sent again: after a pause that grows, and not while the attempt could cost a
/// credential that works until `works_until`.
fn again_at(uncertain: Uncertain, works_until: Option<i64>, now: i64) -> i64 {
    let earliest = uncertain.replay_at.map_or(now, Timestamp::seconds);
    if earliest <= now && uncertain.attempts == 1 {
        // Within the grace window, sending the token again costs nothing.
        return now.saturating_add(1);
    }
    let pause = plan::after_unclear(uncertain.attempts).saturating_sub(uncertain.over_for);
    let planned = earliest.max(now.saturating_add(pause.max(uncertain.retry_after)));
    plan::at_risk_until(works_until, now).map_or(planned, |spared| planned.max(spared))
}
