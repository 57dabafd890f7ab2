//! Tests of the plan: credentials are due by their lifetime, not all at one moment, and later after each failure.

use connection_contract::{NotLive, Reason, RefreshSemantics, Timestamp, reason};
use uuid::Uuid;

use super::failure::Failure;
use crate::{
    ConnectionId,
    exchange::{ExchangeKey, Uncertain},
    plan::{
        Plan, Renewal, ReportedTimes, Stage, after_failure, after_refused_login, after_refused_probe, after_unclear,
        at_risk_until, of,
    },
    store::rows::PlanRow,
};

const MADE: i64 = 1_000_000;

fn id(random: u64) -> ConnectionId {
    Uuid::from_u128(u128::from(random.wrapping_mul(0x9e37_79b9_7f4a_7c15))).into()
}

fn due(random: u64, life: i64) -> i64 {
    let given = ReportedTimes { valid_until: Some(MADE + life), ..ReportedTimes::default() };
    of(id(random), Renewal::Renews, MADE, given).refresh_at.unwrap() - MADE
}

#[test]
fn a_credential_is_due_in_the_last_part_of_its_life_and_at_most_minutes_before_its_end() {
    for random in 0..1_000 {
        assert!((42..=48).contains(&due(random, 60)), "{}", due(random, 60));
        assert!((3_150..=3_300).contains(&due(random, 3_600)), "{}", due(random, 3_600));
        let month = 30 * 86_400;
        assert!((month - 450..=month - 300).contains(&due(random, month)));
    }
}

#[test]
fn credentials_made_at_once_are_due_at_different_times_that_a_restart_repeats() {
    let all: Vec<_> = (0..1_000).map(|random| due(random, 3_600)).collect();
    for second in 3_150..=3_300 {
        let together = all.iter().filter(|due| **due == second).count();
        assert!(together < 30, "{together} at {second}");
    }
    assert_eq!(all, (0..1_000).map(|random| due(random, 3_600)).collect::<Vec<_>>());
}

#[test]
fn a_lifetime_of_zero_causes_no_endless_refresh() {
    assert_eq!((due(1, 0), due(1, -5), due(1, 1)), (30, 30, 1));
    assert_eq!(of(id(1), Renewal::Renews, MADE, ReportedTimes::default()).refresh_at, None);
    let given = ReportedTimes { renew_at: Some(MADE - 5), ..ReportedTimes::default() };
    assert_eq!(of(id(1), Renewal::Renews, MADE, given).refresh_at, Some(MADE + 30));
    let none = ReportedTimes { valid_until: Some(MADE + 60), renew_at: Some(MADE + 10), ..ReportedTimes::default() };
    assert_eq!(of(id(1), Renewal::Never, MADE, none), PlanRow { renew_at: Some(MADE + 10), ..PlanRow::default() });
}

#[test]
fn pauses_grow_from_half_a_minute_to_an_hour_and_differ() {
    for random in 0..200 {
        let pauses: Vec<_> = (1..=12).map(|failures| after_failure(id(random), failures, None)).collect();
        assert!((30..=37).contains(&pauses[0]) && (60..=75).contains(&pauses[1]), "{pauses:?}");
        assert!(pauses.is_sorted() && pauses[11] == 3_600, "{pauses:?}");
        assert_eq!(after_failure(id(random), i64::MAX, None), 3_600);
    }
    let first: std::collections::BTreeSet<_> = (0..200).map(|random| after_failure(id(random), 3, None)).collect();
    assert!(first.len() > 20, "{first:?}");
}

#[test]
fn pauses_after_refusals_grow_to_a_day_differ_and_are_an_hour_at_least_for_a_password() {
    let probe = |random: u64, failures, has_password| {
        i64::try_from(after_refused_probe(id(random), failures, has_password).as_secs()).unwrap()
    };
    for random in 0..200 {
        let probes: Vec<_> = (1..=12).map(|failures| probe(random, failures, false)).collect();
        assert!((300..=375).contains(&probes[0]) && (600..=750).contains(&probes[1]), "{probes:?}");
        let logins: Vec<_> = (1..=12).map(|failures| after_refused_login(id(random), failures, false)).collect();
        assert!((900..=1_125).contains(&logins[0]), "{logins:?}");
        for pauses in [probes, logins] {
            assert!(pauses.is_sorted() && pauses[11] == 86_400, "{pauses:?}");
        }
        for failures in [0, 1, 4, i64::MAX] {
            let pauses = [probe(random, failures, true), after_refused_login(id(random), failures, true)];
            assert!(pauses.iter().all(|pause| (3_600..=86_400).contains(pause)), "{failures}: {pauses:?}");
        }
    }
    for has_password in [false, true] {
        let first: std::collections::BTreeSet<_> = (0..200).map(|random| probe(random, 1, has_password)).collect();
        assert!(first.len() > 20, "{first:?}");
    }
}

#[test]
fn pauses_after_unclear_answers_are_one_five_fifteen_and_then_sixty_minutes() {
    assert_eq!([0, 1, 2, 3, 4, 5, i64::MAX].map(after_unclear), [60, 60, 300, 900, 3_600, 3_600, 3_600]);
}

#[test]
fn a_credential_that_works_is_not_put_at_risk_before_its_last_minutes() {
    let now = MADE;
    assert_eq!(at_risk_until(Some(now + 3_600), now), Some(now + 3_300));
    assert_eq!(at_risk_until(Some(now + 1), now), Some(now - 299));
    assert_eq!([at_risk_until(Some(now), now), at_risk_until(None, now)], [None, None]);
}

#[test]
fn a_pause_that_a_provider_asks_for_is_kept_up_to_one_day() {
    let pause = |seconds| after_failure(id(1), 5, Some(seconds));
    assert_eq!([pause(1), pause(120), pause(86_400), pause(u64::MAX)], [1, 120, 86_400, 86_400]);
    assert_eq!(pause(0), after_failure(id(1), 5, None), "no time is named");
}

#[test]
fn a_stage_says_what_is_done_before_a_use() {
    let plan = |valid_until, refresh_at, failures| {
        let row = crate::store::rows::CredentialRow {
            connection_id: id(1),
            generation: 1,
            state: crate::store::rows::CredentialState::Current,
            sealed: crate::store::Sealed::from_row(Vec::new()),
            key_id: Vec::new(),
            secret_names: String::new(),
            granted_scopes: None,
            valid_until,
            created_at: MADE,
            plan: PlanRow { refresh_at, refresh_failures: failures, ..PlanRow::default() },
        };
        Plan::of(&row)
    };
    let now = MADE + 1_000;
    let past = Some(now - 1);
    let future = Some(now + 1);
    let cases = [
        ((None, None, 0), Stage::Fresh),
        ((future, future, 0), Stage::Fresh),
        ((future, Some(now), 0), Stage::Due),
        ((Some(now), past, 0), Stage::Expired),
        // The credential was made a moment ago and has ended.
        ((past, future, 0), Stage::Fresh),
        // A pause that is not over yet, and one that is.
        ((future, future, 2), Stage::Fresh),
        ((past, future, 2), Stage::Failed),
        ((past, past, 2), Stage::Expired),
        ((future, past, 2), Stage::Due),
        // There is no further attempt.
        ((past, None, 1), Stage::Failed),
        ((future, None, 1), Stage::Fresh),
        // A pause that no rule makes was computed by a wrong clock.
        ((past, Some(now + 90_000), 1), Stage::Expired),
        // A pause that spares a working credential is not one of these.
        ((Some(now + 200_000), Some(now + 199_700), 1), Stage::Fresh),
        // A row that was stored before its kind refreshed credentials is planned when it is used.
        ((Some(now + 1), None, 0), Stage::Due),
        ((past, None, 0), Stage::Expired),
    ];
    for ((valid_until, refresh_at, failures), stage) in cases {
        assert_eq!(
            plan(valid_until, refresh_at, failures).stage(now),
            stage,
            "{valid_until:?} {refresh_at:?} {failures}"
        );
    }
}

#[test]
fn an_answer_stays_recorded_when_a_later_one_is_lost() {
    let kept = |semantics, uncertain| {
        let why = NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "down"));
        Failure::of(Some(semantics), why, uncertain, vec![ExchangeKey::from_bytes([1; 32])], None, None).keys.is_empty()
    };
    for semantics in [RefreshSemantics::Stable, RefreshSemantics::Strict] {
        for replay_at in [None, Some(Timestamp::from_seconds(MADE))] {
            let sent_at = Timestamp::from_seconds(MADE);
            let attempts = 1;
            let over_for = 0;
            let unclear_for = 0;
            let retry_after = 0;
            let uncertain = Uncertain {
                sent_at,
                replay_at,
                awaited: None,
                attempts,
                over_for,
                unclear_for,
                retry_after,
                is_left: false,
                is_silent: false,
                held: None,
            };
            assert!(kept(semantics, Some(uncertain)), "{semantics:?} {replay_at:?}");
        }
        assert!(!kept(semantics, None), "what failed for certain is over");
    }
}
