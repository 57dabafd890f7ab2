//! Events are delivered in order, one at a time for each connection, until they are acknowledged.

use std::time::Duration;

use connection_contract::{Kind, SigningKey};
use connection_core::{ConnectionRegistry, Deliveries, Error, ReceivedEvent};

use crate::{
    hooks::{Hooks, KIND, deliver, enabled},
    old_rows::scheduled,
    sql,
    test_host::World,
};

/// A claim that no test waits for, because time passes fast here.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

async fn open(world: &World) -> ConnectionRegistry {
    world.open(Hooks::new(SigningKey::Generated)).await
}

/// Returns the next event, and lets time pass meanwhile: no faster than a claim is taken.
pub(crate) async fn next(world: &World, deliveries: &mut Deliveries) -> ReceivedEvent {
    let database = world.database();
    loop {
        tokio::select! {
            biased;
            event = deliveries.next() => return event.unwrap().unwrap(),
            _ = sql::number(&database, "SELECT 1") => world.clock.advance(Duration::from_millis(100)),
        }
    }
}

/// Returns `true` if there is no event for this long.
pub(crate) async fn none(world: &World, deliveries: &mut Deliveries, time: Duration) -> bool {
    let database = world.database();
    let end = world.now() + time.as_secs() as i64;
    while world.now() < end {
        tokio::select! {
            biased;
            _ = deliveries.next() => return false,
            _ = sql::number(&database, "SELECT 1") => world.clock.advance(Duration::from_millis(500)),
        }
    }
    true
}

fn body(event: &ReceivedEvent) -> &str {
    event.body().expose_str().unwrap()
}

#[tokio::test]
async fn what_waits_and_what_comes_is_handed_over_in_order() {
    let world = World::new().await;
    let registry = open(&world).await;
    let connection = enabled(&registry, "ada").await;
    for text in ["1", "2"] {
        deliver(&connection, &registry, text).await;
    }
    let mut deliveries = connection.webhooks().deliveries().claim(YEAR).await.unwrap();
    for (number, text) in [(1, "1"), (2, "2"), (3, "3")] {
        if number == 3 {
            deliver(&connection, &registry, text).await;
        }
        let event = next(&world, &mut deliveries).await;
        assert_eq!((event.number(), body(&event)), (number, text));
        assert_eq!((event.connection(), event.kind(), event.name().as_str()), (connection.id(), &KIND, "thing.made"));
        assert_eq!((event.content_type(), event.query().expose()), ("application/json", &b"a=b"[..]));
        assert!(!format!("{event:?}").contains("a=b"));
        event.acknowledge().await.unwrap();
    }
    assert_eq!(connection.webhooks().info().await.unwrap().unwrap().waiting, 0);
}

/// A signal wakes the waiter: no time passes in this test.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_wakes_who_waits_for_it() {
    let world = World::new().await;
    let registry = open(&world).await;
    let connection = enabled(&registry, "ada").await;
    let mut deliveries = registry.webhooks().deliveries().await.unwrap();
    let task = tokio::runtime::Handle::current().spawn(async move { deliveries.next().await.unwrap().unwrap() });
    deliver(&connection, &registry, "1").await;
    let event = task.await.unwrap();
    assert_eq!(body(&event), "1");
}

#[tokio::test]
async fn the_next_event_of_a_connection_waits_for_the_one_before_and_others_do_not() {
    let world = World::new().await;
    let registry = open(&world).await;
    let ada = enabled(&registry, "ada").await;
    let bob = enabled(&registry, "bob").await;
    for text in ["1", "2"] {
        deliver(&ada, &registry, text).await;
    }
    world.clock.advance(Duration::from_secs(1));
    deliver(&bob, &registry, "3").await;
    let mut deliveries = registry.webhooks().deliveries().claim(YEAR).await.unwrap();
    let first = next(&world, &mut deliveries).await;
    assert_eq!((first.connection(), body(&first)), (ada.id(), "1"));
    let of_bob = next(&world, &mut deliveries).await;
    assert_eq!((of_bob.connection(), body(&of_bob)), (bob.id(), "3"));
    assert!(none(&world, &mut deliveries, Duration::from_secs(60)).await);
    first.acknowledge().await.unwrap();
    assert_eq!(body(&next(&world, &mut deliveries).await), "2");
}

/// The caller that claimed the event has died, or could not handle it.
#[tokio::test]
async fn an_unacknowledged_event_comes_again_before_later_ones() {
    let world = World::new().await;
    let registry = open(&world).await;
    let connection = enabled(&registry, "ada").await;
    for text in ["1", "2"] {
        deliver(&connection, &registry, text).await;
    }
    let mut deliveries = registry.webhooks().deliveries().await.unwrap();
    // The first event is available at once, without a step of the clock.
    let first = deliveries.next().await.unwrap().unwrap();
    drop((first, deliveries));
    registry.close().await;
    let registry = open(&world).await;
    let mut deliveries = registry.webhooks().deliveries().await.unwrap();
    assert!(none(&world, &mut deliveries, Duration::from_secs(60)).await, "somebody has it");
    world.leases_expire().await;
    let again = next(&world, &mut deliveries).await;
    assert_eq!((again.number(), body(&again)), (1, "1"));
    again.acknowledge().await.unwrap();
    assert_eq!(body(&next(&world, &mut deliveries).await), "2");
}

/// A late acknowledgement still counts, and the caller with the new claim acknowledges the event again.
#[tokio::test]
async fn an_acknowledgement_after_the_claim_counts() {
    let world = World::new().await;
    let registry = open(&world).await;
    let connection = enabled(&registry, "ada").await;
    deliver(&connection, &registry, "1").await;
    let mut deliveries = connection.webhooks().deliveries().await.unwrap();
    let first = next(&world, &mut deliveries).await;
    world.leases_expire().await;
    let second = next(&world, &mut deliveries).await;
    assert_eq!((first.number(), second.number()), (1, 1));
    first.acknowledge().await.unwrap();
    second.acknowledge().await.unwrap();
    assert!(none(&world, &mut deliveries, Duration::from_secs(60)).await);
    let waiting = "SELECT waiting FROM connection_webhook_address";
    assert_eq!(sql::number(&world.database(), waiting).await, Some(0));
}

/// Each event is delivered once while no process dies, in either of two processes; those of a connection in order.
#[tokio::test]
async fn two_processes_share_the_events_and_lose_none() {
    let world = World::new().await;
    let one = open(&world).await;
    let two = open(&world).await;
    let mut connections = Vec::new();
    for name in ["ada", "bob", "eve"] {
        connections.push(enabled(&one, name).await);
    }
    for number in 0..6 {
        for connection in &connections {
            deliver(connection, &one, &number.to_string()).await;
        }
    }
    let mut takers = [
        one.webhooks().deliveries().claim(YEAR).await.unwrap(),
        two.webhooks().deliveries().claim(YEAR).await.unwrap(),
    ];
    let mut taken = Vec::new();
    while taken.len() < 18 {
        let [first, second] = &mut takers;
        let a = next(&world, first);
        let b = next(&world, second);
        let mut a = Box::pin(a);
        let mut b = Box::pin(b);
        let event = tokio::select! {
            event = &mut a => event,
            event = &mut b => event,
        };
        taken.push((event.connection(), event.number()));
        event.acknowledge().await.unwrap();
    }
    for connection in &connections {
        let numbers: Vec<_> =
            taken.iter().filter(|(id, _)| *id == connection.id()).map(|(_, number)| *number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        assert_eq!(connection.webhooks().info().await.unwrap().unwrap().waiting, 0);
    }
}

#[tokio::test]
async fn a_filtered_stream_has_no_other_events() {
    let world = World::new().await;
    let registry = open(&world).await;
    let ada = enabled(&registry, "ada").await;
    let bob = enabled(&registry, "bob").await;
    let theirs = enabled(&registry.owner("u42").unwrap(), "ada").await;
    for connection in [&theirs, &ada, &bob] {
        deliver(connection, &registry, "1").await;
    }
    let second = Duration::from_secs(1);
    let mut of_bob = bob.webhooks().deliveries().claim(YEAR).await.unwrap();
    assert_eq!(next(&world, &mut of_bob).await.connection(), bob.id());
    let mut of_others = registry.webhooks().deliveries().kind(Kind::from_static("other")).await.unwrap();
    assert!(none(&world, &mut of_others, second).await);
    let mut mine = registry.webhooks().deliveries().kind(KIND).claim(YEAR).await.unwrap();
    assert_eq!(next(&world, &mut mine).await.connection(), ada.id());
    assert!(none(&world, &mut mine, second).await);
    let mut of_theirs = registry.owner("u42").unwrap().webhooks().deliveries().claim(YEAR).await.unwrap();
    assert_eq!(next(&world, &mut of_theirs).await.connection(), theirs.id());
}

/// An event that cannot be opened is reported once and set aside, so that later events follow.
#[tokio::test]
async fn an_event_that_does_not_open_is_told_and_holds_nobody_up() {
    let world = World::new().await;
    let registry = open(&world).await;
    let ada = enabled(&registry, "ada").await;
    let bob = enabled(&registry, "bob").await;
    deliver(&ada, &registry, "1").await;
    let to_bob = format!("UPDATE connection_webhook SET connection_id = {}, number = 7", sql::id(bob.id()));
    sql::run(&world.database(), to_bob).await;
    sql::run(&world.database(), "UPDATE connection_webhook_address SET waiting = 1").await;
    sql::run(&world.database(), "UPDATE connection_webhook_address SET next_number = 8").await;
    deliver(&bob, &registry, "2").await;
    let mut deliveries = registry.webhooks().deliveries().await.unwrap();
    let error = deliveries.next().await.unwrap().unwrap_err();
    assert!(matches!(&error, Error::Sealed { what, .. } if what.contains("connection_webhook.sealed")), "{error:?}");
    let behind = next(&world, &mut deliveries).await;
    assert_eq!((behind.number(), body(&behind)), (8, "2"));
    behind.acknowledge().await.unwrap();
    world.leases_expire().await;
    assert!(none(&world, &mut deliveries, Duration::from_secs(60)).await, "it was told once");
    assert_eq!(bob.webhooks().info().await.unwrap().unwrap().waiting, 0);
    // It stays as it is for an investigation, for a week.
    let left = "SELECT COUNT(*) FROM connection_webhook WHERE sealed IS NOT NULL";
    assert_eq!(sql::number(&world.database(), left).await, Some(1));
    world.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    scheduled(&world, &registry, left, 0).await;
}

/// An event that no caller acknowledges is delivered again and again, each time after those of the other connections.
#[tokio::test]
async fn an_event_that_nobody_acknowledges_holds_up_no_other_connection() {
    let world = World::new().await;
    let registry = open(&world).await;
    let mut connections = Vec::new();
    for name in ["ada", "bob", "eve"] {
        connections.push(enabled(&registry, name).await);
        deliver(connections.last().unwrap(), &registry, name).await;
        world.clock.advance(Duration::from_secs(1));
    }
    let mut deliveries = registry.webhooks().deliveries().await.unwrap();
    let mut came = Vec::new();
    for _ in 0..6 {
        let event = next(&world, &mut deliveries).await;
        came.push(body(&event).to_owned());
        // The claim expires without an acknowledgement.
        world.leases_expire().await;
    }
    assert_eq!(came, ["ada", "bob", "eve", "ada", "bob", "eve"]);
}

#[tokio::test]
async fn a_registry_that_is_closed_ends_the_stream() {
    let world = World::new().await;
    let registry = open(&world).await;
    let mut deliveries = registry.webhooks().deliveries().await.unwrap();
    registry.close().await;
    assert!(matches!(deliveries.next().await, Some(Err(Error::Closed))));
    assert!(deliveries.next().await.is_none());
}
