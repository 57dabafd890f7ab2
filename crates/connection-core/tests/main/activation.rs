//! A kind is activated once for each registration, in the background. Its failures affect nothing else.

use std::sync::Arc;

use connection_contract::{ServiceError, prelude::*};
use connection_core::ConnectionRegistry;

use crate::{
    fake::{Deed, set},
    log,
    service_kind::{Act, Borrower, LENT, begin_setup, named},
    test_host::{World, code, outlasted},
};

async fn open(world: &World, plugin: &Borrower) -> ConnectionRegistry {
    world.open(plugin.clone()).await
}

/// R-JACK-030
#[tokio::test]
async fn a_kind_is_activated_once_for_each_registration_whenever_it_is_registered() {
    let world = World::new().await;
    let first = Borrower::new([]);
    let second = Borrower::new([]);
    let registry = open(&world, &first).await;
    first.until_activated(1).await;
    registry.kinds().replace(second.clone()).unwrap();
    second.until_activated(1).await;
    assert!(registry.kinds().unregister(&LENT));
    registry.kinds().register(second.clone()).unwrap();
    second.until_activated(2).await;
    assert_eq!((first.activations(), second.activations()), (1, 2));
}

/// R-JACK-030, R-JACK-031
#[tokio::test]
async fn a_kind_that_cannot_be_activated_stays_and_is_told_of_without_its_words() {
    log::begin();
    for (deed, why) in [(Deed::Bug, "plugin_fault"), (Deed::Unavailable, "service"), (Deed::Panics, "plugin_panicked")]
    {
        let world = World::new().await;
        let plugin = Borrower::new([]);
        set(&plugin.deed, deed);
        let before = log::lines_with(&format!("why=\"{why}\"")).len();
        let registry = open(&world, &plugin).await;
        plugin.until_activated(1).await;
        while log::lines_with(&format!("why=\"{why}\"")).len() == before {
            tokio::task::yield_now().await;
        }
        assert_eq!(code(&named(&begin_setup(&registry).await, "ada").await), "done Live");
    }
    let lines = log::lines_with("could not be activated");
    assert!(lines.iter().all(|line| !line.contains("told so")), "{lines:?}");
}

/// R-JACK-030
#[tokio::test]
async fn registering_does_not_wait_and_one_that_hangs_is_dropped_at_its_deadline() {
    log::begin();
    let world = World::new().await;
    let plugin = Borrower::new([]);
    set(&plugin.deed, Deed::Hangs);
    let registry = open(&world, &plugin).await;
    plugin.until_activated(1).await;
    assert_eq!(code(&named(&begin_setup(&registry).await, "ada").await), "done Live");
    let timed_out = || log::lines_with("why=\"plugin_timeout\"").len();
    let before = timed_out();
    let logged = tokio::runtime::Handle::current().spawn(async move {
        while timed_out() == before {
            tokio::task::yield_now().await;
        }
    });
    outlasted(&world, logged).await;
    drop(registry);
}

#[tokio::test]
async fn an_activation_under_way_ends_with_its_kind_and_its_handle_leads_nowhere() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    set(&plugin.deed, Deed::Hangs);
    let registry = open(&world, &plugin).await;
    plugin.until_activated(1).await;
    assert_eq!(plugin.act(Act::Put("a", "1")).await, "Ok(())");
    assert!(registry.kinds().unregister(&LENT));
    assert_eq!(plugin.act(Act::Get("a")).await, format!("{:?}", Err::<(), _>(ServiceError::Unavailable)));
    // Only this test holds the definition again.
    while Arc::strong_count(&plugin.alive) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_handle_keeps_no_registry_that_its_host_has_dropped() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let registry = open(&world, &plugin).await;
    plugin.until_activated(1).await;
    registry.close().await;
    drop(registry);
    while Arc::strong_count(&plugin.alive) > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(plugin.act(Act::Get("a")).await, "Err(Unavailable)");
}
