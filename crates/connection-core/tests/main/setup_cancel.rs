//! Cancelling ends a setup and leaves nothing; dropping a handle only detaches.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use connection_core::{AdvanceError, DeliverError, SetupStep};

use crate::{
    inbound::{Inbound, returned, state},
    odd_plugin::{ODD, Odd},
    sql,
    test_host::{World, answers, code, step},
    user::labels,
};

/// R-INSEAM-029, R-INSEAM-032
#[tokio::test]
async fn a_cancelled_setup_leaves_nothing_and_tells_whoever_waits() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = world.builder().kind(odd.clone()).inbound(Arc::new(Inbound::new())).open().await.unwrap();
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, redirect) = step(&session).await;
    let waiting = session.clone();
    let (outcome, cancelled) = tokio::join!(waiting.terminal(), session.cancel());
    cancelled.unwrap();
    assert_eq!(code(&outcome.unwrap()), "cancelled");
    assert!(session.next_step().await.unwrap().is_none());
    assert!(session.current_step().is_none());
    assert!(matches!(session.advance(1, &[]).await, Err(AdvanceError::Ended)));
    assert!(matches!(registry.setups().deliver(returned(&state(&redirect))).await, Err(DeliverError::Gone)));
    assert!(labels(&registry).await.is_empty() && registry.setups().list().await.unwrap().is_empty());
    let left = "SELECT (SELECT count(*) FROM connection_setup_effect) + (SELECT count(*) FROM connection_setup \
                WHERE sealed_header IS NOT NULL OR sealed_step IS NOT NULL)";
    assert_eq!(sql::number(&world.database(), left).await, Some(0), "nor is the journal or the seed");
    session.cancel().await.unwrap();
    let again = registry.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&again.terminal().await.unwrap()), "cancelled");
    assert!(odd.seen().is_empty());
}

/// R-INSEAM-032
#[tokio::test]
async fn cancelling_drops_a_run_in_progress() {
    let world = World::new().await;
    let odd = Odd::new("hang");
    let registry = world.open(odd.clone()).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    odd.until_polled().await;
    assert!(!odd.dropped.load(SeqCst));
    session.cancel().await.unwrap();
    while !odd.dropped.load(SeqCst) {
        tokio::task::yield_now().await;
    }
    assert_eq!(code(&session.terminal().await.unwrap()), "cancelled");
    assert!(labels(&registry).await.is_empty());
}

#[tokio::test]
async fn a_setup_that_ended_is_left_as_it_is() {
    let world = World::new().await;
    let registry = world.open(Odd::new("none")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    session.terminal().await.unwrap();
    session.cancel().await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(labels(&registry).await.len(), 1);
    let again = registry.setups().resume(session.id()).await.unwrap();
    assert!(matches!(step(&again).await.1, SetupStep::Done { .. }));
    assert_eq!(code(&again.terminal().await.unwrap()), "done Live");
}

/// R-INSEAM-032
#[tokio::test]
async fn a_dropped_handle_only_detaches() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask a")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let id = session.id();
    step(&session).await;
    drop(session);
    let session = registry.setups().resume(id).await.unwrap();
    assert!(matches!(step(&session).await, (1, SetupStep::Prompt { .. })));
    session.advance(1, &answers(&[("a", "x")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn a_caller_that_goes_away_after_its_answer_loses_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = registry.setups().begin(&crate::acme::KIND).await.unwrap();
    step(&session).await;
    session.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
    drop(session);
    while !registry.setups().list().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(labels(&registry).await, ["ada"]);
}

/// R-INSEAM-032
#[tokio::test]
async fn an_ephemeral_setup_is_cancelled_when_its_last_handle_is_dropped() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask a")).await;
    let session = registry.setups().begin(&ODD).ephemeral().await.unwrap();
    let id = session.id();
    step(&session).await;
    let clone = session.clone();
    drop(session);
    assert!(matches!(clone.current_step(), Some((1, SetupStep::Prompt { .. }))), "one is left");
    assert_eq!(registry.setups().list().await.unwrap().len(), 1);
    let watcher = registry.setups().resume(id).await.unwrap();
    drop(clone);
    assert_eq!(code(&watcher.terminal().await.unwrap()), "cancelled");
    assert!(registry.setups().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_waiting_setup_keeps_no_registry_alive() {
    let world = World::new().await;
    let odd = Odd::new("sleep an hour");
    let registry = world.open(odd.clone()).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    step(&session).await;
    world.clock.until_asleep(1).await;
    let weak = registry.downgrade();
    drop((session, registry));
    // A task that has just begun, such as a write, holds it until that task ends.
    while weak.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
    // The timer is dropped with the registry, perhaps by another thread.
    world.clock.until_awake(0).await;
    world.clock.advance(Duration::from_secs(3600));
    let registry = world.open(odd.clone()).await;
    assert_eq!(registry.setups().list().await.unwrap().len(), 1, "nobody was there to end the wait");
}
