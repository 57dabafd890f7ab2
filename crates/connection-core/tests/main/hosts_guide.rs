//! A host that checks its connections and shows changes, as in the guide.

use std::{cell::RefCell, time::Duration};

use connection_contract::Liveness;
use connection_core::{Connection, ConnectionInfo, ConnectionRegistry, Error, Filter};

use crate::{fake::Fake, test_host::World};

// region: preflight
/// Verifies all connections of the registry's owner, and returns those that do not work.
async fn broken(registry: &ConnectionRegistry) -> Result<Vec<ConnectionInfo>, Error> {
    let mut ids = Vec::new();
    let mut filter = Filter::new();
    loop {
        let page = registry.list_connections(filter).await?;
        ids.extend(page.items.iter().map(|connection| connection.id));
        let Some(next) = page.next else { break };
        filter = Filter::new().after(next);
    }
    let mut broken = Vec::new();
    let mut results = registry.preflight(ids);
    while let Some((_, result)) = results.next().await {
        match result {
            Ok(connection) if connection.liveness == Liveness::Live => {}
            Ok(connection) => broken.push(connection),
            // The connection was removed after it was listed.
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(broken)
}
// end: preflight

// region: changes
/// Calls `show` with each change of the connection, until it is removed.
async fn follow(connection: &Connection, mut show: impl FnMut(Liveness, Option<String>)) {
    let mut changes = connection.on_liveness_change();
    while let Some(change) = changes.next().await {
        show(change.liveness, change.reason.map(|reason| reason.message.to_string()));
    }
}
// end: changes

// region: watch
/// Calls `show` with what happens to the connections of the registry's owner, whichever process causes it.
async fn watch(registry: &ConnectionRegistry, mut show: impl FnMut(&str)) -> Result<(), Error> {
    let mut events = registry.events().watch().await?;
    while let Some(event) = events.next().await {
        show(&event?.name);
    }
    Ok(())
}
// end: watch

#[tokio::test]
async fn a_host_as_the_guide_has_it_finds_what_is_broken_and_follows_changes() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    fake.connected(&registry, "bob").await;
    assert_eq!(broken(&registry).await.unwrap().len(), 0);

    let mut seen = Vec::new();
    fake.is(Liveness::Failing);
    let removal = async {
        assert_eq!(broken(&registry).await.unwrap().len(), 2);
        registry.remove(ada.id()).await.unwrap();
    };
    tokio::join!(follow(&ada, |liveness, reason| seen.push((liveness, reason.is_some()))), removal);
    assert_eq!(seen, [(Liveness::Failing, true)]);
}

#[tokio::test]
async fn a_host_as_the_guide_has_it_watches_what_another_process_does() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let other = world.open(fake.clone()).await;
    let ada = fake.connected(&other, "ada").await;
    let seen = RefCell::new(Vec::new());
    // An event from before the beginning of the watch is not reported, so the other process continues until one is.
    let renames = async {
        let mut number = 0;
        while seen.borrow().is_empty() {
            number += 1;
            ada.rename(format!("label-{number}")).await.unwrap();
            world.clock.advance(Duration::from_millis(500));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        result = watch(&registry, |name| seen.borrow_mut().push(name.to_owned())) => result.unwrap(),
        () = renames => {}
    }
    assert!(seen.borrow().iter().all(|name| name == "renamed"), "{seen:?}");
}
