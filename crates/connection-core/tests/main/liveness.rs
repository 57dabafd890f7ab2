//! The stream of a connection's changes: sent after the commit, in order, in this process, to every subscriber.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use connection_contract::{Liveness, Timestamp};
use connection_core::{Connection, Error, LivenessChanges};
use futures_core::Stream as _;

use crate::{
    fake::{Fake, count},
    sql,
    test_host::World,
};

/// Sets each liveness in turn, and verifies until the result is known.
async fn go_through(fake: &Fake, connection: &Connection, livenesses: &[Liveness]) {
    for liveness in livenesses {
        fake.is(*liveness);
        assert_eq!(connection.verify().await.unwrap().liveness, *liveness);
    }
}

/// Returns the changes so far. A published change is in the queue when `verify` returns.
fn so_far(changes: &mut LivenessChanges) -> Vec<(Liveness, Liveness)> {
    let mut found = Vec::new();
    while let Poll::Ready(Some(change)) = Pin::new(&mut *changes).poll_next(&mut Context::from_waker(Waker::noop())) {
        found.push((change.before, change.liveness));
    }
    found
}

const THROUGH: [Liveness; 7] = [
    Liveness::Live,
    Liveness::Failing,
    Liveness::Failing,
    Liveness::Offline,
    Liveness::Live,
    Liveness::Live,
    Liveness::Failing,
];
const CHANGES: [(Liveness, Liveness); 4] = [
    (Liveness::Live, Liveness::Failing),
    (Liveness::Failing, Liveness::Offline),
    (Liveness::Offline, Liveness::Live),
    (Liveness::Live, Liveness::Failing),
];

/// R-INSEAM-055
#[tokio::test]
async fn every_subscriber_gets_each_change_once_and_in_order() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let other = fake.connected(&registry, "bob").await;
    let mut elsewhere = other.on_liveness_change();
    let mut subscribers: Vec<_> = (0..10).map(|_| connection.on_liveness_change()).collect();
    go_through(&fake, &connection, &THROUGH).await;
    for changes in &mut subscribers {
        assert_eq!(so_far(changes), CHANGES);
    }
    assert_eq!(so_far(&mut elsewhere), []);
}

/// R-INSEAM-055
#[tokio::test]
async fn a_change_tells_whose_it_is_why_and_when() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let mut changes = connection.on_liveness_change();
    world.clock.advance(std::time::Duration::from_secs(60));
    go_through(&fake, &connection, &[Liveness::Failing]).await;
    let change = changes.next().await.unwrap();
    assert_eq!((change.connection, change.at), (connection.id(), Timestamp::from_seconds(world.now())));
    assert_eq!(&*change.reason.unwrap().code, "unauthorized");
}

/// R-INSEAM-055
#[tokio::test]
async fn a_change_is_told_when_every_reader_can_see_it() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let mut changes = connection.on_liveness_change();
    for liveness in [Liveness::Failing, Liveness::Offline, Liveness::Live, Liveness::Failing] {
        fake.is(liveness);
        let reader = async {
            let change = changes.next().await.unwrap();
            let row = sql::texts(&world.database(), "SELECT liveness FROM connection_liveness").await;
            (change.liveness, row.concat())
        };
        let (seen, verified) = tokio::join!(reader, connection.verify());
        verified.unwrap();
        assert_eq!(seen, (liveness, format!("{liveness:?}").to_lowercase()));
    }
}

/// R-INSEAM-055
#[tokio::test]
async fn nothing_is_replayed_and_another_process_hears_nothing() {
    let world = World::new().await;
    let fake = Fake::new();
    let twin = Fake::new();
    let registry = world.open(fake.clone()).await;
    let elsewhere = world.open(twin.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let there = elsewhere.connection(connection.id()).await.unwrap();
    let mut there_changes = there.on_liveness_change();
    go_through(&fake, &connection, &[Liveness::Failing]).await;
    let mut late = connection.on_liveness_change();
    assert_eq!(so_far(&mut late), []);
    assert_eq!(so_far(&mut there_changes), []);
    // The control: that process sees its own changes.
    go_through(&twin, &there, &[Liveness::Live]).await;
    assert_eq!(so_far(&mut there_changes), [(Liveness::Failing, Liveness::Live)]);
}

/// R-INSEAM-055
#[tokio::test]
async fn one_that_is_dropped_or_never_read_keeps_nobody_from_anything() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let mut first = connection.on_liveness_change();
    let never_read = connection.on_liveness_change();
    let mut last = connection.on_liveness_change();
    go_through(&fake, &connection, &[Liveness::Failing]).await;
    // In the middle of its changes.
    assert_eq!(first.next().await.unwrap().liveness, Liveness::Failing);
    drop(first);
    go_through(&fake, &connection, &[Liveness::Live]).await;
    let all = [(Liveness::Live, Liveness::Failing), (Liveness::Failing, Liveness::Live)];
    assert_eq!(so_far(&mut last), all);
    assert_eq!(count(&fake.verified), 2);
    drop(never_read);
}

/// R-INSEAM-063
#[tokio::test]
async fn a_stream_ends_with_its_connection_behind_what_was_told_before() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let other = fake.connected(&registry, "bob").await;
    let mut changes = connection.on_liveness_change();
    let mut elsewhere = other.on_liveness_change();
    go_through(&fake, &connection, &[Liveness::Failing]).await;
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(changes.next().await.unwrap().liveness, Liveness::Failing);
    assert!(changes.next().await.is_none());
    go_through(&fake, &other, &[Liveness::Offline]).await;
    assert_eq!(elsewhere.next().await.unwrap().liveness, Liveness::Offline);
}

/// R-INSEAM-063
#[tokio::test]
async fn a_subscriber_to_a_removed_connection_hears_of_it_at_the_next_probe() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    registry.remove(connection.id()).await.unwrap();
    let mut changes = connection.on_liveness_change();
    assert!(matches!(connection.verify().await, Err(Error::NotFound(_))));
    assert!(changes.next().await.is_none());
}
