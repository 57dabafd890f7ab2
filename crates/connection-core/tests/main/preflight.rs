//! Many connections verified at once: each gets its result, none waits for another, and no more probes run than
//! should.

use std::{collections::HashSet, time::Duration};

use connection_contract::{Kind, Liveness};
use connection_core::{Connection, ConnectionId, ConnectionRegistry, Error, Limits, UuidV7};
use connection_faults::write_lock::HeldLock;

use crate::{
    fake::{Deed, Fake, count, set},
    test_host::World,
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

/// Returns an id that no connection has.
fn unknown() -> ConnectionId {
    use connection_core::IdGenerator as _;
    UuidV7::new().next().to_string().parse().unwrap()
}

/// R-INSEAM-053
#[tokio::test]
async fn each_has_its_own_result_in_the_order_in_which_they_were_named() {
    let world = World::new().await;
    let fake = Fake::new();
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
    let world = World::new().await;
    let fake = Fake::new();
    let bad = Fake::of(Kind::from_static("bad"));
    let registry = world.builder().kind(fake.clone()).kind(bad.clone()).open().await.unwrap();
    let mut connections = many(&bad, &registry, 3).await;
    connections.extend(many(&fake, &registry, 3).await);
    for deed in [Deed::Panics, Deed::Bug, Deed::Offline] {
        set(&bad.verify, deed);
        let mut results = registry.preflight(ids(&connections));
        let mut live = 0;
        let mut all = HashSet::new();
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
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connections = many(&fake, &registry, 2).await;
    let a = connections[0].id();
    let b = connections[1].id();
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

/// R-INSEAM-053: in the order of completion, so a probe that hangs delays only its own result.
#[tokio::test]
async fn results_come_as_they_are_ready() {
    let world = World::new().await;
    let fake = Fake::new();
    let slow = Fake::of(Kind::from_static("slow"));
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
async fn no_more_than_sixteen_probes_of_one_provider_run_at_once() {
    let world = World::new().await;
    let fake = Fake::new();
    let well = Fake::of(Kind::from_static("well"));
    let registry = world.builder().kind(fake.clone()).kind(well.clone()).open().await.unwrap();
    let alone = well.connected(&registry, "alone").await;
    let connections = many(&fake, &registry, 40).await;
    fake.gate.close();
    let mut results = registry.preflight(ids(&connections));
    fake.gate.until_inside(16).await;
    // These run through the same tasks after any other probe, so every probe that could begin has begun.
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

/// R-INSEAM-053: more connections hang than there are permits for probes, and they are named first.
#[tokio::test]
async fn a_provider_that_hangs_delays_no_connection_of_another() {
    let world = World::new().await;
    let fake = Fake::new();
    let slow = Fake::of(Kind::from_static("slow"));
    let builder = world.builder().limits(Limits::new().verify_at_once(8).verify_per_provider(3));
    let registry = builder.kind(fake.clone()).kind(slow.clone()).open().await.unwrap();
    let hanging = many(&slow, &registry, 12).await;
    let quick = many(&fake, &registry, 12).await;
    slow.gate.close();
    let named: Vec<_> = ids(&hanging).into_iter().chain(ids(&quick)).collect();
    let mut results = registry.preflight(named);
    for _ in &quick {
        let (id, result) = results.next().await.unwrap();
        assert!(ids(&quick).contains(&id) && result.unwrap().liveness == Liveness::Live);
    }
    slow.gate.until_inside(3).await;
    // The limit belongs to the provider and is shared by all calls.
    let mut again = registry.preflight(ids(&quick));
    while let Some((_, result)) = again.next().await {
        result.unwrap();
    }
    assert_eq!((slow.gate.inside(), count(&fake.verified)), (3, 24));
    slow.gate.open();
    let mut late = HashSet::new();
    while let Some((id, result)) = results.next().await {
        result.unwrap();
        late.insert(id);
    }
    assert_eq!(late, ids(&hanging).into_iter().collect());
}

#[tokio::test]
async fn no_more_probes_run_at_once_than_the_host_says() {
    let world = World::new().await;
    let kinds = ["one", "two", "three", "four"].map(|kind| Fake::of(Kind::from_static(kind)));
    let builder = world.builder().limits(Limits::new().verify_at_once(5).verify_per_provider(2));
    let well = Fake::of(Kind::from_static("well"));
    let builder = kinds.iter().chain([&well]).fold(builder, |builder, kind| builder.kind(kind.clone()));
    let registry = builder.open().await.unwrap();
    let alone = well.connected(&registry, "alone").await;
    let mut named = Vec::new();
    for kind in &kinds {
        kind.gate.close();
        named.extend(ids(&many(kind, &registry, 4).await));
    }
    let mut results = registry.preflight(named);
    let inside = || kinds.iter().map(|kind| kind.gate.inside()).collect::<Vec<_>>();
    while inside().iter().sum::<usize>() < 5 {
        tokio::task::yield_now().await;
    }
    // These run through the same tasks after any other probe, so every probe that could begin has begun.
    for _ in 0..10 {
        alone.verify().await.unwrap();
    }
    let busy = inside();
    assert!(busy.iter().sum::<usize>() == 5 && busy.iter().all(|inside| *inside <= 2), "{busy:?}");
    kinds.iter().for_each(|kind| kind.gate.open());
    for _ in 0..16 {
        results.next().await.unwrap().1.unwrap();
    }
    assert!(results.next().await.is_none());
}

#[tokio::test]
async fn a_result_that_waits_for_the_store_holds_back_no_other_probe() {
    let world = World::new().await;
    let fake = Fake::new();
    let builder = world.builder().limits(Limits::new().verify_at_once(1));
    let registry = builder.kind(fake.clone()).open().await.unwrap();
    let connections = many(&fake, &registry, 3).await;
    let held = HeldLock::of_livenesses(&world.address());
    let mut results = registry.preflight(ids(&connections));
    while count(&fake.verified) < 3 {
        tokio::task::yield_now().await;
    }
    drop(held);
    for _ in 0..3 {
        assert_eq!(results.next().await.unwrap().1.unwrap().liveness, Liveness::Live);
    }
}

#[tokio::test]
async fn a_preflight_that_is_kept_and_not_drained_verifies_all() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connections = many(&fake, &registry, 40).await;
    let results = registry.preflight(ids(&connections));
    fake.until_began(40).await;
    assert_eq!(count(&fake.verified), 40);
    drop(results);
}

/// R-INSEAM-053
#[tokio::test]
async fn one_that_is_dropped_begins_no_more_probes() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connections = many(&fake, &registry, 40).await;
    fake.gate.close();
    let results = registry.preflight(ids(&connections));
    fake.gate.until_inside(16).await;
    drop(results);
    fake.gate.open();
    fake.gate.until_empty().await;
    // Probes that were begun end. This runs through the same tasks, so every probe that could begin has begun.
    for connection in &connections[..16] {
        connection.verify().await.unwrap();
    }
    let verified = count(&fake.verified);
    assert!((16..=32).contains(&verified), "{verified}");
}
