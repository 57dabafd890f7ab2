//! The plan that says when a credential is refreshed.
//!
//! A credential is refreshed shortly before it ends, so that the risky moment comes while it still works. Credentials
//! are not refreshed all at one moment, and pauses after failures grow. Jitter is derived from the connection's id,
//! which is random, so a restart computes the same times and causes no burst.

use std::time::Duration;

use connection_contract::{Liveness, NotLive, Reason, Refreshed, Secret, SetupResult, Timestamp, VerifyResult, reason};
use connection_egress::{Backoff, MAX_RETRY_AFTER};

use crate::{
    ConnectionId,
    store::{
        StoreError, Tx, json,
        rows::{CredentialRow, PlanRow},
    },
};

/// The time before its end at which a credential is refreshed, in seconds, without jitter.
const MAX_LEAD: i64 = 300;
/// For a short-lived credential, that time is its lifetime divided by this number.
const SHARE: i64 = 5;
/// The shortest time from a new credential to its refresh, in seconds, whatever end the provider reports. For a
/// lifetime below a minute, half of the lifetime applies instead.
const MIN_DELAY: i64 = 30;
/// The pauses after failures of refreshes.
const AFTER_FAILURES: Backoff = Backoff::new(Duration::from_secs(30), Duration::from_secs(MAX_PAUSE.unsigned_abs()));
const MAX_PAUSE: i64 = 3_600;
/// The pauses after refused logins, which use nothing up, and of which many in a row may lock the account.
const AFTER_REFUSED_LOGINS: Backoff = Backoff::new(Duration::from_mins(15), DAY);
/// The pauses between verifications of a connection that is not live.
const AFTER_REFUSED_PROBES: Backoff = Backoff::new(Duration::from_mins(5), DAY);
/// The pauses after refused logins and probes that sent a password, because tries lock accounts.
const AFTER_REFUSED_PASSWORDS: Backoff = Backoff::new(Duration::from_hours(1), DAY);
const DAY: Duration = Duration::from_hours(24);
/// The pauses after attempts without a clear answer, in seconds; the last one repeats. The first is the quarantine.
const UNCLEAR_PAUSES: [i64; 4] = [60, 300, 900, 3_600];
/// The time before its end, in seconds, from which a working credential may be put at risk by sending a token again
/// that may be used up.
const RISK_WINDOW: i64 = 300;

/// The shortest time between two refreshes that refused requests of agents cause, in seconds.
const AGENTS_DELAY: i64 = 60;

/// A credential that ends within this time, in seconds, is refreshed before a long request begins.
const LONG_REQUEST: i64 = 60;

/// The range of pauses that a provider may ask for, in seconds.
const RETRY_AFTER_RANGE: std::ops::RangeInclusive<i64> = 1..=MAX_RETRY_AFTER.as_secs().cast_signed();

/// The time before an end at which it is announced, in seconds, if no refresh extends it.
pub(crate) const ANNOUNCE_BEFORE: i64 = 7 * 86_400;
/// An end that is at most this much later counts as the same end, in seconds. Providers count down in seconds, and a
/// sliding lifetime is announced at most once a day.
const SLACK: i64 = 86_400;

/// The beginning of the message of a credential that has ended, and that nothing renews.
pub(crate) const ENDED: &str = "the access ended";

/// The words about the process that sent a token and may still be running, before the time of its last sign of life.
pub(crate) const SILENT: &str = "has given no sign of life since";
/// The words about a process that sent a token and holds its lock on this machine, before its name.
pub(crate) const HELD: &str = "on this machine, and its sender has not ended:";

/// The renewal of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// The kind refreshes no credentials.
    Never,
    /// The kind refreshes credentials, and this one has nothing that a refresh could renew.
    Nothing,
    /// A refresh renews the credential.
    Renews,
}

/// Reasons that say nothing about the credential.
const TEMPORARY: &[&str] = &[
    reason::CONNECT,
    reason::DNS,
    reason::NOT_JSON,
    reason::PROVIDER_ERROR,
    reason::RATE_LIMITED,
    reason::TIMEOUT,
    reason::TLS,
    reason::TOO_LARGE,
];

/// The times of a credential that a plugin reported.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReportedTimes {
    pub(crate) valid_until: Option<i64>,
    pub(crate) renew_at: Option<i64>,
    pub(crate) authorized_until: Option<i64>,
}

impl ReportedTimes {
    /// Returns the times of a new credential, from what the setup made and what the probe found.
    pub(crate) fn of(made: &SetupResult<Secret>, found: &VerifyResult<Secret>) -> Self {
        Self {
            valid_until: found.valid_until.or(made.valid_until).map(Timestamp::seconds),
            renew_at: made.renew_at.map(Timestamp::seconds),
            authorized_until: made.authorized_until.map(Timestamp::seconds),
        }
    }

    /// Returns the times of a credential that inherited a refresh token.
    pub(crate) fn inherited(refreshed: &Refreshed<Secret>) -> Self {
        let Refreshed { valid_until, renew_at, authorized_until, .. } = refreshed;
        let seconds = |time: &Option<Timestamp>| time.map(Timestamp::seconds);
        Self {
            valid_until: seconds(valid_until),
            renew_at: seconds(renew_at),
            authorized_until: seconds(authorized_until),
        }
    }
}

/// Returns the plan that is stored with a new credential.
pub(crate) fn of(id: ConnectionId, renewal: Renewal, created_at: i64, given: ReportedTimes) -> PlanRow {
    let ReportedTimes { valid_until, renew_at, authorized_until } = given;
    let plan = PlanRow { renew_at, authorized_until, ..PlanRow::default() };
    match renewal {
        Renewal::Never => plan,
        Renewal::Nothing => without_renewal(plan, created_at, valid_until),
        Renewal::Renews => PlanRow { refresh_at: first(id, created_at, given), ..plan },
    }
}

/// Returns the plan of a credential that has nothing to renew: it is due at its end, which is that of its authorization.
pub(crate) fn without_renewal(plan: PlanRow, created_at: i64, valid_until: Option<i64>) -> PlanRow {
    let nothing = Reason::new(reason::NOTHING_TO_RENEW, "this access is not renewed");
    PlanRow {
        renew_at: None,
        authorized_until: plan.authorized_until.into_iter().chain(valid_until).min(),
        refresh_at: valid_until.map(|until| until.max(created_at.saturating_add(MIN_DELAY))),
        refresh_failures: 0,
        refresh_reason: Some(json::reason(&nothing)),
        ..plan
    }
}

/// Returns `true` if the stored reason of a plan says that the credential has nothing to renew.
pub(crate) fn has_nothing_to_renew(refresh_reason: Option<&str>) -> bool {
    refresh_reason.and_then(json::to_reason).is_some_and(|reason| reason.code == reason::NOTHING_TO_RENEW)
}

/// Returns the end of an authorization, unless it is only that of the credential, which was `former`.
pub(crate) fn kept_authorized_until(authorized_until: Option<i64>, former: Option<i64>) -> Option<i64> {
    authorized_until.filter(|until| Some(*until) != former)
}

/// Plans the refresh again after a probe reported another end than the `former` one. Returns the end of the authorization.
pub(crate) async fn replan(
    tx: &mut Tx,
    id: ConnectionId,
    generation: i64,
    former: Option<i64>,
) -> Result<Option<i64>, StoreError> {
    let row = tx.current_credential(id).await?.filter(|row| row.generation == generation);
    let Some(row) = row.filter(|row| row.plan.refresh_failures == 0) else { return Ok(None) };
    let plan = match has_nothing_to_renew(row.plan.refresh_reason.as_deref()) {
        true => {
            let authorized_until = kept_authorized_until(row.plan.authorized_until, former);
            without_renewal(PlanRow { authorized_until, ..row.plan }, row.created_at, row.valid_until)
        }
        false => PlanRow { refresh_at: first(id, row.created_at, reported_times(&row)), ..row.plan },
    };
    tx.set_plan(id, generation, &plan).await?;
    Ok(plan.authorized_until)
}

fn reported_times(row: &CredentialRow) -> ReportedTimes {
    let PlanRow { renew_at, authorized_until, .. } = row.plan;
    ReportedTimes { valid_until: row.valid_until, renew_at, authorized_until }
}

/// Returns when a credential is first refreshed; `None` if no time makes it due.
fn first(id: ConnectionId, created_at: i64, given: ReportedTimes) -> Option<i64> {
    let life = given.valid_until.map(|until| until.saturating_sub(created_at).max(0));
    let planned = match (given.renew_at, given.valid_until, life) {
        (Some(at), ..) => at,
        (None, Some(until), Some(life)) => {
            let ahead = MAX_LEAD.min(life / SHARE);
            // The jitter moves the time earlier by up to half of `ahead`.
            until.saturating_sub(ahead).saturating_sub(part(id, 0, ahead / 2))
        }
        _ => return None,
    };
    let least = life.filter(|life| *life > 0).map_or(MIN_DELAY, |life| MIN_DELAY.min(life / 2));
    Some(planned.max(created_at.saturating_add(least)))
}

/// Returns `true` if the announcement at that time was of this end. An end that has moved further away is announced again
/// when it comes near.
pub(crate) fn is_announced(at: i64, end: Option<i64>) -> bool {
    end.is_none_or(|end| at >= earliest_announcement(end))
}

/// Has the end announced again that a probe found, if the announced one was an earlier one.
pub(crate) async fn announce_again(
    tx: &mut Tx,
    id: ConnectionId,
    generation: i64,
    end: Option<i64>,
) -> Result<(), StoreError> {
    match end {
        Some(end) => tx.forget_announcement(id, generation, earliest_announcement(end)).await,
        None => Ok(()),
    }
}

fn earliest_announcement(end: i64) -> i64 {
    end.saturating_sub(ANNOUNCE_BEFORE + SLACK)
}

/// Returns the pause after a failure: the one that the provider asked for, or one that grows. A pause of no length names
/// no time, as when the clock of this machine is ahead of the provider's: asking again at once would be refused again.
pub(crate) fn after_failure(id: ConnectionId, failures: i64, retry_after: Option<u64>) -> i64 {
    if let Some(retry_after) = retry_after.filter(|retry_after| *retry_after > 0) {
        return i64::try_from(retry_after)
            .unwrap_or(i64::MAX)
            .clamp(*RETRY_AFTER_RANGE.start(), *RETRY_AFTER_RANGE.end());
    }
    spread(id, AFTER_FAILURES, failures).min(MAX_PAUSE)
}

/// Returns the pause after this number of refused logins, in seconds.
pub(crate) fn after_refused_login(id: ConnectionId, failures: i64, has_password: bool) -> i64 {
    refused(id, AFTER_REFUSED_LOGINS, failures, has_password)
}

/// Returns the pause after this number of verifications in a row that did not find a connection live.
pub(crate) fn after_refused_probe(id: ConnectionId, failures: i64, has_password: bool) -> Duration {
    Duration::from_secs(refused(id, AFTER_REFUSED_PROBES, failures, has_password).unsigned_abs())
}

fn refused(id: ConnectionId, pauses: Backoff, failures: i64, has_password: bool) -> i64 {
    let pauses = if has_password { AFTER_REFUSED_PASSWORDS } else { pauses };
    spread(id, pauses, failures).min(DAY.as_secs().cast_signed())
}

/// Returns the pause after this number of failures, in seconds, with a jitter of up to a quarter, so that those that failed
/// together are not tried again together.
fn spread(id: ConnectionId, pauses: Backoff, failures: i64) -> i64 {
    let pause = pauses.after(u32::try_from(failures.max(0)).unwrap_or(u32::MAX)).as_secs().cast_signed();
    pause.saturating_add(part(id, failures, pause / 4))
}

/// Returns the pause after this number of attempts without a clear answer, in seconds.
pub(crate) fn after_unclear(attempts: i64) -> i64 {
    let last = UNCLEAR_PAUSES.len() - 1;
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default().min(last);
    UNCLEAR_PAUSES[index]
}

/// Returns the earliest time at which a token that may be used up is sent again while the credential works; `None` if
/// the credential does not work.
pub(crate) fn at_risk_until(valid_until: Option<i64>, now: i64) -> Option<i64> {
    valid_until.filter(|until| *until > now).map(|until| until.saturating_sub(RISK_WINDOW))
}

/// Returns the reason to show for a live connection whose credential could not be refreshed: an answer is lost, or
/// somebody has to fix something. A temporary reason is not shown.
pub(crate) fn note(reason: Option<&str>) -> Option<Reason> {
    let reason = reason.and_then(json::to_reason)?;
    let is_none = TEMPORARY.contains(&&*reason.code) || reason.code == reason::NOTHING_TO_RENEW;
    (!is_none).then_some(reason)
}

/// The longest time, in seconds, by which the attempts of connections differ that are made due together.
pub(crate) const MAX_SPREAD: i64 = 120;

/// Returns the seconds by which the attempts of connections differ that are made due together.
pub(crate) fn spread_again(id: ConnectionId) -> i64 {
    part(id, 0, MAX_SPREAD)
}

/// Returns a number from 0 to `most` that is derived from the connection and the occasion.
fn part(id: ConnectionId, occasion: i64, most: i64) -> i64 {
    let Ok(most) = u64::try_from(most) else { return 0 };
    // The last eight bytes are random (RFC 9562, section 5.7). They are mixed by SplitMix64.
    let mut mixed = (id.as_uuid().as_u128() as u64) ^ occasion.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    i64::try_from((mixed ^ (mixed >> 31)) % (most + 1)).unwrap_or_default()
}

/// The state of a credential's refresh, as it is needed when the credential is used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    created_at: i64,
    valid_until: Option<i64>,
    due: Option<i64>,
    failures: i64,
    reason: Option<Reason>,
    pub(crate) refreshed_at: Option<i64>,
}

/// The action before a credential is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The credential is used as it is.
    Fresh,
    /// The credential is to be refreshed, and works meanwhile.
    Due,
    /// The credential has ended and is to be refreshed first.
    Expired,
    /// The credential has ended and could not be refreshed. The next attempt is not due yet, or there will be none.
    Failed,
}

impl Plan {
    pub(crate) fn of(row: &CredentialRow) -> Self {
        let PlanRow { refresh_at, refresh_failures: failures, refresh_reason, refreshed_at, .. } = &row.plan;
        // A row that was stored before its kind refreshed credentials has no plan.
        let unplanned =
            || if *failures == 0 { first(row.connection_id, row.created_at, reported_times(row)) } else { None };
        Self {
            created_at: row.created_at,
            valid_until: row.valid_until,
            due: refresh_at.or_else(unplanned),
            failures: *failures,
            reason: refresh_reason.as_deref().and_then(json::to_reason),
            refreshed_at: *refreshed_at,
        }
    }

    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.valid_until.is_some_and(|until| until <= now)
    }

    /// Returns the number of failures since the last successful refresh.
    pub(crate) fn failures(&self) -> i64 {
        self.failures
    }

    /// Returns why the last attempt failed.
    pub(crate) fn why(&self) -> Option<NotLive> {
        let why = self.reason.clone()?;
        let code = &*why.code;
        let passes = TEMPORARY.contains(&code) || (code == reason::REFRESH_OUTCOME_UNKNOWN && self.due.is_some());
        Some(if passes { NotLive::offline(why) } else { NotLive::failing(why) })
    }

    /// Adds the remedies of a caller to a failure about whose token nothing is known: to authorize the connection again, or
    /// to wait for the next attempt. They are not stored, because the connection needs no attention for that yet.
    pub(crate) fn with_remedies(&self, mut why: NotLive, now: i64) -> NotLive {
        let is_unknown = why.reason.code == reason::REFRESH_OUTCOME_UNKNOWN && why.liveness == Liveness::Offline;
        if !is_unknown || why.reason.remedy.is_some() {
            return why;
        }
        let next = match self.due.filter(|due| *due > now) {
            Some(due) => format!("the next attempt is at {}", Timestamp::from_seconds(due).to_rfc3339()),
            None => "the next use makes the next attempt".to_owned(),
        };
        let message = why.reason.message.as_str();
        let wait = if message.contains(HELD) {
            format!("continue or end that process, whose end concludes the attempt; {next}")
        } else if message.contains(SILENT) {
            format!(
                "wait until that machine runs again, whose processes conclude the attempt; {next}, and without a sign of \
                 life the token is sent again after 24 hours"
            )
        } else {
            format!("wait: {next}")
        };
        why.reason.remedy = Some(format!("{} now, or {wait}", reason::AUTHORIZE_AGAIN).into());
        why
    }

    /// Returns the reason for which the last attempt failed.
    pub(crate) fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    /// Returns the code of the reason for which the last attempt failed.
    pub(crate) fn code(&self) -> Option<&str> {
        self.reason().map(|reason| &*reason.code)
    }

    /// Returns why the provider will no longer refresh the credential, if that is so.
    pub(crate) fn ended(&self) -> Option<NotLive> {
        if self.failures > 0 && self.due.is_none() { self.why() } else { None }
    }

    /// Returns `true` if the credential counts as ended because of its stated end alone, which is still to come: the clock was
    /// ahead. Its provider was not asked.
    pub(crate) fn has_ended_too_soon(&self, now: i64) -> bool {
        let was_not_asked = self.reason.as_ref().is_some_and(|reason| reason.message.as_str().starts_with(ENDED));
        was_not_asked && self.failures > 0 && self.valid_until.is_some_and(|until| until > now)
    }

    /// Returns `true` if a refresh would have nothing to renew.
    pub(crate) fn has_nothing_to_renew(&self) -> bool {
        self.failures == 0 && self.code() == Some(reason::NOTHING_TO_RENEW)
    }

    /// Returns `true` if the credential was restored and works as long as its access token does. Only a person's request
    /// refreshes it.
    pub(crate) fn is_restored(&self) -> bool {
        self.code() == Some(reason::RESTORED) && self.due.is_none()
    }

    /// Returns the time from `now` until the end of a restored credential that works and whose end is known.
    pub(crate) fn restored_ends_in(&self, now: i64) -> Option<Duration> {
        let ends = self.valid_until.filter(|until| self.is_restored() && *until > now)?;
        Some(Duration::from_secs(ends.saturating_sub(now).unsigned_abs()))
    }

    pub(crate) fn stage(&self, now: i64) -> Stage {
        // A time further ahead than any pause was computed by a wrong clock, unless it is shortly before the
        // credential's end.
        let farthest = now.saturating_add(*RETRY_AFTER_RANGE.end()).max(self.valid_until.unwrap_or(now));
        let is_time = match self.due {
            Some(due) => due <= now || (self.failures > 0 && due > farthest),
            None => false,
        };
        match (self.is_expired(now), is_time) {
            (true, true) => Stage::Expired,
            (true, false) if self.failures > 0 => Stage::Failed,
            // The credential was made a moment ago, and the provider says that it has ended.
            (true, false) | (false, false) => Stage::Fresh,
            (false, true) => Stage::Due,
        }
    }

    /// Returns `true` if the credential may be refreshed because its provider refused it: not right after a refresh
    /// made it, which would repeat without end, and not during a pause.
    pub(crate) fn may_follow_refusal(&self, now: i64) -> bool {
        let paused = self.failures > 0 && !matches!(self.stage(now), Stage::Due | Stage::Expired);
        !self.is_fresh(now) && (!paused || self.is_spared(now))
    }

    /// Returns `true` if the credential may be refreshed because a request of an agent was refused. An agent could make
    /// every request a refused one, so this is rare: a verification follows the refusal, and refreshes the credential if
    /// an earlier attempt has failed.
    pub(crate) fn may_follow_refusal_of_agent(&self, now: i64) -> bool {
        self.failures == 0 && !self.is_younger(AGENTS_DELAY, now)
    }

    /// Returns `true` if the credential works but ends too soon for a long request, and may be refreshed before it: not
    /// in the first half of its life, which a provider that issues short ones would never let end, and not during a
    /// pause.
    pub(crate) fn precedes_long_request(&self, now: i64) -> bool {
        let Some(until) = self.valid_until.filter(|until| *until > now) else { return false };
        let left = until.saturating_sub(now);
        let is_late = left <= LONG_REQUEST && left.saturating_mul(2) <= until.saturating_sub(self.created_at);
        is_late && !self.is_restored() && (self.failures == 0 || self.stage(now) == Stage::Due)
    }

    /// Returns `true` if a refresh made the credential only seconds ago.
    pub(crate) fn is_fresh(&self, now: i64) -> bool {
        self.is_younger(MIN_DELAY, now)
    }

    fn is_younger(&self, age: i64, now: i64) -> bool {
        self.refreshed_at.is_some_and(|at| (0..age).contains(&now.saturating_sub(at)))
    }

    /// Returns `true` if the next attempt waits longer than any pause, because it could cost a working credential.
    fn is_spared(&self, now: i64) -> bool {
        let is_unclear = self.code() == Some(reason::REFRESH_OUTCOME_UNKNOWN);
        is_unclear && self.due.is_some_and(|due| due > now.saturating_add(MAX_PAUSE))
    }
}
