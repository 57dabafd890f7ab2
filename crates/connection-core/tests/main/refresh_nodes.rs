//! Two nodes with one database: each handles the attempts of its own processes, and leaves those of the other alone
//! while that node gives signs of life.

use std::{sync::Arc, time::Duration};

use connection_contract::{Clock as _, Liveness, RefreshSemantics, reason};
use connection_core::{ConnectionRegistry, Error, Limits, ManualClock};

use crate::{
    renewing::{LIFE, Renewals, Renewing, run},
    sql,
    test_host::database_clock,
};

const UNKNOWN: &str = reason::REFRESH_OUTCOME_UNKNOWN;
const ALL: [RefreshSemantics; 3] =
    [RefreshSemantics::Strict, RefreshSemantics::Grace(Duration::from_secs(60)), RefreshSemantics::Stable];

/// Opens a process on the node of that name, which has a separate boot.
async fn on_node(it: &Renewals, name: &str, clock: &ManualClock) -> ConnectionRegistry {
    let builder = it.world.builder().clock(Arc::new(clock.clone())).limits(Limits::new().hot_rows(Duration::ZERO));
    let state = it.world.directory.path().join(name);
    builder.state_directory(state).kind(it.plugin.clone()).open().await.unwrap()
}

/// A process on that node sends a token and is killed before it knows the result: the rows are as they were then,
/// and its lease has expired.
async fn killed(it: &Renewals, name: &str, clock: &ManualClock) {
    let registry = on_node(it, name, clock).await;
    it.provider.says(Some((503, "", "")));
    let connection = registry.connection(it.connection.id()).await.unwrap();
    assert!(connection.refresh().await.is_err());
    it.provider.says(None);
    it.edit("DELETE FROM connection_exchange_look").await;
    it.edit("UPDATE connection_exchange SET concluded_at = NULL").await;
    it.edit("UPDATE connection_credential SET refresh_at = 1000, refresh_failures = 0, refresh_reason = NULL").await;
    it.edit("UPDATE connection_liveness SET liveness = 'live', reason = NULL").await;
    registry.close().await;
}

#[tokio::test]
async fn a_refresh_that_was_killed_on_one_node_is_made_again_within_two_minutes() {
    for semantics in ALL {
        for is_there in [true, false] {
            let case = format!("{semantics:?}, a process of that node is there: {is_there}");
            let it = Renewals::of(Renewing::of(semantics)).await;
            it.at(LIFE);
            let clocks = [0, 1].map(|_| ManualClock::at(it.world.clock.now()));
            killed(&it, "a", &clocks[0]).await;
            let b = on_node(&it, "b", &clocks[1]).await;
            let mut running = vec![run(&b)];
            if is_there {
                running.push(run(&on_node(&it, "a", &clocks[0]).await));
            }
            let is_stable = semantics == RefreshSemantics::Stable;
            let patience = if is_there || is_stable { 600 } else { 300 };
            let mut passed = 0;
            while it.number("generation").await == 1 && passed < patience {
                passed += 5;
                for clock in &clocks {
                    clock.advance(Duration::from_secs(5));
                }
                it.note_passes(5).await;
                settled(&it).await;
            }
            assert_eq!(it.number("generation").await == 2, is_there || is_stable, "{case}, {passed}");
            assert_eq!(it.provider.request_count(), if is_there || is_stable { 2 } else { 1 }, "{case}");
            if is_there {
                // Five seconds until it is found, a quarantine, and one more for a boot that saw the end late.
                assert!(passed <= 130, "{case}: {passed}");
            }
            assert!(!it.provider.lock().is_revoked, "{case}");
        }
    }
}

/// Waits until no background task runs.
async fn settled(it: &Renewals) {
    sql::look_on(&it.world.database(), 1, 400, || ()).await;
}

#[tokio::test]
async fn a_node_counts_no_failure_while_the_sender_on_another_node_gives_signs() {
    let it = Renewals::new().await;
    it.at(LIFE);
    let clock = ManualClock::at(it.world.clock.now());
    killed(&it, "a", &clock).await;
    let events = it.events().await;
    let b = on_node(&it, "b", &clock).await;
    let connection = b.connection(it.connection.id()).await.unwrap();
    let recheck = async || match connection.refresh().await {
        Err(Error::NotRenewed { why, .. }) => why.recheck_after.unwrap().as_secs(),
        other => panic!("{other:?}"),
    };
    let signs = format!("UPDATE connection_exchange SET seen_at = {}", database_clock());
    for _ in 0..3 {
        it.edit(&signs).await;
        let seconds = recheck().await;
        assert!((1..=3).contains(&seconds), "{seconds}");
    }
    for _ in 0..2 {
        it.edit(&signs).await;
        let used = crate::renewing::send(&connection).await;
        assert!(matches!(used, Err(Error::NotRenewed { .. })), "a token that has ended is not used: {used:?}");
    }
    assert_eq!(it.credential("refresh_failures").await, Some(0));
    assert_eq!(it.events().await, events, "nothing has failed yet");
    // No further sign of life arrives.
    it.note_passes(3).await;
    clock.advance(Duration::from_secs(3));
    let seconds = recheck().await;
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(it.credential("refresh_failures").await, Some(1));
    assert_eq!(it.provider.request_count(), 1);
}

#[tokio::test]
async fn a_use_names_the_machine_that_died_in_a_refresh_and_both_ways_out() {
    let it = Renewals::new().await;
    it.at(LIFE);
    let clock = ManualClock::at(it.world.clock.now());
    killed(&it, "a", &clock).await;
    it.edit("UPDATE connection_exchange SET machine = 'node-a'").await;
    it.note_passes(5).await;
    let b = on_node(&it, "b", &clock).await;
    let connection = b.connection(it.connection.id()).await.unwrap();
    let told = async || match crate::renewing::send(&connection).await {
        Err(Error::NotRenewed { why, .. }) => {
            (why.reason.message.to_string(), why.reason.remedy.map(|remedy| remedy.to_string()).unwrap_or_default())
        }
        other => panic!("{other:?}"),
    };
    let (message, remedy) = told().await;
    let sender = "a refresh token may have been used: it was sent by a process on the machine 'node-a', which has given \
                  no sign of life since 2";
    assert!(message.starts_with(sender), "{message}");
    let wait = "authorize this connection again now, or wait until that machine runs again, whose processes conclude \
                the attempt; the next attempt is at 2";
    assert!(remedy.starts_with(wait) && remedy.ends_with("the token is sent again after 24 hours"), "{remedy}");
    assert_eq!(told().await, (message, remedy), "so is every later use");
    // Nobody is asked to act for a machine that may only be slow.
    let info = b.connection(it.connection.id()).await.unwrap().info().clone();
    assert_eq!((info.liveness, info.reason.unwrap().remedy), (Liveness::Offline, None));
    // The machine runs again.
    let _a = on_node(&it, "a", &clock).await;
    let plan = sql::texts(&it.world.database(), "SELECT refresh_reason FROM connection_credential").await;
    assert!(plan[0].contains("the answer of api.acme.example was lost"), "{plan:?}");
    assert_eq!(it.provider.request_count(), 1);
}

#[tokio::test]
async fn a_token_that_works_is_used_on_while_nobody_knows_of_the_next_one() {
    let it = Renewals::new().await;
    it.at(LIFE - 100);
    let clock = ManualClock::at(it.world.clock.now());
    killed(&it, "a", &clock).await;
    it.note_passes(5).await;
    let b = on_node(&it, "b", &clock).await;
    let connection = b.connection(it.connection.id()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(crate::renewing::send(&connection).await.unwrap(), 200);
        settled(&it).await;
    }
    assert_eq!(it.provider.request_count(), 1);
}

#[tokio::test]
async fn a_connection_is_not_live_without_a_note_when_an_answer_died_with_its_process() {
    let it = Renewals::new().await;
    it.at(100);
    let clock = ManualClock::at(it.world.clock.now());
    killed(&it, "a", &clock).await;
    let seen_on = async |name: &str| {
        let registry = on_node(&it, name, &clock).await;
        let info = registry.connection(it.connection.id()).await.unwrap().info().clone();
        (info.liveness, info.reason.map(|reason| reason.code.to_string()))
    };
    assert_eq!(seen_on("b").await, (Liveness::Live, None), "another node cannot know");
    assert_eq!(seen_on("a").await, (Liveness::Live, Some(UNKNOWN.to_owned())));
    assert_eq!(seen_on("b").await, (Liveness::Live, Some(UNKNOWN.to_owned())));
    let told = it.registry.connection(it.connection.id()).await.unwrap().info().reason.clone().unwrap();
    let lost = "a refresh token may have been used: the answer of api.acme.example was lost";
    assert_eq!((told.message.as_str(), it.provider.request_count()), (lost, 1));
}
