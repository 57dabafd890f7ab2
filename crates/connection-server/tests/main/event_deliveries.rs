//! The events that the operator did not get, over the API.

use std::{sync::Arc, time::Duration};

use connection_contract::Secret;
use connection_core::{EventReceiver, Role};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::test_host::World;

/// Returns the list when it has an event whose first attempt failed.
async fn failed(world: &World, token: &str) -> Value {
    loop {
        let list = world.get(token, "/deliveries").await.ok(200);
        if list["items"][0]["failure"].is_string() {
            return list;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_event_that_the_operator_did_not_get_is_listed_with_its_reason_and_sent_again() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let reader = world.token(Role::Use, Some("ada")).await;
    let operator = world.token(Role::Manage, None).await;
    let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    // Nothing is sent to a private address, so that every attempt fails.
    let receiver = Arc::new(EventReceiver::new("https://10.0.0.1/events", &secret).unwrap());
    let registry = world.registry.clone();
    let _running = Handle::current().spawn(async move { registry.outgoing_events().run(receiver).await });
    while !world.rows().await.iter().any(|row| row.contains("connection_event_receiver")) {
        tokio::task::yield_now().await;
    }
    let connection = world.connected(&ada, "octocat").await;
    let list = failed(&world, &ada).await;
    let item = &list["items"][0];
    assert_eq!((&item["owner"], &item["connection"]), (&"ada".into(), &connection.into()));
    assert_eq!((&item["type"], &item["state"]), (&"connection.connected".into(), &"waiting".into()));
    assert!(item["failure"].as_str().unwrap().contains("is private"), "{item}");
    assert!(item["nextAttemptAt"].is_string() && list["next"].is_null(), "{list}");
    // The operator sees the events of all owners, and another owner sees none of them.
    assert_eq!(failed(&world, &operator).await["items"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(&operator, "/deliveries?owner=bob").await.ok(200)["items"], json!([]));
    assert_eq!(world.get(&bob, "/deliveries").await.ok(200)["items"], json!([]));
    assert_eq!(world.get(&reader, "/deliveries").await.refusal().0, 403);
    let checks = world.post(&ada, "/doctor", json!({})).await.ok(200);
    let events = checks["checks"].as_array().unwrap().iter().find(|check| check["check"] == "events").unwrap();
    assert!(events["ok"] == false && events["message"].as_str().unwrap().contains("is private"), "{events}");
    let retry = format!("/deliveries/{}/retry", item["id"].as_str().unwrap());
    assert_eq!(world.post(&bob, &retry, json!({})).await.refusal(), (404, "delivery_not_found".to_owned()));
    assert_eq!(world.post(&ada, &retry, json!({})).await.ok(200)["id"], item["id"]);
    world.clock.advance(Duration::from_secs(5));
    world.check_answers();
}
