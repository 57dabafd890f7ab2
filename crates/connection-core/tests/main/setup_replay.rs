//! A setup continues in any process from what is stored: no request is sent twice, and the plugin sees the same
//! results as before.

use std::{sync::Arc, time::Duration};

use connection_core::{ConnectionRegistry, SetupStage, SetupStep};

use crate::{
    inbound::{Inbound, returned},
    log,
    odd_plugin::{ODD, Odd},
    race_plugin::{RACE, race},
    test_host::{World, answers, code, me, step},
    test_server::Reply,
    user::{finish, labels, requests_to, set_up},
};

async fn open(world: &World, odd: &Odd, inbound: &Inbound) -> ConnectionRegistry {
    world.builder().kind(odd.clone()).inbound(Arc::new(inbound.clone())).open().await.unwrap()
}

/// Waits until the only session waits at that step, or has ended.
async fn until_at(registry: &ConnectionRegistry, no: u64) {
    loop {
        let setups = registry.setups().list().await.unwrap();
        assert!(setups.iter().all(|info| info.step <= no), "it is past that step: {setups:?}");
        if setups.iter().all(|info| info.step == no && info.stage == SetupStage::Waiting) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn another_process_goes_on_at_every_wait_and_repeats_nothing() {
    let world = World::new().await;
    let odd = Odd::new("whole");
    let inbound = Inbound::new();
    let first = open(&world, &odd, &inbound).await;
    let session = first.setups().begin(&ODD).await.unwrap();
    let id = session.id();
    step(&session).await;
    drop((session, first));
    world.clock.advance(Duration::from_secs(7));

    let second = open(&world, &odd, &inbound).await;
    let session = second.setups().resume(id).await.unwrap();
    let (no, shown) = step(&session).await;
    assert!(matches!(&shown, SetupStep::Prompt { fields, .. } if *fields[0].name == *"a"), "{shown:?}");
    session.advance(no, &answers(&[("a", "x")])).await.unwrap();
    assert!(matches!(step(&session).await, (2, SetupStep::Prompt { .. })));
    assert_eq!(requests_to(&world, "GET /odd"), 1);
    drop((session, second));

    let third = open(&world, &odd, &inbound).await;
    let session = third.setups().resume(id).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("b", "x")])).await.unwrap();
    until_at(&third, 3).await;
    world.clock.advance(Duration::from_secs(20));
    drop((session, third));

    let fourth = open(&world, &odd, &inbound).await;
    let session = fourth.setups().resume(id).await.unwrap();
    assert!(matches!(step(&session).await, (3, SetupStep::Notice { .. })));
    world.clock.advance(Duration::from_secs(39));
    assert_eq!(odd.seen().iter().filter(|line| line.starts_with("slept")).count(), 0, "its deadline is 60 s, not less");
    world.clock.advance(Duration::from_secs(1));
    while !odd.seen().iter().any(|line| line.starts_with("slept")) {
        tokio::task::yield_now().await;
    }
    // The wait looks the same as before, so the step is the same.
    until_at(&fourth, 3).await;
    drop((session, fourth));

    let fifth = open(&world, &odd, &inbound).await;
    fifth.setups().deliver(returned(&odd.seen()[1])).await.unwrap();
    let session = fifth.setups().resume(id).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(requests_to(&world, "GET /odd"), 2, "no request was repeated");
    assert_eq!(labels(&fifth).await.len(), 1);
    let uri = "https://host.example/callback/odd".to_owned();
    assert!(inbound.rebound().len() >= 4 && inbound.rebound().iter().all(|bound| *bound == uri));
    assert_eq!(odd.serialized.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_replay_gives_the_same_random_bytes_the_same_state_and_the_same_time() {
    let world = World::new().await;
    let odd = Odd::new("whole");
    let registry = open(&world, &odd, &Inbound::new()).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    for (no, field) in [(1, "a"), (2, "b")] {
        until_at(&registry, no).await;
        world.clock.advance(Duration::from_secs(10));
        session.advance(no, &answers(&[(field, "x")])).await.unwrap();
    }
    until_at(&registry, 3).await;
    let seen = odd.seen();
    assert_eq!(seen.len(), 2 + 4 + 4, "three runs");
    assert_eq!(seen[..2], seen[2..4]);
    assert_eq!(seen[2..6], seen[6..10]);
    let random = |line: &str| line.rsplit_once(' ').unwrap().1.to_owned();
    assert_eq!(random(&seen[0]).len(), 80);
    assert_ne!(random(&seen[0]), random(&seen[4]), "but no two draws of one run are the same");
    assert_ne!(random(&seen[0])[..16], random(&seen[0])[64..], "nor two parts of one draw");
    let time = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
    assert!(time(&seen[0]) < time(&seen[4]), "time passes where something was waited for");
    assert_eq!(time(&seen[4]), time(&seen[5]), "and stands still otherwise: the clock was not moved");
}

#[tokio::test]
async fn a_plugins_log_is_silent_while_its_setup_is_replayed() {
    log::begin();
    let world = World::new().await;
    let registry = world.open(Odd::new("log")).await;
    assert_eq!(code(&set_up(&registry, &ODD).await), "done Live");
    assert_eq!(log::lines_with("odd_began").len(), 1, "of three runs");
    assert_eq!(log::lines_with("odd_answered").len(), 1);
}

#[tokio::test]
async fn a_plugin_that_asks_something_else_in_the_replay_ends_the_setup() {
    let world = World::new().await;
    for (before, after) in
        [("ask a", "ask b"), ("ask a", "send"), ("ask twice", "ask a"), ("ask a", "none"), ("ask a", "confirm")]
    {
        let odd = Odd::new(before);
        let registry = world.open(odd.clone()).await;
        let session = registry.setups().begin(&ODD).await.unwrap();
        let (no, _) = step(&session).await;
        if before == "ask twice" {
            session.advance(no, &answers(&[("a", "x")])).await.unwrap();
            step(&session).await;
        }
        let Some((no, SetupStep::Prompt { fields, .. })) = session.current_step() else { panic!("it asks") };
        registry.kinds().replace(odd.then(after)).unwrap();
        session.advance(no, &answers(&[(&*fields[0].name, "x")])).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "setup_changed", "{before}, then {after}");
        assert!(labels(&registry).await.is_empty());
    }
    assert_eq!(requests_to(&world, "GET /odd"), 0);
}

#[tokio::test]
async fn a_wait_that_is_over_is_polled_again_and_again_at_the_price_of_a_request_each() {
    let world = World::new().await;
    world.provider(|request| match request.contains("by=poll") {
        true => Reply::whole(400, "", ""),
        false => me("1", "AB-CD"),
    });
    let registry = world.open(race()).await;
    let session = registry.setups().begin(&RACE).await.unwrap();
    step(&session).await;
    for polls in 1..=40 {
        until_at(&registry, 1).await;
        world.clock.advance(Duration::from_secs(5));
        world.server.until_asked(1 + polls).await;
    }
    until_at(&registry, 1).await;
    assert_eq!((requests_to(&world, "POST /token"), requests_to(&world, "POST /device")), (40, 1));
}

#[tokio::test]
async fn a_session_expires_fifteen_minutes_after_its_last_input() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask twice")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    step(&session).await;
    world.clock.advance(Duration::from_secs(14 * 60));
    session.advance(1, &answers(&[("a", "x")])).await.unwrap();
    step(&session).await;
    world.clock.advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(registry.setups().list().await.unwrap().len(), 1, "a second is left");
    world.clock.advance(Duration::from_secs(1));
    let refused = session.advance(2, &answers(&[("b", "x")])).await;
    assert!(matches!(refused, Err(connection_core::AdvanceError::Ended)), "{refused:?}");
    assert_eq!(code(&session.terminal().await.unwrap()), "setup_expired");
    assert!(registry.setups().list().await.unwrap().is_empty());
    let again = registry.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&again.terminal().await.unwrap()), "setup_expired", "it is told for a while");
}

#[tokio::test]
async fn a_session_expires_fifteen_minutes_after_the_deadline_that_it_waits_for() {
    let world = World::new().await;
    let registry = world.open(Odd::new("sleep an hour")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    step(&session).await;
    let setups = registry.setups().list().await.unwrap();
    assert_eq!(setups[0].expires_at.seconds(), crate::test_host::START + 3600 + 900);
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn a_session_that_nobody_opened_again_is_ended_by_whoever_looks() {
    let world = World::new().await;
    let first = world.open(Odd::new("ask a")).await;
    let session = first.setups().begin(&ODD).await.unwrap();
    let id = session.id();
    step(&session).await;
    drop((session, first));
    let second = world.open(Odd::new("ask a")).await;
    world.clock.advance(Duration::from_secs(15 * 60));
    assert!(second.setups().list().await.unwrap().is_empty());
    let session = second.setups().resume(id).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "setup_expired");
    world.clock.advance(Duration::from_secs(15 * 60));
    assert!(second.setups().list().await.unwrap().is_empty());
    drop(session);
    assert!(second.setups().resume(id).await.is_err(), "and forgotten in the end");
}

#[tokio::test]
async fn two_processes_at_one_session_make_one_connection() {
    let world = World::new().await;
    let odd = Odd::new("ask and send");
    let one = world.open(odd.clone()).await;
    let two = world.open(odd.clone()).await;
    let here = one.setups().begin(&ODD).await.unwrap();
    step(&here).await;
    let there = two.setups().resume(here.id()).await.unwrap();
    step(&there).await;
    let given = answers(&[("a", "x")]);
    let (a, b) = tokio::join!(here.advance(1, &given), there.advance(1, &given));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let winner = if a.is_ok() { &here } else { &there };
    assert_eq!(code(&winner.terminal().await.unwrap()), "done Live");
    assert_eq!(labels(&one).await.len(), 1);
    for registry in [&one, &two] {
        let again = registry.setups().resume(here.id()).await.unwrap();
        assert_eq!(code(&finish(&again).await.unwrap()), "done Live");
    }
}

#[tokio::test]
async fn a_slow_process_does_not_undo_what_another_one_did() {
    let world = World::new().await;
    let odd = Odd::new("callback later");
    let held = Inbound::held();
    let one = open(&world, &odd, &Inbound::new()).await;
    let two = open(&world, &odd, &held).await;
    let here = one.setups().begin(&ODD).await.unwrap();
    until_at(&one, 1).await;
    let there = two.setups().resume(here.id()).await.unwrap();
    while held.rebound().is_empty() {
        tokio::task::yield_now().await;
    }
    // It has read the journal, and is about to wait at a step that is over.
    here.advance(1, &answers(&[("a", "x")])).await.unwrap();
    until_at(&one, 2).await;
    held.let_go();
    while held.rebound().len() < 2 {
        tokio::task::yield_now().await;
    }
    while there.current_step().is_none_or(|(no, _)| no < 2) {
        assert_ne!(one.setups().list().await.unwrap()[0].step, 1, "it is where it was");
        tokio::task::yield_now().await;
    }
    until_at(&one, 2).await;
}
