//! A provider that is down, for minutes or for longer than a day, ends no connection. Nothing is sent again without
//! proof and a quarantine, whatever the clocks say.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::{Clock as _, Liveness, NotLive, RefreshSemantics, reason};
use connection_core::{ConnectionInfo, ConnectionRegistry, Error, ManualClock};
use connection_faults::rounds::rounds;

use crate::{
    renewing::{LIFE, Renewals, Renewing, process},
    sql,
    test_server::Reply,
};

const UNKNOWN: &str = reason::REFRESH_OUTCOME_UNKNOWN;
const GRACE: RefreshSemantics = RefreshSemantics::Grace(Duration::from_secs(60));
const HTML: &str = "<html>It works!</html>";

fn code(info: &ConnectionInfo) -> Option<&str> {
    info.reason.as_ref().map(|reason| &*reason.code)
}

#[track_caller]
fn not_renewed<T: std::fmt::Debug>(result: Result<T, Error>) -> NotLive {
    match result {
        Err(Error::NotRenewed { why, .. }) => *why,
        other => panic!("{other:?}"),
    }
}

/// Records the times of the requests to the token endpoint, by the clock of the test host.
fn ledger(it: &Renewals) -> Arc<Mutex<Vec<i64>>> {
    let times = Arc::new(Mutex::new(Vec::new()));
    let kept = times.clone();
    let issued = it.provider.clone();
    let clock = it.world.clock.clone();
    it.world.provider(move |request| {
        if request.starts_with("POST /token") {
            kept.lock().unwrap().push(clock.now().seconds());
        }
        issued.answer(request)
    });
    times
}

/// Lets time pass in steps, for the processes and for the database, and checks the connection at each step.
async fn passes(it: &Renewals, from: i64, until: i64, step: i64, mut look: impl FnMut(i64, &ConnectionInfo)) {
    let mut at = from;
    while at < until {
        it.at(at);
        let info = it.connection.verify().await.unwrap();
        look(at, &info);
        it.note_passes(step).await;
        at += step;
    }
}

#[tokio::test]
async fn an_outage_of_minutes_hours_or_a_day_ends_no_connection() {
    for semantics in [RefreshSemantics::Strict, GRACE, RefreshSemantics::Stable] {
        // A provider that takes a token twice is the hard case, and the others repeat it in the long form.
        let outages = [(10, 10), (120, 60), (26 * 60, 600)];
        let outages =
            if semantics == RefreshSemantics::Strict { &outages[..] } else { rounds(&outages[2..], &outages) };
        for &(minutes, step) in outages {
            let case = format!("{semantics:?}, {minutes} minutes");
            let it = Renewals::of(Renewing::of(semantics)).await;
            let attempts = ledger(&it);
            it.provider.says(Some((503, "", "")));
            let from = LIFE - 400;
            let until = LIFE - 400 + minutes * 60;
            let mut last = None;
            passes(&it, from, until, step, |at, info| {
                let expected = if at < LIFE { Liveness::Live } else { Liveness::Offline };
                assert_eq!(info.liveness, expected, "{case}, {at}");
                if semantics != RefreshSemantics::Stable && !attempts.lock().unwrap().is_empty() {
                    assert_eq!(code(info), Some(UNKNOWN), "{case}, {at}: never without the note");
                }
                last = info.reason.clone();
            })
            .await;
            let times = attempts.lock().unwrap().clone();
            assert!(times.len() >= 2, "{case}: it is tried on, {times:?}");
            let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            if semantics == RefreshSemantics::Strict {
                assert!(gaps.iter().all(|gap| *gap >= 60), "{case}: {gaps:?}");
            }
            assert!(gaps.iter().all(|gap| *gap <= 3_600 + 900 + step), "{case}: {gaps:?}");
            let ways = last.and_then(|reason| reason.remedy).map(|remedy| remedy.to_string()).unwrap_or_default();
            let is_long = minutes > 24 * 60 && semantics != RefreshSemantics::Stable;
            assert_eq!(ways.contains("it is tried again at ") && ways.contains("authorize"), is_long, "{case}: {ways}");
            // The choice of a person is recorded once, and the operator is told of it.
            let recorded = "SELECT COUNT(*) FROM connection_event WHERE kind = 'liveness_changed' \
                            AND body LIKE '%\"toChoose\":true%'";
            assert_eq!(sql::number(&it.world.database(), recorded).await, Some(i64::from(is_long)), "{case}");
            // No call is made while the time passes.
            it.provider.says(None);
            it.at(until + 3_600 + 900);
            assert_eq!(it.send().await.unwrap(), 200, "{case}");
            let info = it.connection.verify().await.unwrap();
            assert_eq!((info.liveness, code(&info)), (Liveness::Live, None), "{case}");
            let is_revoked = it.provider.lock().is_revoked;
            assert_eq!((is_revoked, it.token().await), (false, "access-2".to_owned()), "{case}");
        }
    }
}

#[tokio::test]
async fn two_answers_of_503_a_minute_apart_end_nothing() {
    let it = Renewals::new().await;
    it.provider.says(Some((503, "", "")));
    for (at, requests) in [(0, 1), (59, 1), (60, 2), (120, 2), (359, 2), (360, 3)] {
        it.at(LIFE + at);
        let info = it.connection.verify().await.unwrap();
        assert_eq!((info.liveness, code(&info)), (Liveness::Offline, Some(UNKNOWN)), "{at}");
        assert_eq!(it.provider.request_count(), requests, "{at}: pauses of one and of five minutes");
    }
    it.provider.says(None);
    // A person need not wait for the pause, but waits for the quarantine.
    it.at(LIFE + 361);
    let why = not_renewed(it.connection.refresh().await);
    assert_eq!((&*why.reason.code, why.recheck_after), (UNKNOWN, Some(Duration::from_secs(59))));
    assert_eq!(it.provider.request_count(), 3);
    it.at(LIFE + 420);
    assert_eq!(it.connection.refresh().await.unwrap().connection.liveness, Liveness::Live);
    assert_eq!((it.provider.request_count(), it.token().await), (4, "access-2".to_owned()));
}

#[tokio::test]
async fn a_pause_that_a_failing_provider_asks_for_lengthens_and_never_shortens() {
    for (header, least) in [("retry-after: 600\r\n", 600), ("retry-after: 1\r\n", 60)] {
        let it = Renewals::new().await;
        it.provider.says(Some((503, header, "")));
        it.at(LIFE);
        it.connection.verify().await.unwrap();
        it.provider.says(None);
        it.at(LIFE + least - 1);
        let why = not_renewed(it.connection.refresh().await);
        assert_eq!(why.recheck_after, Some(Duration::from_secs(1)), "{header}: also for a person");
        assert_eq!(it.provider.request_count(), 1, "{header}");
        it.at(LIFE + least);
        it.connection.refresh().await.unwrap();
        assert_eq!(it.provider.request_count(), 2, "{header}");
    }
}

#[tokio::test]
async fn a_token_that_works_is_not_put_at_risk_before_its_last_five_minutes() {
    let it = Renewals::new().await;
    it.provider.says(Some((503, "", "")));
    it.at(100);
    not_renewed(it.connection.refresh().await);
    assert_eq!(it.credential("refresh_at").await, Some(crate::test_host::START + LIFE - 300));
    it.at(1_000);
    let info = it.connection.verify().await.unwrap();
    assert_eq!((info.liveness, code(&info), it.provider.request_count()), (Liveness::Live, Some(UNKNOWN), 1));
    let listed = it.registry.connection(it.connection.id()).await.unwrap().info().clone();
    assert_eq!((listed.liveness, code(&listed)), (Liveness::Live, Some(UNKNOWN)), "the note is there for all who look");
    // A person may send it again.
    not_renewed(it.connection.refresh().await);
    assert_eq!(it.provider.request_count(), 2);
    it.at(LIFE - 301);
    it.connection.verify().await.unwrap();
    assert_eq!(it.provider.request_count(), 2);
    it.at(LIFE - 300);
    it.connection.verify().await.unwrap();
    assert_eq!(it.provider.request_count(), 3);
}

/// The token's end is far away, but its provider no longer accepts it: sparing it saves nothing.
#[tokio::test]
async fn a_token_that_its_provider_refuses_is_not_spared() {
    let it = Renewals::new().await;
    it.edit(&format!("UPDATE connection_credential SET valid_until = {}", crate::test_host::START + 90 * 86_400)).await;
    it.provider.says(Some((503, "", "")));
    it.at(100);
    not_renewed(it.connection.refresh().await);
    it.provider.says(None);
    it.provider.lock().number = 7;
    it.at(200);
    let answered = it.connection.verify().await.unwrap();
    // This provider's state has changed meanwhile, so it revokes: what counts is that it got a request.
    assert_eq!((it.provider.request_count(), answered.liveness), (2, Liveness::Failing));
}

#[tokio::test]
async fn an_answer_that_nobody_can_read_is_processed_and_unclear() {
    let it = Renewals::new().await;
    it.provider.says(Some((200, "content-type: text/html\r\n", HTML)));
    it.at(LIFE);
    let info = it.connection.verify().await.unwrap();
    assert_eq!((info.liveness, code(&info)), (Liveness::Offline, Some(UNKNOWN)));
    it.at(LIFE + 7);
    it.note_passes(7).await;
    let why = not_renewed(it.connection.refresh().await);
    assert_eq!((why.recheck_after, it.provider.request_count()), (Some(Duration::from_secs(53)), 1), "in quarantine");
    for (at, requests) in [(59, 1), (60, 2), (359, 2), (360, 3)] {
        it.at(LIFE + at);
        it.connection.verify().await.unwrap();
        assert_eq!(it.provider.request_count(), requests, "{at}");
    }
    it.provider.says(None);
    it.at(LIFE + 360 + 900);
    assert_eq!(it.send().await.unwrap(), 200);
}

#[tokio::test]
async fn a_finally_refused_token_is_sent_again_for_each_request_of_a_person_and_for_no_other() {
    let it = Renewals::new().await;
    it.provider.says(Some((400, "", r#"{"error":"invalid_grant"}"#)));
    it.at(100);
    for requests in 1..=3 {
        let why = not_renewed(it.connection.refresh().await);
        assert_eq!((why.liveness, &*why.reason.code), (Liveness::Failing, reason::NEEDS_REAUTHORIZATION));
        assert_eq!(it.provider.request_count(), requests);
        it.connection.verify().await.unwrap();
        assert_eq!(it.provider.request_count(), requests, "a program does not ask");
    }
    assert_eq!(it.connection.verify_now().await.unwrap().liveness, Liveness::Failing);
    assert_eq!(it.provider.request_count(), 4, "a person's verification asks as well");
    it.provider.says(None);
    assert_eq!(it.connection.refresh().await.unwrap().connection.liveness, Liveness::Live);
    assert_eq!((it.provider.request_count(), it.token().await), (5, "access-2".to_owned()));
}

#[tokio::test]
async fn force_ends_no_quarantine() {
    let it = Renewals::new().await;
    it.provider.says(Some((503, "", "")));
    it.at(100);
    for _ in 0..3 {
        not_renewed(it.connection.force_refresh().await);
    }
    assert_eq!(it.provider.request_count(), 1);
}

/// A refusal is reported as uncertain: the attempt whose answer is lost may have spent the token.
#[tokio::test]
async fn a_refusal_after_a_lost_answer_is_told_as_that_and_is_final() {
    let it = Renewals::new().await;
    it.at(LIFE);
    it.provider.says(Some((503, "", "")));
    it.connection.verify().await.unwrap();
    // An answer that says nothing about the token leaves that open, too.
    it.provider.says(Some((403, "", "blocked")));
    it.at(LIFE + 60);
    it.connection.verify().await.unwrap();
    it.provider.lock().is_revoked = true;
    it.provider.says(None);
    it.at(LIFE + 600);
    let info = it.connection.verify().await.unwrap();
    assert_eq!((info.liveness, code(&info), it.provider.request_count()), (Liveness::Failing, Some(UNKNOWN), 3));
    assert_eq!(info.reason.unwrap().remedy.unwrap().as_str(), "authorize this connection again");
    it.at(LIFE + 90_000);
    it.connection.verify().await.unwrap();
    assert_eq!(it.provider.request_count(), 3, "nobody tries any more");
    not_renewed(it.connection.refresh().await);
    assert_eq!(it.provider.request_count(), 4, "a person's request is sent");
}

/// The refusal does not concern the grant, for example because the application's secret is wrong, which a person may
/// repair.
#[tokio::test]
async fn a_refusal_that_is_not_of_the_grant_is_told_and_tried_again() {
    let it = Renewals::new().await;
    it.provider.says(Some((401, "", r#"{"error":"invalid_client"}"#)));
    it.at(LIFE - 300);
    let info = it.connection.verify().await.unwrap();
    assert_eq!((info.liveness, code(&info)), (Liveness::Live, Some(reason::UNAUTHORIZED)), "it works, with the note");
    it.at(LIFE + 10);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Failing);
    it.provider.says(None);
    it.at(LIFE + 600);
    let info = it.connection.verify().await.unwrap();
    assert_eq!((info.liveness, code(&info)), (Liveness::Live, None));
}

#[tokio::test]
async fn a_recorded_answer_that_does_not_open_is_final() {
    let it = Renewals::new().await;
    sql::refuse(&it.world.database(), "INSERT ON connection_credential").await;
    it.at(LIFE);
    assert!(matches!(it.send().await, Err(Error::Store(_))));
    sql::refuse_no_more(&it.world.database()).await;
    let broken = sql::literal(b"what nobody wrote");
    assert_eq!(it.edit(&format!("UPDATE connection_exchange SET sealed = {broken}")).await, 1);
    for at in [0, 100, 90_000] {
        it.at(LIFE + at);
        let info = it.connection.verify().await.unwrap();
        assert_eq!((info.liveness, code(&info)), (Liveness::Failing, Some(UNKNOWN)), "{at}");
        not_renewed(it.connection.refresh().await);
        assert_eq!(it.provider.request_count(), 1, "{at}: there was an answer");
    }
}

/// Requests a refresh by that process, and returns the number of requests to the provider.
async fn asks(it: &Renewals, registry: &ConnectionRegistry) -> usize {
    let connection = registry.connection(it.connection.id()).await.unwrap();
    drop(connection.refresh().await);
    it.provider.request_count()
}

/// Setting a clock has the effect that the rows are older or younger by as much.
#[tokio::test]
async fn a_clock_that_is_set_ends_no_quarantine_for_a_process_that_starts_after_it() {
    for jump in [-86_400, -61, 61, 86_400, 30 * 86_400] {
        let it = Renewals::new().await;
        it.at(LIFE);
        it.provider.says(Some((503, "", "")));
        it.connection.verify().await.unwrap();
        it.provider.says(None);
        it.note_passes(jump).await;
        // Another process of this boot.
        let clock = it.world.clock.clone();
        clock.jump_to(connection_contract::Timestamp::from_seconds(it.world.now() + jump));
        let next = process(&it.world, &Renewing::new(), clock).await;
        assert_eq!(asks(&it, &next).await, 1, "{jump}");
        it.world.clock.advance(Duration::from_secs(59));
        assert_eq!(asks(&it, &next).await, 1, "{jump}");
        it.world.clock.advance(Duration::from_secs(1));
        assert_eq!(asks(&it, &next).await, 2, "{jump}: a quarantine is over when it is over");
    }
}

#[tokio::test]
async fn a_process_of_another_boot_waits_for_a_whole_quarantine_of_its_own() {
    let it = Renewals::new().await;
    it.at(LIFE);
    it.provider.says(Some((503, "", "")));
    it.connection.verify().await.unwrap();
    it.provider.says(None);
    it.note_passes(7_200).await;
    let clock = ManualClock::at(it.world.clock.now());
    let other = process(&it.world, &Renewing::new(), clock.clone()).await;
    assert_eq!(asks(&it, &other).await, 1, "what passed elsewhere is not known here");
    // A third process of that boot continues with what the second one recorded.
    clock.advance(Duration::from_secs(59));
    let third = process(&it.world, &Renewing::new(), clock.clone()).await;
    assert_eq!(asks(&it, &third).await, 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(asks(&it, &third).await, 2);
}

/// The request of a killed process outlives it, and so does the quarantine of an answer that never came.
#[tokio::test]
async fn an_answer_that_never_comes_is_waited_for_like_one_that_fails() {
    let it = Renewals::new().await;
    let issued = it.provider.clone();
    let silent = Arc::new(Mutex::new(2));
    it.world.provider(move |request| {
        let mut left = silent.lock().unwrap();
        if request.starts_with("POST /token") && *left > 0 {
            *left -= 1;
            return Reply::raw("");
        }
        issued.answer(request)
    });
    for at in [0, 60] {
        it.at(LIFE + at);
        assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Offline);
    }
    it.at(LIFE + 359);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Offline);
    it.at(LIFE + 360);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!((it.provider.request_count(), it.provider.lock().is_revoked), (1, false));
}
