//! A callback must arrive at the redirect URI of its kind and from the browser that began the setup. That browser
//! learns the outcome, and an observer cannot resume anything.

use std::sync::Arc;

use connection_contract::{Kind, Secret};
use connection_core::{Callback, ConnectionRegistry, DeliverError, SessionId, SetupStep};

use crate::{
    acme::KIND,
    inbound::{Inbound, returned, state},
    odd_plugin::{ODD, Odd},
    test_host::{World, answers, code, step},
    test_server::Reply,
    user::looked,
};

async fn open(world: &World, odd: &Odd) -> ConnectionRegistry {
    world.builder().kind(odd.clone()).inbound(Arc::new(Inbound::new())).open().await.unwrap()
}

/// RFC 9700, section 4.4.2.2 (S3)
#[tokio::test]
async fn a_callback_at_the_address_of_another_kind_changes_nothing() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, shown) = step(&session).await;
    let other = Callback::new(returned(&state(&shown))).at(Kind::from_static("other"));
    let refused = registry.setups().deliver(other).await.unwrap_err();
    assert!(matches!(refused, DeliverError::OtherKind), "{refused:?}");
    assert_eq!((refused.http_status(), refused.code()), (404, "callback_other_kind"));
    assert!(odd.seen().is_empty());
    registry.setups().deliver(Callback::new(returned(&state(&shown))).at(ODD)).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

/// S4, S15: the browser that began ends the setup, in any process.
#[tokio::test]
async fn a_callback_from_another_browser_changes_nothing() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let other = open(&world, &odd).await;
    let session = registry.setups().begin(&ODD).browser(Secret::from("browser-a")).await.unwrap();
    let (_, shown) = step(&session).await;
    let from = |proofs: &[&str]| {
        let proofs = proofs.iter().map(|proof| Secret::from(*proof)).collect();
        Callback::new(returned(&state(&shown))).browser(proofs)
    };
    for foreign in [from(&[]), from(&["browser-b"]), from(&["", "browser-A", "browser-a "])] {
        let refused = other.setups().deliver(foreign).await.unwrap_err();
        assert!(matches!(refused, DeliverError::OtherBrowser), "{refused:?}");
        assert_eq!((refused.http_status(), refused.code()), (403, "callback_other_browser"));
    }
    assert!(odd.seen().is_empty());
    other.setups().deliver(from(&["browser-b", "browser-a"])).await.unwrap();
    assert_eq!(code(&looked(&world, session.terminal()).await.unwrap()), "done Live");
}

#[tokio::test]
async fn a_setup_that_was_begun_in_no_browser_takes_its_callback_from_any() {
    let world = World::new().await;
    let registry = open(&world, &Odd::new("redirect")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, shown) = step(&session).await;
    registry.setups().deliver(Callback::new(returned(&state(&shown))).browser(vec!["browser-b".into()])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn the_reference_of_a_callback_finds_its_session_in_any_process_for_ten_minutes() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let other = open(&world, &odd).await.owner("bob").unwrap();
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, shown) = step(&session).await;
    let delivered = registry.setups().deliver(returned(&state(&shown))).await.unwrap();
    assert_eq!(delivered.session.id(), session.id());
    session.terminal().await.unwrap();
    let found = other.setups().delivered(&ODD, &delivered.reference).await.unwrap();
    assert_eq!((found.id(), &*code(&found.terminal().await.unwrap())), (session.id(), "done Live"));
    assert_ne!(delivered.reference, state(&shown));
    let refused = [(ODD, "00".repeat(32)), (ODD, state(&shown)), (ODD, String::new())];
    for (kind, reference) in refused.into_iter().chain([(Kind::from_static("other"), delivered.reference.clone())]) {
        let error = other.setups().delivered(&kind, &reference).await.unwrap_err();
        assert!(matches!(error, DeliverError::Unknown), "{kind} {reference}: {error:?}");
    }
    world.clock.advance(std::time::Duration::from_secs(10 * 60));
    assert!(matches!(other.setups().delivered(&ODD, &delivered.reference).await, Err(DeliverError::Unknown)));
}

#[tokio::test]
async fn looking_at_a_setup_that_waits_for_a_network_does_not_ask_again() {
    let world = World::new().await;
    world.provider(|_| Reply::whole(503, "", ""));
    let registry = world.acme().await;
    let other = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    assert!(matches!(step(&session).await.1, SetupStep::Notice { .. }));
    let sent = world.server.requests().len();
    for registry in [&registry, &other] {
        let looking = registry.setups().get(session.id()).await.unwrap();
        assert!(matches!(step(&looking).await.1, SetupStep::Notice { .. }));
    }
    assert_eq!(world.server.requests().len(), sent);
    registry.setups().resume(session.id()).await.unwrap();
    world.server.until_asked(sent + 1).await;
    assert!(registry.owner("bob").unwrap().setups().get(session.id()).await.is_err(), "it is of another owner");
    let unknown: SessionId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    assert_eq!(registry.setups().get(unknown).await.unwrap_err().code(), "setup_not_found");
}

#[tokio::test]
async fn an_endpoint_learns_when_no_setup_waits_for_a_callback() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let watching = open(&world, &odd).await;
    let other = watching.downgrade();
    other.wait_for_callbacks().await.unwrap();
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, shown) = step(&session).await;
    let mut over = Box::pin(other.wait_for_callbacks());
    let waiting = async {
        // While nothing changes, the wait does not end, however long it takes.
        for _ in 0..20 {
            world.clock.advance(std::time::Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        over = &mut over => panic!("a setup still waits: {over:?}"),
        () = waiting => {}
    }
    registry.setups().deliver(returned(&state(&shown))).await.unwrap();
    // In any order: the callback is no longer waited for once it was taken.
    let (ended, over) = tokio::join!(session.terminal(), looked(&world, over));
    over.unwrap();
    assert_eq!(code(&ended.unwrap()), "done Live");
}

#[tokio::test]
async fn a_weak_registry_keeps_nothing_open() {
    let world = World::new().await;
    let registry = open(&world, &Odd::new("redirect")).await;
    let weak = registry.downgrade();
    assert!(weak.upgrade().is_some_and(|same| same.kinds().get(&ODD).is_some()));
    drop(registry);
    assert!(weak.upgrade().is_none());
}

/// Every process of a store can compute the proof, and no other program can.
#[tokio::test]
async fn a_proof_is_the_same_in_every_process_of_a_store_and_in_no_other() {
    let world = World::new().await;
    let elsewhere = World::new().await;
    let odd = Odd::new("redirect");
    let one = open(&world, &odd).await;
    let two = open(&world, &odd).await;
    let three = open(&elsewhere, &odd).await;
    assert_eq!(one.receiver().callback_proof("c"), two.receiver().callback_proof("c"));
    assert_ne!(one.receiver().callback_proof("c"), one.receiver().callback_proof("d"));
    assert_ne!(one.receiver().callback_proof("c"), three.receiver().callback_proof("c"));
}
