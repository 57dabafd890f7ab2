//! When a credential is renewed.
//!
//! Shortly before it ends, so that the risky moment comes while the old one still works; never all at one moment; and
//! after a failure later each time. What is drawn is drawn from the connection's id, which is random: a restart draws the
//! same, and is no storm.

use connection_contract::{Established, NotLive, Reason, Refreshed, Secret, Timestamp, VerifyResult, reason};

use crate::{
    ConnectionId,
    connection::json,
    store::{
        StoreError, Tx,
        rows::{CredentialRow, PlanRow},
    },
};

/// So long before its end at most a credential is renewed, in seconds.
const AHEAD: i64 = 300;
/// This part of its life at most.
const SHARE: i64 = 5;
/// Nobody renews more often, whatever the provider says of a credential's life.
const LEAST: i64 = 30;
/// The first pause after a failure; each is twice the one before.
const FIRST_PAUSE: i64 = 30;
const LONGEST_PAUSE: i64 = 3_600;
/// The pauses after attempts that were not clearly answered, in seconds; the last one lasts. The first is the quarantine.
const UNCLEAR: [i64; 4] = [60, 300, 900, 3_600];
/// So long before its end at most, a credential that works is put at risk by sending again what may be used up.
const AT_RISK: i64 = 300;

/// What a provider that asks for a pause may ask for.
const ASKED: std::ops::RangeInclusive<i64> = 1..=86_400;

/// So long ahead an end is announced that no renewal saves, in seconds.
pub(super) const ANNOUNCED_AHEAD: i64 = 7 * 86_400;
/// An end that is this much later is the same one: providers count down in seconds, and a life that slides is announced once
/// a day at most.
const SLACK: i64 = 86_400;

/// Reasons that say nothing of the credential.
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

/// What a plugin said of a credential's time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given {
    pub(crate) valid_until: Option<i64>,
    pub(crate) renew_at: Option<i64>,
    pub(crate) authorized_until: Option<i64>,
}

impl Given {
    /// What a setup made, and what was measured of it.
    pub(crate) fn of(made: &Established<Secret>, found: &VerifyResult<Secret>) -> Self {
        Self {
            valid_until: found.valid_until.or(made.valid_until).map(Timestamp::seconds),
            renew_at: made.renew_at.map(Timestamp::seconds),
            authorized_until: made.authorized_until.map(Timestamp::seconds),
        }
    }

    /// What is said of a credential that took over what renews it.
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

/// What is stored with a credential that is new.
pub(crate) fn of(id: ConnectionId, renews: bool, created_at: i64, given: Given) -> PlanRow {
    let Given { renew_at, authorized_until, .. } = given;
    let refresh_at = if renews { first(id, created_at, given) } else { None };
    PlanRow { renew_at, authorized_until, refresh_at, ..PlanRow::default() }
}

/// Plans again, where a probe told another end.
pub(crate) async fn replan(tx: &mut Tx, id: ConnectionId, generation: i64) -> Result<(), StoreError> {
    let Some(row) = tx.current_credential(id).await?.filter(|row| row.generation == generation) else { return Ok(()) };
    if row.plan.refresh_failures > 0 {
        return Ok(());
    }
    let plan = PlanRow { refresh_at: first(id, row.created_at, given(&row)), ..row.plan };
    tx.set_plan(id, generation, &plan).await.map(drop)
}

fn given(row: &CredentialRow) -> Given {
    let PlanRow { renew_at, authorized_until, .. } = row.plan;
    Given { valid_until: row.valid_until, renew_at, authorized_until }
}

/// When a credential is renewed for the first time; `None` when no time makes it due.
fn first(id: ConnectionId, created_at: i64, given: Given) -> Option<i64> {
    let life = given.valid_until.map(|until| until.saturating_sub(created_at).max(0));
    let planned = match (given.renew_at, given.valid_until, life) {
        (Some(at), ..) => at,
        (None, Some(until), Some(life)) => {
            let ahead = AHEAD.min(life / SHARE);
            // Up to half of it earlier.
            until.saturating_sub(ahead).saturating_sub(part(id, 0, ahead / 2))
        }
        _ => return None,
    };
    let least = life.filter(|life| *life > 0).map_or(LEAST, |life| LEAST.min(life / 2));
    Some(planned.max(created_at.saturating_add(least)))
}

/// Whether what was announced then is this end, and not one that a renewal has moved further away: that one is to be
/// announced again when it comes near.
pub(crate) fn is_announced(at: i64, authorized_until: Option<i64>) -> bool {
    authorized_until.is_none_or(|until| until <= at.saturating_add(ANNOUNCED_AHEAD + SLACK))
}

/// After a failure: what the provider asked for, or a pause that grows.
pub(crate) fn after_failure(id: ConnectionId, failures: i64, asked: Option<u64>) -> i64 {
    if let Some(asked) = asked {
        return i64::try_from(asked).unwrap_or(i64::MAX).clamp(*ASKED.start(), *ASKED.end());
    }
    let doubled = failures.saturating_sub(1).clamp(0, 16);
    let pause = (FIRST_PAUSE << doubled).min(LONGEST_PAUSE);
    // Up to a quarter longer, so that those that failed together do not come back together.
    pause.saturating_add(part(id, failures, pause / 4)).clamp(FIRST_PAUSE, LONGEST_PAUSE)
}

/// The pause after that many attempts that were not clearly answered, in seconds.
pub(crate) fn after_unclear(attempts: i64) -> i64 {
    let last = UNCLEAR.len() - 1;
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default().min(last);
    UNCLEAR[index]
}

/// When what may be used up is sent again at the earliest while the credential works that would be lost with it; `None` when
/// it does not.
pub(crate) fn at_risk_until(valid_until: Option<i64>, now: i64) -> Option<i64> {
    valid_until.filter(|until| *until > now).map(|until| until.saturating_sub(AT_RISK))
}

/// What is told of a credential that works while it could not be renewed: that an answer is lost, or what somebody has to
/// mend. What passes by itself is not.
pub(crate) fn note(reason: Option<&str>) -> Option<Reason> {
    let reason = reason.and_then(json::to_reason)?;
    let passes = TEMPORARY.contains(&&*reason.code);
    (!passes).then_some(reason)
}

/// A number from 0 to `most` that follows from the connection and the occasion.
fn part(id: ConnectionId, occasion: i64, most: i64) -> i64 {
    let Ok(most) = u64::try_from(most) else { return 0 };
    // The last eight bytes are random (RFC 9562, section 5.7); mixed by SplitMix64.
    let mut mixed = (id.as_uuid().as_u128() as u64) ^ occasion.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    i64::try_from((mixed ^ (mixed >> 31)) % (most + 1)).unwrap_or_default()
}

/// What is known of a credential's renewal when it is to be used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    valid_until: Option<i64>,
    due: Option<i64>,
    failures: i64,
    reason: Option<Reason>,
    pub(crate) refreshed_at: Option<i64>,
}

/// What is to be done before a credential is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing.
    Fresh,
    /// To be renewed, and it works meanwhile.
    Due,
    /// It works no more, and is to be renewed first.
    Expired,
    /// It works no more, and could not be renewed; it is not yet time to try again, or never will be.
    Failed,
}

impl Plan {
    pub(crate) fn of(row: &CredentialRow) -> Self {
        let PlanRow { refresh_at, refresh_failures: failures, refresh_reason, refreshed_at, .. } = &row.plan;
        // What was stored before its kind renewed anything has no plan.
        let unplanned = || if *failures == 0 { first(row.connection_id, row.created_at, given(row)) } else { None };
        Self {
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

    /// How often in a row renewing it failed.
    pub(crate) fn failures(&self) -> i64 {
        self.failures
    }

    /// Why the last try failed.
    pub(crate) fn why(&self) -> Option<NotLive> {
        let why = self.reason.clone()?;
        let code = &*why.code;
        let passes = TEMPORARY.contains(&code) || (code == reason::REFRESH_OUTCOME_UNKNOWN && self.due.is_some());
        Some(if passes { NotLive::offline(why) } else { NotLive::failing(why) })
    }

    /// Why the last try failed, for programs.
    pub(crate) fn code(&self) -> Option<&str> {
        self.reason.as_ref().map(|reason| &*reason.code)
    }

    /// Why its provider will not renew it any more, if that is so.
    pub(crate) fn ended(&self) -> Option<NotLive> {
        if self.failures > 0 && self.due.is_none() { self.why() } else { None }
    }

    pub(crate) fn stage(&self, now: i64) -> Stage {
        // A time further ahead than any pause is of a clock that was wrong, unless it is shortly before the credential's end.
        let farthest = now.saturating_add(*ASKED.end()).max(self.valid_until.unwrap_or(now));
        let is_time = match self.due {
            Some(due) => due <= now || (self.failures > 0 && due > farthest),
            None => false,
        };
        match (self.is_expired(now), is_time) {
            (true, true) => Stage::Expired,
            (true, false) if self.failures > 0 => Stage::Failed,
            // It was made a moment ago and its provider says that it has ended.
            (true, false) | (false, false) => Stage::Fresh,
            (false, true) => Stage::Due,
        }
    }

    /// Whether it may be renewed because its provider refused it: not right after it was made by a refresh, which would go
    /// on for ever, and not while a pause lasts.
    pub(crate) fn may_follow_refusal(&self, now: i64) -> bool {
        let paused = self.failures > 0 && !matches!(self.stage(now), Stage::Due | Stage::Expired);
        !self.is_fresh(now) && (!paused || self.is_spared(now))
    }

    /// Returns `true` if a refresh made the credential only seconds ago.
    pub(crate) fn is_fresh(&self, now: i64) -> bool {
        self.refreshed_at.is_some_and(|at| (0..LEAST).contains(&now.saturating_sub(at)))
    }

    /// Whether it is not renewed because that could cost a credential that works: later than any pause would have it.
    fn is_spared(&self, now: i64) -> bool {
        let is_unclear = self.code() == Some(reason::REFRESH_OUTCOME_UNKNOWN);
        is_unclear && self.due.is_some_and(|due| due > now.saturating_add(LONGEST_PAUSE))
    }
}
