//! Records why a refresh failed. A temporary failure leaves the liveness unchanged while the old credential works.

use std::time::Duration;

use connection_contract::{Liveness, NotLive, Reason, RefreshSemantics, Timestamp, reason};

use super::{
    RefreshResult, Trigger,
    commit::{CommitOutcome, Context},
    lease::Lease,
    not_renewed,
    outcome::{RefreshOutcome, current, report},
    refusal::{MAX_UNCLEAR_TIME, Refusal, is_fault},
    target::Target,
    unreadable::{self, UnreadableAnswer},
};
use crate::{
    Error,
    asked::Asked,
    credential::replace,
    event,
    exchange::{self, AnsweredExchange, ExchangeKey, Uncertain, silent, unknown},
    liveness::{AFTER_FAILURE, column},
    plan::{self, Plan},
    store::{
        Lock, REFRESH_WORDS, Sealed, StoreError, Tx, json,
        rows::{BootTime, CredentialRow, ExchangeRow, ListedRow, LivenessRow, PlanRow},
    },
};

/// The reason of a failure, and what follows from it.
pub(super) struct Failure {
    why: NotLive,
    next: NextAttempt,
    /// The answers that are no longer needed.
    pub(super) keys: Vec<ExchangeKey>,
    /// The answer that the plugin could not read. Its token is spent.
    unreadable: Option<UnreadableAnswer>,
    /// The exchange whose answer may have been recorded meanwhile.
    awaited: Option<ExchangeKey>,
    /// The end of the last request, which a reason names if it does not say what happened to the token.
    end: Option<String>,
    /// `true` if the answer to an earlier request with the token is kept.
    is_kept: bool,
}

/// The rule for the next attempt.
#[derive(Clone, Copy)]
enum NextAttempt {
    /// The next attempt follows after a pause.
    Pause,
    /// The next attempt follows after a pause of at least this many seconds.
    PauseAtLeast(i64),
    /// The provider refused a login that uses nothing up. The next attempt follows after a pause that grows to a day.
    Login,
    /// The next attempt follows the rule for an exchange without a clear answer.
    Unclear(Uncertain),
    /// The answer was recorded meanwhile, so the next attempt reads it.
    AtOnce,
    /// The plugin could not read the recorded answer. The next attempt gives it the answer again and sends nothing.
    ReadAgain,
    /// The sender gave a sign of life a moment ago, so the exchange has not failed yet.
    Leave(Uncertain),
    /// The next attempt follows when a person refreshes or re-authorizes the connection.
    Never,
}

impl Failure {
    /// Returns the failure that a plugin reported, unless an exchange has no clear answer.
    ///
    /// Without a clear answer, only the rule for such exchanges decides what follows. The answers recorded before it
    /// stay, because the next attempt needs them. `yes` is the exchange on whose answer the plugin based its
    /// result, if the status of the answer was a success. `end` says how the last request ended.
    pub(super) fn of(
        semantics: Option<RefreshSemantics>,
        why: NotLive,
        uncertain: Option<Uncertain>,
        keys: Vec<ExchangeKey>,
        yes: Option<AnsweredExchange>,
        end: Option<String>,
    ) -> Self {
        let is_stable = semantics == Some(RefreshSemantics::Stable);
        if let Some(uncertain) = uncertain.filter(|_| is_stable) {
            // No token is used up, so nothing is lost but an answer.
            let lost = end.unwrap_or_else(|| "the provider did not answer, or failed".to_owned());
            let why = NotLive::offline(Reason::new(reason::PROVIDER_ERROR, lost));
            let next = NextAttempt::PauseAtLeast(uncertain.retry_after);
            return Self { why, next, keys: Vec::new(), unreadable: None, awaited: None, end: None, is_kept: false };
        }
        let Some(uncertain) = uncertain else {
            // An offline result leaves open what happened to the token, but the status shows that the provider accepted
            // it.
            let code = &*why.reason.code;
            let is_read = code == reason::RATE_LIMITED || reason::is_policy_refused(code);
            let is_unread = why.liveness == Liveness::Offline && !is_read;
            let unreadable = yes.filter(|_| is_unread && !is_stable);
            let unreadable = unreadable.map(|answered| UnreadableAnswer::of(&why, answered));
            let is_final = why.reason.code == reason::NEEDS_REAUTHORIZATION;
            let is_judged = |key: &ExchangeKey| unreadable.is_none_or(|unreadable| unreadable.key != *key);
            let keys = keys.into_iter().filter(is_judged).collect();
            let is_refused_login = is_stable && why.liveness == Liveness::Failing && !is_fault(&why.reason.code);
            let next = match (is_refused_login, is_final) {
                (true, _) => NextAttempt::Login,
                (false, true) => NextAttempt::Never,
                (false, false) => NextAttempt::Pause,
            };
            return Self { why, next, keys, unreadable, awaited: None, end, is_kept: false };
        };
        let unknown = unknown(end.as_deref());
        let (why, next) = match uncertain.replay_at {
            Some(_) if uncertain.is_left => (NotLive::offline(unknown), NextAttempt::Leave(uncertain)),
            Some(_) => (NotLive::offline(unknown), NextAttempt::Unclear(uncertain)),
            None => (NotLive::failing(unknown.remedy(reason::AUTHORIZE_AGAIN)), NextAttempt::Never),
        };
        Self { why, next, keys: Vec::new(), unreadable: None, awaited: uncertain.awaited, end, is_kept: false }
    }

    /// Adds whether an earlier answer is kept, and the time from which a forced refresh sends the token whose answer is.
    pub(super) fn beside_kept(mut self, is_kept: bool, sends_from: Option<Timestamp>) -> Self {
        self.is_kept = is_kept;
        if let Some(unreadable) = &mut self.unreadable {
            unreadable.sends_from = sends_from;
        }
        self
    }

    /// Returns the failure of a credential that has ended and that nothing renews.
    pub(super) fn ended(valid_until: Option<Timestamp>, keys: Vec<ExchangeKey>) -> Self {
        let at = valid_until.map(|until| format!(" at {}", until.to_rfc3339())).unwrap_or_default();
        let message = format!("{}{at}, and nothing renews it", plan::ENDED);
        let why = Reason::new(reason::NEEDS_REAUTHORIZATION, message).remedy(reason::AUTHORIZE_AGAIN);
        let (why, next) = (NotLive::failing(why), NextAttempt::Never);
        Self { why, next, keys, unreadable: None, awaited: None, end: None, is_kept: false }
    }
}

/// A refresh that failed, with the credential that it was to replace.
struct Attempt {
    /// The generation of the credential that was to be replaced.
    generation: i64,
    plan: Plan,
    /// `true` if the provider refused that credential.
    is_refused: bool,
    /// `true` if a person asked for the attempt.
    is_requested: bool,
    /// `true` if an attempt sends a password.
    has_password: bool,
    boot: BootTime,
    /// The provider's own words about the failure, sealed for the credential.
    words: Option<Sealed>,
}

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
    let cell = REFRESH_WORDS.at(id.as_uuid(), target.generation, &info.owner, info.kind.as_str());
    let attempt = Attempt {
        generation: target.generation,
        plan: target.plan.clone(),
        is_refused: target.why == Trigger::Refused,
        is_requested,
        has_password: target.kind.has_password(),
        boot: exchange::boot_time(&system.exchange),
        words: system.ground.seal_words(&cell, Some(&failure.why.reason)).await,
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
        let keys: Vec<_> =
            failure.keys.into_iter().chain(failure.unreadable.map(|unreadable| unreadable.key)).collect();
        tx.settle_exchanges(&keys).await?;
        return Ok((CommitOutcome::Superseded(row.account.generation), failure.why));
    }
    let awaited = failure.awaited;
    let end = failure.end.clone();
    let (mut why, mut next) = settle(tx, context, attempt, failure).await?;
    let before = replace::measured(&row);
    let outcome = outcome_of(&why.reason.code);
    let unchanged = CommitOutcome::Done { before, after: before, outcome, affected: None };
    let awaited = awaited_row(tx, awaited).await?;
    if let (Some(row), NextAttempt::Unclear(Uncertain { is_silent: true, held, .. })) = (&awaited, &next)
        && row.sealed.is_none()
    {
        why = NotLive::offline(silent(&row.sent, *held));
    }
    // Another process holds the lease by now, and records its own result.
    let Some(stored) = tx.current_credential(id).await?.filter(|_| !is_late) else { return Ok((unchanged, why)) };
    if awaited.is_some_and(|row| row.sealed.is_some()) {
        (why, next) = (NotLive::offline(unknown(end.as_deref())), NextAttempt::AtOnce);
    }
    if let NextAttempt::Leave(uncertain) = next {
        leave(tx, context, attempt, stored.plan, uncertain, &mut why).await?;
        return Ok((unchanged, why));
    }
    let valid_until = stored.valid_until;
    let is_clear = matches!(next, NextAttempt::Pause | NextAttempt::PauseAtLeast(_));
    let refusal = Refusal::of(context, before, &stored, &why, is_clear);
    if let Some(told) = refusal.told(context, &why) {
        (why, next) = (told, NextAttempt::PauseAtLeast(MAX_UNCLEAR_TIME));
    }
    let NextPlan { refresh_at, refresh_from, failures } = plan_next(context, attempt, next, before, &stored, &mut why);
    if let Some(from) = refresh_from {
        tx.refresh_after_answer(id, from).await?;
    }
    let outcome = outcome_of(&why.reason.code);
    let plan = PlanRow {
        refresh_failures: failures,
        refresh_reason: Some(json::refusal(&why.reason, refusal.since)),
        refresh_at,
        ..stored.plan.clone()
    };
    // Another reason than that of the answer has no words of the provider.
    let words = attempt.words.as_ref().filter(|_| why.reason.provider_text.is_some());
    record_plan(tx, context, &row, stored.plan, plan, &why, words).await?;
    if !matches!(next, NextAttempt::Never) && !refusal.is_told && !attempt.plan.is_expired(context.now) {
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
    let Failure { mut why, mut next, keys, unreadable, end, is_kept, .. } = failure;
    if let Some(unreadable) = unreadable {
        if let Some(mut kept) = unreadable.keep(tx, &why.reason, &attempt.boot).await? {
            let left = |at: Timestamp| at.seconds().saturating_sub(context.now).max(0).unsigned_abs();
            kept.recheck_after = unreadable.sends_from.map(|at| Duration::from_secs(left(at)));
            (why, next) = (kept, NextAttempt::ReadAgain);
        } else if let Some(reopened) = tx.reopen_exchange(unreadable.key, 0, &context.process, &attempt.boot).await? {
            why = NotLive::offline(unknown(end.as_deref()));
            next = NextAttempt::Unclear(unreadable::reopened(context.now, reopened));
        }
    }
    if !matches!(next, NextAttempt::Never) {
        for key in &keys {
            // A failure that says nothing about the token leaves the earlier attempts unclear.
            let is_reopened = tx.reopen_exchange(*key, 1, &context.process, &attempt.boot).await?.is_some();
            if is_reopened && !matches!(next, NextAttempt::Login) {
                next = NextAttempt::PauseAtLeast(plan::after_unclear(1));
            }
        }
    }
    let is_replayed = tx.settle_exchanges(&keys).await?;
    let is_again = is_replayed || is_kept;
    if matches!(next, NextAttempt::Never) && is_again && why.reason.code == reason::NEEDS_REAUTHORIZATION {
        why = unreadable::refused_again(end.as_deref(), is_kept);
    }
    Ok((why, next))
}

/// Returns the exchange as it is now, whose answer may have been recorded meanwhile.
async fn awaited_row(tx: &mut Tx, awaited: Option<ExchangeKey>) -> Result<Option<ExchangeRow>, StoreError> {
    match awaited {
        Some(key) => tx.exchange(key).await,
        None => Ok(None),
    }
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

/// The plan after a failure.
struct NextPlan {
    /// The time of the next attempt, if there is one.
    refresh_at: Option<i64>,
    /// The time from which an answer of the origin makes the connection due, if one does.
    refresh_from: Option<i64>,
    /// The number of failures in a row.
    failures: i64,
}

/// Plans the next attempt, and adds its time to the reason where a person needs it.
fn plan_next(
    context: &Context,
    attempt: &Attempt,
    next: NextAttempt,
    before: Liveness,
    stored: &CredentialRow,
    why: &mut NotLive,
) -> NextPlan {
    let now = context.now;
    // An attempt in the quarantine asks nobody. What the last one learnt of the origin stays, and it is no failure after
    // which the origin is spared.
    let asked_nobody = context.asked.origin.is_none() && matches!(next, NextAttempt::Unclear(_));
    let spared = if asked_nobody { 0 } else { AFTER_FAILURE };
    // A pause that the provider asked for is not shortened.
    let is_offline = why.liveness == Liveness::Offline && why.recheck_after.is_none_or(|after| after.is_zero());
    let waits = (context.asked.is_outage || asked_nobody) && is_offline;
    let from = |seconds: i64| waits.then(|| now.saturating_add(seconds.max(spared)));
    let failures = stored.plan.refresh_failures.saturating_add(1);
    let asked_pause = why.recheck_after.map(|after| after.as_secs());
    let pause = plan::after_failure(context.id, failures, asked_pause);
    let after = |seconds: i64, refresh_from: Option<i64>| NextPlan {
        refresh_at: Some(now.saturating_add(seconds)),
        refresh_from,
        failures,
    };
    let uncertain = match next {
        NextAttempt::AtOnce => return after(1, None),
        NextAttempt::ReadAgain => return after(unreadable::READ_AGAIN_AFTER, None),
        NextAttempt::Pause => return after(pause, from(AFTER_FAILURE)),
        NextAttempt::PauseAtLeast(least) => return after(pause.max(least), from(least)),
        NextAttempt::Login => {
            // The pause grows with the refusals alone, and not with the outages before them, nor with the attempts of a
            // person, who may ask any number of times.
            let former = stored.plan.refresh_reason.as_deref().and_then(json::to_reason);
            let is_again = former.is_some_and(|former| former.code == why.reason.code);
            let failures = match (is_again, attempt.is_requested) {
                (false, _) => 1,
                (true, true) => stored.plan.refresh_failures.max(1),
                (true, false) => failures,
            };
            let pause = plan::after_refused_login(context.id, failures, attempt.has_password);
            let asked_pause = asked_pause.map_or(0, |_| plan::after_failure(context.id, failures, asked_pause));
            return NextPlan { failures, ..after(pause.max(asked_pause), None) };
        }
        NextAttempt::Unclear(uncertain) => uncertain,
        NextAttempt::Leave(_) | NextAttempt::Never => {
            return NextPlan { refresh_at: None, refresh_from: None, failures };
        }
    };
    why.recheck_after = Some(Duration::from_secs(seconds_until_retry(uncertain, now).unsigned_abs()));
    // A credential that the provider refuses need not be spared.
    let works = stored.valid_until.filter(|_| !attempt.is_refused && before == Liveness::Live);
    let at = retry_at(uncertain, works, now);
    let from = from(earliest_retry(uncertain, works, now).saturating_sub(now));
    let is_ended = stored.valid_until.is_some_and(|until| until <= now) || before != Liveness::Live;
    if is_ended && uncertain.unclear_for >= MAX_UNCLEAR_TIME {
        let again = Timestamp::from_seconds(at).to_rfc3339();
        let remedy = format!("it is tried again at {again}; to use it earlier, {}", reason::AUTHORIZE_AGAIN);
        why.reason.remedy = Some(remedy.into());
    }
    NextPlan { refresh_at: Some(at), refresh_from: from, failures }
}

/// Stores the reason with the provider's own words, and the time of the next attempt. An event is appended only if the
/// outcome differs from that of the previous attempt.
async fn record_plan(
    tx: &mut Tx,
    context: &Context,
    row: &ListedRow,
    was: PlanRow,
    plan: PlanRow,
    why: &NotLive,
    words: Option<&Sealed>,
) -> Result<(), StoreError> {
    let outcome = outcome_of(&why.reason.code);
    let previous = was.refresh_reason.as_deref().and_then(json::to_reason);
    let previous = previous.filter(|reason| reason.code != reason::NOTHING_TO_RENEW);
    let refresh_at = plan.refresh_at;
    tx.set_plan(context.id, row.account.generation, &plan).await?;
    if let Some(words) = words {
        tx.set_refresh_words(context.id, row.account.generation, words).await?;
    }
    if previous.is_some_and(|reason| outcome_of(&reason.code) == outcome) {
        return Ok(());
    }
    let again = refresh_at.map(|at| Timestamp::from_seconds(at).to_rfc3339());
    let body = serde_json::json!({ "outcome": outcome.as_str(), "reason": why.reason.code, "again": again });
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
