//! Messages about connections that need a person: once per such time, with the address of the host, and with its end.

use std::sync::Arc;

use connection_contract::{Liveness, Secret};
use connection_core::{AttentionUrl, EventReceiver, Outcome, Tags};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::{
    acme::KIND,
    fake::Fake,
    outgoing_events::{Operator, recorded},
    reauthorize::{knows, reauthorized},
    sql,
    test_host::{World, connected},
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEEDS: &str = "connection.needs_attention";
const RECOVERED: &str = "connection.recovered";

/// Sends events with the address of the host for people who have to act.
async fn running(world: &World, registry: &connection_core::ConnectionRegistry, operator: &Operator, template: &str) {
    let url = format!("{}/events", operator.server.origin());
    let receiver = EventReceiver::new(&url, &Secret::from(SECRET)).unwrap();
    let receiver = Arc::new(receiver.with_attention_url(AttentionUrl::parse(template).unwrap()));
    let running = registry.clone();
    drop(Handle::current().spawn(async move { running.outgoing_events().run(receiver).await }));
    while sql::number(&world.database(), "SELECT COUNT(*) FROM connection_event_receiver").await != Some(1) {
        tokio::task::yield_now().await;
    }
}

fn names(operator: &Operator) -> Vec<String> {
    operator.messages().into_iter().map(|message| message.name).collect()
}

#[tokio::test]
async fn the_operator_is_told_once_that_a_person_is_needed_and_once_that_the_connection_recovered() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let operator = Operator::new().await;
    running(&world, &registry, &operator, "https://app.example/accounts/{connection}?owner={owner}#{kind}").await;
    let theirs = registry.owner("ada & co").unwrap();
    let connection = fake.connected(&theirs, "ada").await;
    connection.set_tags(Tags::new([("customer", "17")]).unwrap()).await.unwrap();
    operator.until(1).await;
    // A network that fails says nothing, neither before nor meanwhile.
    for (liveness, expected) in [
        (Liveness::Offline, 1),
        (Liveness::Failing, 2),
        (Liveness::Offline, 2),
        (Liveness::Failing, 2),
        (Liveness::Live, 3),
        (Liveness::Offline, 3),
        (Liveness::Live, 3),
        (Liveness::Failing, 4),
    ] {
        fake.is(liveness);
        connection.verify().await.unwrap();
        operator.until(expected).await;
        recorded(&registry, <[_]>::is_empty).await;
        assert_eq!(operator.messages().len(), expected, "{liveness:?}: {:?}", names(&operator));
    }
    theirs.remove(connection.id()).await.unwrap();
    let messages = operator.until(5).await;
    let named: Vec<_> = messages.iter().map(|message| &*message.name).collect();
    assert_eq!(named, ["connection.connected", NEEDS, RECOVERED, NEEDS, "connection.removed"]);
    let address = format!("https://app.example/accounts/{}?owner=ada%20%26%20co#fake", connection.id());
    for message in &messages {
        let expected = if message.name == NEEDS { address.clone().into() } else { Value::Null };
        assert_eq!(message.data["url"], expected, "{}", message.name);
        // The account was connected before it had tags, and the message may have been made before.
        if message.name != "connection.connected" {
            assert_eq!(message.data["tags"], serde_json::json!({ "customer": "17" }), "{}", message.name);
        }
        assert!(!message.data.to_string().contains("cn_"), "no message has a link: {}", message.data);
    }
    registry.close().await;
}

#[tokio::test]
async fn a_repair_is_told_as_connected_again_and_as_recovered() {
    let world = World::new().await;
    let registry = world.acme().await;
    let operator = Operator::new().await;
    running(&world, &registry, &operator, "https://app.example/{connection}").await;
    let connection = connected(&registry, "key-1").await;
    world.provider(knows(&[("key-2", "1", "ada")]));
    connection.verify().await.unwrap();
    operator.until(2).await;
    let Outcome::Done(_) = reauthorized(&connection, "key-2").await else { panic!("not repaired") };
    let messages = operator.until(4).await;
    let mut of_repair: Vec<_> = messages[2..].iter().map(|message| (&*message.name, &message.id)).collect();
    of_repair.sort_unstable();
    assert_eq!(of_repair.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["connection.connected", RECOVERED]);
    assert_ne!(of_repair[0].1, of_repair[1].1, "each message has an id of its own");
    for message in &messages[2..] {
        assert_eq!((&message.data["event"], &message.data["kind"]), (&"reauthorized".into(), &KIND.as_str().into()));
    }
    // A repair of a connection that works is no recovery.
    let Outcome::Done(_) = reauthorized(&connection, "key-2").await else { panic!("not repaired") };
    operator.until(5).await;
    recorded(&registry, <[_]>::is_empty).await;
    assert_eq!(names(&operator).iter().filter(|name| *name == RECOVERED).count(), 1);
    registry.close().await;
}

#[tokio::test]
async fn a_rollback_that_makes_a_connection_work_again_is_told() {
    let world = World::new().await;
    let registry = world.acme().await;
    let operator = Operator::new().await;
    running(&world, &registry, &operator, "https://app.example/{connection}").await;
    let connection = connected(&registry, "key-1").await;
    world.provider(knows(&[("key-1", "1", "ada"), ("key-2", "1", "ada")]));
    let Outcome::Done(_) = reauthorized(&connection, "key-2").await else { panic!("not authorized again") };
    world.provider(knows(&[("key-1", "1", "ada")]));
    connection.verify().await.unwrap();
    operator.until(3).await;
    connection.rollback().await.unwrap();
    let messages = operator.until(4).await;
    assert_eq!((&*messages[3].name, &messages[3].data["event"]), (RECOVERED, &"rolled_back".into()));
    registry.close().await;
}

/// Messages are made by any process, and the events of a connection may be collected out of order.
#[tokio::test]
async fn an_event_that_is_collected_after_a_later_one_begins_no_need_for_a_person() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let operator = Operator::new().await;
    running(&world, &registry, &operator, "https://app.example/{connection}").await;
    let connection = fake.connected(&registry, "ada").await;
    operator.until(1).await;
    recorded(&registry, <[_]>::is_empty).await;
    let later = format!(
        "INSERT INTO connection_attention VALUES ({}, 99, {})",
        sql::id(connection.id()),
        if crate::test_host::on_postgres() { "FALSE" } else { "0" }
    );
    sql::run(&world.database(), later).await;
    fake.is(Liveness::Failing);
    connection.verify().await.unwrap();
    connection.rename("work").await.unwrap();
    fake.connected(&registry, "bob").await;
    operator.until(2).await;
    recorded(&registry, <[_]>::is_empty).await;
    assert_eq!(names(&operator), ["connection.connected", "connection.connected"]);
    registry.close().await;
}
