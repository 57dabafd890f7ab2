//! The same signed content is one event: in any process, after a restart, and under another key of the store, for
//! as long as providers retry.

use std::time::Duration;

use connection_contract::SigningKey;
use connection_core::{ConnectionRegistry, Receipt};

use crate::{
    hooks::{Hooks, deliver, enabled, send, signed, token},
    old_rows::scheduled,
    sql,
    test_host::World,
};

const DAY: u64 = 24 * 60 * 60;

async fn stored(world: &World) -> i64 {
    sql::number(&world.database(), "SELECT COUNT(*) FROM connection_webhook").await.unwrap()
}

async fn open(world: &World) -> ConnectionRegistry {
    world.open(Hooks::new(SigningKey::Generated)).await
}

/// The replay is recognized even with other headers, which are not signed.
#[tokio::test]
async fn a_replay_is_the_same_event_also_after_a_restart() {
    let world = World::new().await;
    let registry = open(&world).await;
    let connection = enabled(&registry, "ada").await;
    let token = token(&connection).await;
    let headers = signed(&connection, "1").await;
    assert_eq!(send(&registry, &token, headers.clone(), "1").await.unwrap(), Receipt::Stored);
    let other = [headers.clone(), vec![("x-delivery".to_owned(), "another".to_owned())]].concat();
    assert_eq!(send(&registry, &token, other, "1").await.unwrap(), Receipt::Duplicate);
    registry.close().await;
    let registry = open(&world).await;
    assert_eq!(send(&registry, &token, headers, "1").await.unwrap(), Receipt::Duplicate);
    assert_eq!(stored(&world).await, 1);
    // Other content is another event, and so is the same content for another connection.
    let connection = registry.connection(connection.id()).await.unwrap();
    assert_eq!(deliver(&connection, &registry, "2").await, Receipt::Stored);
    let bob = enabled(&registry, "bob").await;
    assert_eq!(deliver(&bob, &registry, "1").await, Receipt::Stored);
    assert_eq!(stored(&world).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_in_two_processes_one_is_stored() {
    let world = World::new().await;
    let one = open(&world).await;
    let two = open(&world).await;
    let connection = enabled(&one, "ada").await;
    let token = token(&connection).await;
    for round in 0..8 {
        let body = round.to_string();
        let headers = signed(&connection, &body).await;
        let tasks: Vec<_> = (0..8)
            .map(|at| {
                let registry = if at % 2 == 0 { one.clone() } else { two.clone() };
                let token = token.clone();
                let headers = headers.clone();
                let body = body.clone();
                tokio::runtime::Handle::current()
                    .spawn(async move { send(&registry, &token, headers, &body).await.unwrap() })
            })
            .collect();
        let mut receipts = Vec::new();
        for task in tasks {
            receipts.push(task.await.unwrap());
        }
        assert_eq!(receipts.iter().filter(|receipt| **receipt == Receipt::Stored).count(), 1);
        assert_eq!(receipts.iter().filter(|receipt| **receipt == Receipt::Duplicate).count(), 7);
    }
    assert_eq!(stored(&world).await, 8);
    assert_eq!(connection.webhooks().info().await.unwrap().unwrap().waiting, 8);
}

#[tokio::test]
async fn a_replay_is_the_same_event_under_other_keys() {
    let world = World::new().await;
    let registry = open(&world).await;
    let connection = enabled(&registry, "ada").await;
    let token = token(&connection).await;
    let headers = signed(&connection, "1").await;
    send(&registry, &token, headers.clone(), "1").await.unwrap();
    // The key of the store: the sealed values of the address and of the event are sealed again, and open.
    let rotation = registry.keys().rotate().await.unwrap();
    assert_eq!((rotation.remaining, rotation.unreadable), (0, 0));
    assert_eq!(send(&registry, &token, headers, "1").await.unwrap(), Receipt::Duplicate);
    // The key of the provider: the signed content is the same.
    connection.webhooks().rotate_key().await.unwrap();
    assert_eq!(deliver(&connection, &registry, "1").await, Receipt::Duplicate);
    let event = connection.webhooks().deliveries().await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(event.body().expose(), b"1");
    assert_eq!(stored(&world).await, 1);
}

#[tokio::test]
async fn an_acknowledged_event_is_remembered_for_a_week_without_its_content() {
    let world = World::new().await;
    let registry = open(&world).await;
    let connection = enabled(&registry, "ada").await;
    deliver(&connection, &registry, "1").await;
    let event = connection.webhooks().deliveries().await.unwrap().next().await.unwrap().unwrap();
    world.clock.advance(Duration::from_secs(30 * DAY));
    // While the event is not acknowledged, no part of it is deleted.
    assert_eq!(deliver(&connection, &registry, "1").await, Receipt::Duplicate);
    event.acknowledge().await.unwrap();
    event.acknowledge().await.unwrap();
    assert_eq!(connection.webhooks().info().await.unwrap().unwrap().waiting, 0);
    let sealed = "SELECT COUNT(*) FROM connection_webhook WHERE sealed IS NOT NULL";
    assert_eq!(sql::number(&world.database(), sealed).await, Some(0));
    world.clock.advance(Duration::from_secs(7 * DAY - 1));
    assert_eq!(deliver(&connection, &registry, "1").await, Receipt::Duplicate);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(deliver(&connection, &registry, "1").await, Receipt::Stored);
    assert_eq!(stored(&world).await, 1, "it took the place of the one that is forgotten");
    let event = connection.webhooks().deliveries().await.unwrap().next().await.unwrap().unwrap();
    event.acknowledge().await.unwrap();
    world.clock.advance(Duration::from_secs(7 * DAY));
    scheduled(&world, &registry, "SELECT COUNT(*) FROM connection_webhook", 0).await;
}
