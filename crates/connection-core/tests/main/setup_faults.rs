//! Faulty plugins harm only their own session, which reports what they did.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use connection_core::{Outcome, RegisterError, SetupStep};

use crate::{
    acme::KIND,
    odd_plugin::{ODD, Odd},
    test_host::{World, code, connected, step},
    test_server::Reply,
    user::{finish, labels, requests_to, set_up},
};

/// R-INSEAM-022, R-INSEAM-033, R-INSEAM-038
#[tokio::test]
async fn every_fault_ends_only_its_own_session_with_a_code() {
    let world = World::new().await;
    let registry = world.acme().await;
    for (how, expected) in [
        ("panic", "plugin_panicked"),
        ("panic after wait", "plugin_panicked"),
        ("drop", "plugin_panicked"),
        ("drop after wait", "plugin_panicked"),
        ("join", "setup_concurrent"),
        ("join waits", "setup_concurrent"),
        ("join wait last", "setup_concurrent"),
        ("join late", "setup_concurrent"),
        ("select", "effect_abandoned"),
        ("abandon", "effect_abandoned"),
        ("swallow", "effect_abandoned"),
        ("shows", "setup_too_long"),
        ("notices at once", "setup_too_long"),
        ("long link", "setup_too_long"),
        ("undeclared", "undeclared_field"),
        ("undeclared address", "plugin_fault"),
        ("many", "too_many_fields"),
        ("nothing", "wait_without_end"),
        ("typo", "no_answer"),
        ("serialize", "credential_unwritable"),
    ] {
        registry.kinds().replace(Odd::new(how)).unwrap();
        assert_eq!(code(&set_up(&registry, &ODD).await), expected, "{how}");
    }
    assert!(labels(&registry).await.is_empty(), "nothing was kept");
    assert!(registry.setups().list().await.unwrap().is_empty(), "every session has ended");
    registry.kinds().replace(Odd::new("none")).unwrap();
    assert_eq!(code(&set_up(&registry, &ODD).await), "done Live", "the control: a plugin without fault");
    connected(&registry, "key-1").await;
}

#[tokio::test]
async fn a_panic_while_a_waiting_setup_is_dropped_ends_it_there() {
    let world = World::new().await;
    let registry = world.open(Odd::new("drop after wait")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, SetupStep::Failed(failure)) = step(&session).await else { panic!("it waits") };
    assert_eq!(failure.code, "plugin_panicked");
}

#[tokio::test]
async fn a_setup_ends_at_sixty_four_steps() {
    let world = World::new().await;
    let registry = world.open(Odd::new("endless")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    assert_eq!(code(&finish(&session).await.unwrap()), "setup_too_long");
    assert_eq!(session.current_step().unwrap().0, 66, "of which one is the end, and one was not shown");
}

#[tokio::test]
async fn a_setup_ends_at_a_thousand_effects_or_four_mebibytes() {
    let large = "x".repeat(1 << 20);
    for (body, requests) in [("", 1000), (large.as_str(), 4)] {
        let world = World::new().await;
        let body = body.to_owned();
        world.provider(move |_| Reply::ok(&body));
        let registry = world.open(Odd::new("endless requests")).await;
        assert_eq!(code(&set_up(&registry, &ODD).await), "setup_too_long");
        assert_eq!(requests_to(&world, "GET /odd"), requests);
    }
}

#[tokio::test]
async fn an_answer_that_no_journal_holds_ends_its_setup() {
    let world = World::new().await;
    let large = "x".repeat(17 << 20);
    world.provider(move |_| Reply::ok(&large));
    let policy = world.policy().body_limit(32 << 20);
    let registry = world.builder().http(policy).kind(Odd::new("send")).open().await.unwrap();
    assert_eq!(code(&set_up(&registry, &ODD).await), "setup_too_long");
}

#[tokio::test]
async fn an_answer_of_more_than_a_mebibyte_is_an_error_that_the_plugin_sees() {
    let world = World::new().await;
    world.provider(|_| Reply::flood("HTTP/1.1 200 OK\r\n\r\n", 10));
    let registry = world.open(Odd::new("large")).await;
    let Outcome::Failed(failure) = set_up(&registry, &ODD).await else { panic!("it was taken") };
    assert_eq!((&*failure.code, failure.message.as_str()), ("odd_large", "TooLarge"));
}

#[tokio::test]
async fn a_plugin_that_hangs_is_ended_after_a_minute() {
    let world = World::new().await;
    let odd = Odd::new("hang");
    let registry = world.open(odd.clone()).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    odd.until_polled().await;
    world.clock.until_asleep(2).await;
    world.clock.advance(Duration::from_secs(59));
    assert!(!odd.dropped.load(SeqCst) && session.current_step().is_none(), "a minute is not over yet");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(code(&session.terminal().await.unwrap()), "plugin_timeout");
    assert!(odd.dropped.load(SeqCst));
}

#[tokio::test]
async fn a_plugin_that_spins_is_told_as_a_timeout_and_holds_up_no_other() {
    let world = World::new().await;
    let odd = Odd::new("spin");
    let registry = world.builder().kind(odd.clone()).kind(crate::acme::Acme::default()).open().await.unwrap();
    let session = registry.setups().begin(&ODD).await.unwrap();
    odd.until_polled().await;
    world.clock.until_asleep(2).await;
    connected(&registry, "key-1").await;
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(code(&session.terminal().await.unwrap()), "plugin_timeout");
    assert!(registry.kinds().get(&KIND).is_some());
    odd.released.store(true, SeqCst);
}

#[tokio::test]
async fn a_notice_after_the_end_of_a_session_is_dropped() {
    let world = World::new().await;
    let odd = Odd::new("spin and show");
    let registry = world.open(odd.clone()).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    odd.until_polled().await;
    world.clock.until_asleep(2).await;
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(code(&session.terminal().await.unwrap()), "plugin_timeout");
    odd.released.store(true, SeqCst);
    while odd.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    let shown = session.current_step();
    assert!(matches!(shown, Some((_, SetupStep::Failed(_)))), "{shown:?}");
    assert_eq!(code(&session.terminal().await.unwrap()), "plugin_timeout");
}

/// R-INSEAM-018
#[tokio::test]
async fn a_wrong_or_second_descriptor_is_refused_and_the_first_one_goes_on() {
    let world = World::new().await;
    let registry = world.open(Odd::new("none")).await;
    let taken = registry.kinds().register(Odd::new("another name")).unwrap_err();
    let RegisterError::Taken { kind, holder, newcomer } = &taken else { panic!("{taken}") };
    assert_eq!((kind, holder.as_str(), newcomer.as_str()), (&ODD, "Odd", "Another"));
    for (how, expected) in [
        ("bad pattern", "descriptor_invalid"),
        ("bad origin", "descriptor_invalid"),
        ("field twice", "descriptor_invalid"),
        ("panic in descriptor", "plugin_panicked"),
    ] {
        assert_eq!(registry.kinds().replace(Odd::new(how)).unwrap_err().code(), expected, "{how}");
    }
    assert_eq!(code(&set_up(&registry, &ODD).await), "done Live", "the first one is untouched");
}
