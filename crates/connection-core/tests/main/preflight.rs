//! Many connections verified at once: each has its result, none waits for another, and no more run than should.

use std::{collections::HashSet, time::Duration};

use connection_contract::{Kind, Liveness};
use connection_core::{Connection, ConnectionId, ConnectionRegistry, Error, UuidV7};

use crate::{
    fake::{Deed, Fake, count, set},
    world::World,
};

async fn many(fake: &Fake, registry: &ConnectionRegistry, how_many: usize) -> Vec<Connection> {
    let mut made = Vec::new();
    for name in 0..how_many {
        made.push(fake.connected(registry, &format!("account-{name}")).await);
    }
    made
}

fn ids(connections: &[Connection]) -> Vec<ConnectionId> {
    connections.iter().map(Connection::id).collect()
}

/// An id that nobody has.
fn unknown() -> ConnectionId {
    use connection_core::IdGenerator as _;
    UuidV7::new().next().to_string().parse().unwrap()
}

/// R-INSEAM-053
#[tokio::test]
async fn each_has_its_own_result_in_the_order_in_which_they_were_named() {
    let (world, fake) = (World::new().await, Fake::new());
    let registry = world.open(fake.clone()).await;
    let connections = many(&fake, &registry, 5).await;
    let mut named = ids(&connections);
    named.reverse();
    let nobody = unknown();
    named.insert(2, nobody);
    let mut results = registry.preflight(named.clone()).in_order();
    for id in named {
        let (of, result) = results.next().await.unwrap();
        assert_eq!(of, id);
        match result {
            Ok(info) => assert_eq!((info.id, info.liveness), (id, Liveness::Live)),
            Err(error) => assert!(id == nobody && matches!(error, Error::NotFound(of) if of == nobody)),
        }
    }
    assert!(results.next().await.is_none());
    assert!(results.next().await.is_none());
}

/// R-INSEAM-053
#[tokio::test]
async fn one_that_fails_stops_no_other() {
    let (world, fake, bad) = (World::new().await, Fake::new(), Fake::of(Kind::from_static("bad")));
    let registry = world.builder().kind(fake.clone()).kind(bad.clone()).open().await.unwrap();
    let mut connections = many(&bad, &registry, 3).await;
    connections.extend(many(&fake, &registry, 3).await);
    for deed in [Deed::Panics, Deed::Bug, Deed::Offline] {
        set(&bad.verify, deed);
        let mut results = registry.preflight(ids(&connections));
        let (mut live, mut all) = (0, HashSet::new());
        while let Some((id, result)) = results.next().await {
            live += usize::from(result.is_ok_and(|info| info.liveness == Liveness::Live));
            all.insert(id);
        }
        assert_eq!((live, all.len()), (3, 6));
    }
}

/// R-INSEAM-053
#[tokio::test]
async fn one_that_is_named_twice_is_verified_once() {
    let (world, fake) = (World::new().await, Fake::new());
    let registry = world.open(fake.clone()).await;
    let connections = many(&fake, &registry, 2).await;
    let (a, b) = (connections[0].id(), connections[1].id());
    let mut results = registry.preflight([a, b, a, a, b]).in_order();
    let mut order = Vec::new();
    while let Some((id, result)) = results.next().await {
        result.unwrap();
        order.push(id);
    }
    assert_eq!(order, [a, b]);
    assert_eq!(count(&fake.verified), 2);
    assert!(registry.preflight([]).next().await.is_none());
}

/// R-INSEAM-053: as they come, so one that hangs holds back nothing but itself.
#[tokio::test]
async fn results_come_as_they_are_ready() {
    let (world, fake, slow) = (World::new().await, Fake::new(), Fake::of(Kind::from_static("slow")));
    let registry = world.builder().kind(fake.clone()).kind(slow.clone()).open().await.unwrap();
    let hanging = slow.connected(&registry, "slow").await;
    let quick = many(&fake, &registry, 20).await;
    set(&slow.verify, Deed::Hangs);
    let mut named = vec![hanging.id()];
    named.extend(ids(&quick));
    let mut results = registry.preflight(named);
    for _ in &quick {
        assert_ne!(results.next().await.unwrap().0, hanging.id());
    }
    slow.until_began(1).await;
    world.clock.advance(Duration::from_secs(60));
    let (id, result) = results.next().await.unwrap();
    assert_eq!((id, result.unwrap().liveness), (hanging.id(), Liveness::Failing));
    assert!(results.next().await.is_none());
}

/// R-INSEAM-053
#[tokio::test]
async fn no_more_than_sixteen_probes_run_at_once() {
    let (world, fake, well) = (World::new().await, Fake::new(), Fake::of(Kind::from_static("well")));
    let registry = world.builder().kind(fake.clone()).kind(well.clone()).open().await.unwrap();
    let alone = well.connected(&registry, "alone").await;
    let connections = many(&fake, &registry, 40).await;
    fake.gate.close();
    let mut results = registry.preflight(ids(&connections));
    fake.gate.until_inside(16).await;
    // These go through the same tasks behind whatever would begin, so it has begun.
    for _ in 0..10 {
        alone.verify().await.unwrap();
    }
    assert_eq!(fake.gate.inside(), 16);
    fake.gate.open();
    let mut seen = 0;
    while let Some((_, result)) = results.next().await {
        result.unwrap();
        seen += 1;
    }
    assert_eq!(seen, 40);
    assert_eq!(count(&fake.verified), 40);
}

/// R-INSEAM-053
#[tokio::test]
async fn one_that_is_dropped_begins_no_more_probes() {
    let (world, fake) = (World::new().await, Fake::new());
    let registry = world.open(fake.clone()).await;
    let connections = many(&fake, &registry, 40).await;
    fake.gate.close();
    let results = registry.preflight(ids(&connections));
    fake.gate.until_inside(16).await;
    drop(results);
    fake.gate.open();
    fake.gate.until_empty().await;
    // What was begun ends; that goes through the same tasks, so whatever would begin has begun.
    for connection in &connections[..16] {
        connection.verify().await.unwrap();
    }
    let verified = count(&fake.verified);
    assert!((16..=32).contains(&verified), "{verified}");
}
