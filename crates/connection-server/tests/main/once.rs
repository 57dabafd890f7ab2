//! `Idempotency-Key`: a request that makes something may be sent again, and nothing is made twice.

use std::collections::BTreeSet;

use connection_core::Role;
use serde_json::{Value, json};

use crate::{
    extensions::{extension_token, manifest},
    http::Request,
    imports::row,
    kinds::hooked,
    test_host::World,
};

pub(crate) fn keyed(world: &World, token: &str, path: &str, body: &Value, key: &str) -> Request {
    world.request("POST", path).bearer(token).json(body).with("idempotency-key", key)
}

async fn count(world: &World, token: &str, path: &str) -> usize {
    world.get(token, path).await.ok(200)["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn each_route_that_makes_something_makes_it_once_for_a_key() {
    let world = World::new().await;
    let token = world.token(Role::Admin, Some("ada")).await;
    let connection = world.connected(&token, "octocat").await;
    let reauthorize = format!("/connections/{connection}/reauthorize");
    for (path, body, listed, name) in [
        ("/setups", json!({ "kind": "acme" }), "/setups", "id"),
        (reauthorize.as_str(), json!({}), "/setups", "id"),
        ("/extensions", json!({ "manifest": manifest("issues") }), "/extensions", "name"),
        ("/profiles", json!({ "kind": "tool", "label": "x", "directory": "/profiles/x" }), "/profiles", "id"),
    ] {
        let before = count(&world, &token, listed).await;
        let request = keyed(&world, &token, path, &body, "key-1").with("idempotency-key", &format!("\"{path}\""));
        let first = world.send(&request).await;
        let again = world.send(&request).await;
        assert_eq!(first.ok(201)[name], again.ok(201)[name], "{path}");
        assert_eq!(first.header("location"), again.header("location"), "{path}");
        // A key without quotation marks is the same key.
        let third = world.send(&request.with("idempotency-key", path)).await;
        assert_eq!(first.ok(201)[name], third.ok(201)[name], "{path}");
        assert_eq!(count(&world, &token, listed).await, before + 1, "{path}");
    }
    world.check_answers();
}

/// An answer that arrives late must not give an extension back what a person has taken from it.
#[tokio::test]
async fn a_grant_that_was_revoked_is_not_made_again() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected(&token, "octocat").await;
    world.post(&token, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let request = keyed(&world, &token, "/extensions/issues/grants", &json!({ "connection": id }), "key-1");
    let granted = world.send(&request).await.ok(201);
    assert_eq!(world.send(&request).await.ok(201), granted);
    world.delete(&token, &format!("/extensions/issues/grants/{id}")).await.ok(204);
    let again = world.send(&request).await;
    assert_eq!((again.refusal(), &again.json()["made"]), ((409, "already_created".into()), &json!(id)));
    let shown = world.get(&token, "/extensions/issues").await.ok(200);
    assert_eq!(shown["granted"], false);
    world.send(&request.with("idempotency-key", "key-2")).await.ok(201);
}

#[tokio::test]
async fn a_hand_off_that_is_begun_again_has_the_same_ticket() {
    let world = World::new().await;
    let person = world.token(Role::Manage, Some("ada")).await;
    world.post(&person, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let token = extension_token(&world.registry, "ada", "issues").await;
    let body = json!({ "command": "search" });
    let request = keyed(&world, &token, "/extensions/issues/hand-off", &body, "key-1");
    let first = world.send(&request).await.ok(201);
    assert!(first["ticket"].is_string() && first["required"]["way"].is_string(), "{first}");
    assert_eq!(world.send(&request).await.ok(201), first);
    let other = world.send(&request.with("idempotency-key", "key-2")).await.ok(201);
    assert_ne!(other["ticket"], first["ticket"]);
    // The person provides what the extension needs, and nothing is required any more.
    let id = world.connected(&person, "octocat").await;
    world.post(&person, "/extensions/issues/grants", json!({ "connection": id })).await.ok(201);
    let again = keyed(&world, &token, "/extensions/issues/hand-off", &body, "key-1");
    let again = world.send(&again).await.ok(201);
    assert_eq!((&again["ticket"], &again["required"]), (&first["ticket"], &Value::Null));
    let none = keyed(&world, &token, "/extensions/issues/hand-off", &body, "key-3");
    let first = world.send(&none).await.ok(201);
    assert_eq!((&first["ticket"], &world.send(&none).await.ok(201)), (&Value::Null, &first));
    world.check_answers();
}

/// A key that was changed twice would end the validity of the one that the person has entered at the provider.
#[tokio::test]
async fn an_address_for_webhooks_and_its_key_are_made_once_for_a_key() {
    let world = World::with(|registry| registry.kind(hooked())).await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected_by_key(&token, "hooked").await;
    let webhook = format!("/connections/{id}/webhook");
    let enable = keyed(&world, &token, &webhook, &json!({}), "key-1");
    let enabled = world.send(&enable).await.ok(200);
    assert!(enabled["address"].is_string() && enabled["key"].is_string(), "{enabled}");
    assert_eq!(world.send(&enable).await.ok(200), enabled);
    let rotate = keyed(&world, &token, &format!("{webhook}/key"), &json!({}), "key-2");
    let rotated = world.send(&rotate).await.ok(200);
    assert_ne!(rotated["key"], enabled["key"]);
    assert_eq!(world.send(&rotate).await.ok(200), rotated);
    let other = world.send(&rotate.with("idempotency-key", "key-3")).await.ok(200);
    assert_ne!(other["key"], rotated["key"]);
    // A request that is sent again does not give the connection an address that a person has taken away.
    world.delete(&token, &webhook).await.ok(200);
    assert_eq!(world.send(&enable).await.refusal(), (409, "webhook_disabled".into()));
    assert_eq!(world.get(&token, &webhook).await.ok(200)["enabled"], false);
}

#[tokio::test]
async fn the_text_of_a_token_is_stored_nowhere_and_not_shown_again() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let body = json!({ "name": "a report", "role": "read" });
    let request = keyed(&world, &token, "/tokens", &body, "key-1");
    let made = world.send(&request).await.ok(201);
    let text = made["token"].as_str().unwrap();
    let again = world.send(&request).await;
    assert_eq!(again.refusal(), (409, "already_created".into()));
    assert_eq!(again.json()["made"], made["id"]);
    assert!(!again.body.contains(text));
    assert!(!world.rows().await.iter().any(|row| row.contains(text) || row.contains("key-1")));
    assert_eq!(count(&world, &token, "/tokens").await, 2);
}

#[tokio::test]
async fn the_address_of_a_setup_link_is_stored_nowhere_and_not_shown_again() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let request = keyed(&world, &token, "/setup-links", &json!({ "kinds": ["acme"] }), "key-1");
    let made = world.send(&request).await.ok(201);
    let code = made["address"].as_str().unwrap().split_once("#link=").unwrap().1;
    let again = world.send(&request).await;
    assert_eq!(again.refusal(), (409, "already_created".into()));
    assert_eq!(again.json()["made"], made["id"]);
    assert!(!again.body.contains(code));
    assert!(!world.rows().await.iter().any(|row| row.contains(code)));
    assert_eq!(count(&world, &token, "/tokens").await, 2, "one link beside the token of the caller");
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_token() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let body = json!({ "kind": "acme" });
    let first = world.send(&keyed(&world, &ada, "/setups", &body, "key-1")).await.ok(201);
    for (path, body) in [
        ("/setups", json!({ "kind": "acme", "label": "other" })),
        ("/setups?owner=ada", json!({ "kind": "acme" })),
        ("/tokens", json!({ "name": "a report", "role": "read" })),
    ] {
        let answer = world.send(&keyed(&world, &ada, path, &body, "key-1")).await;
        assert_eq!(answer.refusal(), (422, "idempotency_key_reused".into()), "{path}");
    }
    let foreign = world.send(&keyed(&world, &bob, "/setups", &body, "key-1")).await.ok(201);
    assert_ne!(first["id"], foreign["id"]);
    let other = world.send(&keyed(&world, &ada, "/setups", &body, "key-2")).await.ok(201);
    assert_ne!(first["id"], other["id"]);
    // Without a key, each request makes something.
    world.post(&ada, "/setups", body.clone()).await.ok(201);
    assert_eq!(count(&world, &ada, "/setups").await, 3);
    for key in ["", "  ", "a b", "é", "a\"b", &"a".repeat(256)] {
        let answer = world.send(&keyed(&world, &ada, "/setups", &body, key)).await;
        assert_eq!(answer.refusal(), (422, "invalid_body".into()), "{key}");
    }
}

/// A refused request has changed nothing, so that it may be corrected under the same key.
#[tokio::test]
async fn a_request_that_is_refused_does_not_use_its_key_up() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let refused = keyed(&world, &token, "/setups", &json!({ "kind": "nothing" }), "key-1");
    for _ in 0..2 {
        assert_eq!(world.send(&refused).await.refusal(), (404, "unknown_kind".into()));
    }
    world.send(&keyed(&world, &token, "/setups", &json!({ "kind": "acme" }), "key-1")).await.ok(201);
}

#[tokio::test]
async fn of_requests_at_once_one_makes_something_and_a_client_that_is_gone_gets_it_later() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let request = keyed(&world, &token, "/setups", &json!({ "kind": "acme" }), "key-1");
    let (one, two, three) = tokio::join!(world.send(&request), world.send(&request), world.send(&request));
    let answers = [one, two, three];
    let made: Vec<_> =
        answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.json()["id"].clone()).collect();
    assert!(!made.is_empty() && made.iter().all(|id| *id == made[0]), "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.refusal(), (409, "request_in_progress".into()));
    }
    assert_eq!(count(&world, &token, "/setups").await, 1);
    let request = request.with("idempotency-key", "key-2");
    drop(request.open(world.port).await);
    let mut answer = world.send(&request).await;
    while answer.status == 409 {
        answer = world.send(&request).await;
    }
    answer.ok(201);
    assert_eq!(count(&world, &token, "/setups").await, 2);
}

/// Nothing was stored, so that the key is not used up.
#[tokio::test]
async fn an_import_that_a_failing_database_stops_is_carried_out_when_it_is_sent_again() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let rows: Vec<_> = (0..40).map(|number| row(&number.to_string())).collect();
    let import = keyed(&world, &token, "/imports", &json!({ "rows": rows }), "key-1");
    world.fail_after(0).await;
    for _ in 0..2 {
        let stopped = world.send(&import).await;
        assert_eq!(stopped.refusal(), (503, "store_failed".into()));
        assert_eq!(stopped.json()["made"], Value::Null);
    }
    world.heal().await;
    let made = world.send(&import).await.ok(200);
    assert_eq!((&made["imported"], &made["refused"]), (&json!(40), &json!(0)));
    assert_eq!(world.get(&token, "/connections").await.ok(200)["counts"]["all"], 40);
    world.check_answers();
}

/// Batches that were committed before the failure stay.
#[tokio::test]
async fn an_import_that_a_failing_database_stops_in_its_middle_names_what_it_made_and_is_not_repeated() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let rows: Vec<_> = (0..100).map(|number| row(&number.to_string())).collect();
    let import = keyed(&world, &token, "/imports", &json!({ "rows": rows }), "key-1");
    world.fail_after(64).await;
    let stopped = world.send(&import).await;
    assert_eq!(stopped.refusal(), (503, "store_failed".into()));
    world.heal().await;
    let stored = world.get(&token, "/connections?limit=100").await.ok(200);
    let ids = |list: &Value| list.as_str().unwrap().split(',').map(str::to_owned).collect::<BTreeSet<_>>();
    let there: BTreeSet<String> =
        stored["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    assert!((1..=64).contains(&there.len()), "{}", there.len());
    assert_eq!(ids(&stopped.json()["made"]), there);
    for _ in 0..2 {
        let again = world.send(&import).await;
        assert_eq!(again.refusal(), (409, "partly_created".into()));
        assert_eq!(ids(&again.json()["made"]), there);
    }
    assert_eq!(world.get(&token, "/connections").await.ok(200)["counts"]["all"], there.len());
    // The caller sends what is missing, with a key of its own.
    let made = world.send(&import.with("idempotency-key", "key-2")).await.ok(200);
    assert_eq!((&made["imported"], &made["connected"]), (&json!(100 - there.len()), &json!(there.len())));
    world.check_answers();
}

/// The process is killed between the last transaction of an import and the record of its end.
#[tokio::test]
async fn an_import_that_is_interrupted_after_its_last_row_is_whole() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let rows: Vec<_> = (0..100).map(|number| row(&number.to_string())).collect();
    let whole = keyed(&world, &token, "/imports", &json!({ "rows": rows }), "key-1");
    assert_eq!(world.send(&whole).await.ok(200)["imported"], 100);
    let with_refused = keyed(&world, &token, "/imports", &json!({ "rows": [row("0"), row("100")] }), "key-2");
    assert_eq!(world.send(&with_refused).await.ok(200)["imported"], 1);
    world.interrupt_requests().await;
    let again = world.send(&whole).await;
    assert_eq!(again.refusal(), (409, "already_created".into()));
    assert_eq!(again.json()["made"].as_str().unwrap().split(',').count(), 100);
    // Whether the other row was refused or not reached is not known.
    assert_eq!(world.send(&with_refused).await.refusal(), (409, "partly_created".into()));
}
