//! Watching events, of this process and of others: each event once, none lost, none of another owner.

use std::time::Duration;

use connection_contract::Liveness;
use connection_core::{ConnectionId, Error, Event, IdGenerator as _, UuidV7, Watch};
use uuid::Uuid;

use crate::{fake::Fake, sql, test_host::World};

/// Returns the next event, and lets time pass meanwhile.
async fn next(world: &World, watch: &mut Watch) -> Option<Result<Event, Error>> {
    loop {
        tokio::select! {
            biased;
            event = watch.next() => return event,
            () = tokio::task::yield_now() => world.clock.advance(Duration::from_millis(500)),
        }
    }
}

/// Returns the next events, as `number name`.
async fn next_events(world: &World, watch: &mut Watch, count: usize) -> Vec<String> {
    let mut events = Vec::new();
    for _ in 0..count {
        let event = next(world, watch).await.unwrap().unwrap();
        events.push(format!("{} {}", event.number, event.name));
    }
    events
}

#[tokio::test]
async fn a_watch_tells_what_every_process_does_once_and_from_now_on() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let other = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    let theirs = fake.connected(&registry.owner("u42").unwrap(), "ada").await;
    let mut watch = registry.events().watch().await.unwrap();
    let mut of_ada = registry.events().watch().connection(ada.id()).await.unwrap();
    fake.is(Liveness::Failing);
    // The same connection in another process.
    let there = other.connection(ada.id()).await.unwrap();
    there.verify().await.unwrap();
    theirs.verify().await.unwrap();
    let bob = fake.connected(&other, "bob").await;
    ada.rename("work").await.unwrap();
    assert_eq!(next_events(&world, &mut watch, 3).await, ["2 liveness_changed", "1 connected", "3 renamed"]);
    bob.make_default().await.unwrap();
    other.remove(ada.id()).await.unwrap();
    // The first connection was the default until then.
    let changed = ["2 default_changed", "4 default_changed", "5 removed"];
    assert_eq!(next_events(&world, &mut watch, 3).await, changed);
    let changed = ["2 liveness_changed", "3 renamed", "4 default_changed", "5 removed"];
    assert_eq!(next_events(&world, &mut of_ada, 4).await, changed);
    // The next event is new, so none was returned twice.
    bob.rename("last").await.unwrap();
    assert_eq!(next_events(&world, &mut watch, 1).await, ["3 renamed"]);
}

#[tokio::test]
async fn whoever_runs_the_program_watches_the_connections_of_all_owners_and_is_told_whose_they_are() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let other = world.open(fake.clone()).await;
    let theirs = fake.connected(&registry.owner("u42").unwrap(), "ada").await;
    let mut all = registry.events().watch().all_owners().await.unwrap();
    let mut own = registry.events().watch().await.unwrap();
    let mut of_theirs = registry.events().watch().all_owners().connection(theirs.id()).await.unwrap();
    let ours = fake.connected(&registry, "bob").await;
    // The rename is made in another process.
    other.owner("u42").unwrap().connection(theirs.id()).await.unwrap().rename("work").await.unwrap();
    let mut events = Vec::new();
    for _ in 0..2 {
        let event = next(&world, &mut all).await.unwrap().unwrap();
        events.push((event.owner, event.connection, event.name));
    }
    events.sort();
    let local = ("local", ours.id(), "connected");
    let u42 = ("u42", theirs.id(), "renamed");
    let expected = [local, u42].map(|(owner, id, name)| (owner.to_owned(), id, name.to_owned()));
    assert_eq!(events, expected);
    let event = next(&world, &mut of_theirs).await.unwrap().unwrap();
    assert_eq!((event.owner.as_str(), event.connection), ("u42", theirs.id()));
    let event = next(&world, &mut own).await.unwrap().unwrap();
    assert_eq!((event.owner.as_str(), event.connection), ("local", ours.id()), "the control");
}

#[tokio::test]
async fn a_watch_goes_on_behind_an_event_that_was_seen() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    ada.rename("a").await.unwrap();
    let seen = registry.events().list(None).await.unwrap().items;
    ada.rename("b").await.unwrap();
    let mut watch = registry.events().watch().since(seen[0].id).await.unwrap();
    assert_eq!(next_events(&world, &mut watch, 2).await, ["2 renamed", "3 renamed"]);
    ada.rename("c").await.unwrap();
    assert_eq!(next_events(&world, &mut watch, 1).await, ["4 renamed"]);
    let mut watch = registry.events().watch().since(seen[1].id).await.unwrap();
    assert_eq!(next_events(&world, &mut watch, 2).await, ["3 renamed", "4 renamed"]);
}

/// A process that waited for its turn commits an event whose id is earlier than one that was returned.
#[tokio::test]
async fn an_event_that_is_committed_late_is_told_once() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let mut watch = registry.events().watch().await.unwrap();
    let ada = fake.connected(&registry, "ada").await;
    assert_eq!(next_events(&world, &mut watch, 1).await, ["1 connected"]);
    let newest = registry.events().list(None).await.unwrap().items[0].id.as_uuid().as_u128();
    for seconds in [1_u128, 30, 59] {
        committed(&world, newest - ((seconds * 1000) << 80), "late").await;
        assert_eq!(next_events(&world, &mut watch, 1).await, ["1 late"], "{seconds} seconds");
    }
    ada.rename("last").await.unwrap();
    assert_eq!(next_events(&world, &mut watch, 1).await, ["2 renamed"]);
}

/// The event of a process whose clock is an hour ahead hides no later event.
#[tokio::test]
async fn an_event_from_the_future_hides_none_that_come_after_it() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    let mut watch = registry.events().watch().await.unwrap();
    let newest = registry.events().list(None).await.unwrap().items[0].id.as_uuid().as_u128();
    committed(&world, newest + (3_600_000 << 80), "early").await;
    assert_eq!(next_events(&world, &mut watch, 1).await, ["1 early"]);
    ada.rename("a").await.unwrap();
    assert_eq!(next_events(&world, &mut watch, 1).await, ["2 renamed"]);
    // A watcher that begins now gets the next event, too.
    let mut watch = registry.events().watch().await.unwrap();
    ada.rename("b").await.unwrap();
    assert_eq!(next_events(&world, &mut watch, 1).await, ["3 renamed"]);
}

/// Commits an event with that id, as another process would.
async fn committed(world: &World, id: u128, kind: &str) {
    let connection = ConnectionId::from(UuidV7::new().next());
    let sql = format!(
        "INSERT INTO connection_event (id, owner, connection_id, seq, at, kind, body, chain) \
         VALUES ({}, 'local', {}, 1, 0, '{kind}', '{{}}', {})",
        sql::id(ConnectionId::from(Uuid::from_u128(id))),
        sql::id(connection),
        sql::literal(&[0; 32])
    );
    sql::run(&world.database(), sql).await;
}

#[tokio::test]
async fn many_events_arrive_in_the_order_of_their_numbers() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    let mut watch = registry.events().watch().await.unwrap();
    for number in 0..20 {
        let mut renames = tokio::task::JoinSet::new();
        for other in 0..30 {
            let ada = ada.clone();
            renames.spawn(async move { ada.rename(format!("label-{number}-{other}")).await });
        }
        renames.join_all().await.into_iter().for_each(|renamed| drop(renamed.unwrap()));
    }
    for number in 2..602 {
        assert_eq!(next(&world, &mut watch).await.unwrap().unwrap().number, number);
    }
}

#[tokio::test]
async fn a_watch_ends_with_the_registry() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let mut watch = registry.events().watch().await.unwrap();
    registry.close().await;
    let error = next(&world, &mut watch).await.unwrap().unwrap_err();
    assert_eq!(error.code(), "registry_closed");
    assert!(next(&world, &mut watch).await.is_none());
    assert!(registry.events().watch().await.is_err());
}
