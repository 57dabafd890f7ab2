//! Hints for the token of an extension: about its own hand-off, grant and preferences, and about nothing else.

use connection_core::Role;
use connection_manifest::ExtensionFile;
use serde_json::json;

use crate::{
    extensions::{extension_token, manifest},
    live::{Stream, listening, next, until},
    test_host::{KEY, World},
    usage,
};

/// Adds an extension for an owner.
async fn add(world: &World, person: &str, name: &str) {
    world.post(person, "/extensions", json!({ "manifest": manifest(name) })).await.ok(201);
}

async fn set_order(world: &World, person: &str, name: &str, order: &str) {
    let body = json!({ "values": { "order": order } });
    let request = world.request("PUT", &format!("/extensions/{name}/preferences")).bearer(person).json(&body);
    world.send(&request).await.ok(200);
}

async fn grant(world: &World, person: &str, name: &str, connection: &str) {
    let body = json!({ "connection": connection });
    world.post(person, &format!("/extensions/{name}/grants"), body).await.ok(201);
}

/// Changes a preference of the extension and reads until its hint. Returns the events before that.
async fn events_before_own(world: &World, hints: &mut Stream, person: &str, order: &str) -> Vec<String> {
    set_order(world, person, "issues", order).await;
    let before = world.outlasted(until(hints, "event: extension")).await;
    assert_eq!(hints.next_line().await.unwrap().unwrap(), r#"data: {"id":"issues"}"#);
    before.into_iter().filter(|line| line.starts_with("event:") || line.starts_with("data:")).collect()
}

#[tokio::test]
async fn an_extension_is_told_of_its_preferences_its_grant_and_its_hand_off() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    add(&world, &ada, "issues").await;
    let token = extension_token(&world.registry, "ada", "issues").await;
    let mut hints = listening(&world, &token).await;
    set_order(&world, &ada, "issues", "old").await;
    assert_eq!(next(&world, &mut hints, "extension").await, "issues");
    // A connection that it could use exists, and then it is granted.
    let connection = world.connected(&ada, "octocat").await;
    assert_eq!(next(&world, &mut hints, "grant").await, "issues");
    grant(&world, &ada, "issues", &connection).await;
    assert_eq!(next(&world, &mut hints, "grant").await, "issues");
    let resolved = world.get(&token, "/extensions/issues/resolved").await.ok(200);
    assert_eq!(resolved["status"], "connected");
    assert_eq!(world.delete(&ada, &format!("/extensions/issues/grants/{connection}")).await.status, 204);
    assert_eq!(next(&world, &mut hints, "grant").await, "issues");
    // A person connects another account for it.
    let setup = world.post(&ada, "/setups", json!({ "extension": "issues", "again": true })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    assert_eq!(next(&world, &mut hints, "setup").await, id);
    let prompt = world.until(&ada, id, &setup, "prompt").await;
    let answers = json!({ "step": prompt["step"], "answers": { "name": "hubot", "apiKey": KEY } });
    world.post(&ada, &format!("/setups/{id}/answers"), answers).await.ok(202);
    world.until(&ada, id, &prompt, "done").await;
    assert_eq!(next(&world, &mut hints, "setup").await, id);
    world.check_answers();
}

#[tokio::test]
async fn an_extension_is_told_of_nothing_else() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    for (person, name) in [(&ada, "issues"), (&ada, "other"), (&bob, "issues")] {
        add(&world, person, name).await;
    }
    let token = extension_token(&world.registry, "ada", "issues").await;
    let connection = world.connected(&ada, "octocat").await;
    grant(&world, &ada, "issues", &connection).await;
    let mut hints = listening(&world, &token).await;
    let mut of_owner = listening(&world, &ada).await;
    // Another owner has an extension of the same name.
    let foreign = world.connected(&bob, "hubot").await;
    grant(&world, &bob, "issues", &foreign).await;
    set_order(&world, &bob, "issues", "old").await;
    world.post(&bob, "/setups", json!({ "extension": "issues", "again": true })).await.ok(201);
    // Of the same owner: another extension, another kind, a setup for nothing, and what the extension does not see of
    // the connection that it uses.
    set_order(&world, &ada, "other", "old").await;
    world.post(&ada, "/setups", json!({ "extension": "other", "again": true })).await.ok(201);
    grant(&world, &ada, "other", &connection).await;
    let metered = usage::connected(&world, &ada).await;
    world.post(&ada, &format!("/connections/{metered}/usage"), json!({})).await.ok(200);
    let rename = json!({ "label": "mine" });
    let request = world.request("PATCH", &format!("/connections/{connection}")).bearer(&ada).json(&rename);
    world.send(&request).await.ok(200);
    assert_eq!(events_before_own(&world, &mut hints, &ada, "old").await, Vec::<String>::new());
    // The control: the owner was told of all that.
    let told = world.outlasted(until(&mut of_owner, r#"data: {"id":"issues"}"#)).await;
    for event in ["event: extension", "event: setup", "event: grant", "event: connection", "event: usage"] {
        assert!(told.iter().any(|line| line == event), "{event}: {told:?}");
    }
    let query = world.get(&token, "/live?owner=bob").await;
    assert_eq!(query.refusal(), (403, "not_allowed".into()));
    world.check_answers();
}

/// The release is recorded as an event of the connection, and it changes nothing that the extension sees.
#[tokio::test]
async fn the_use_of_a_connection_by_an_extension_is_no_hint_for_it() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    add(&world, &ada, "issues").await;
    let token = extension_token(&world.registry, "ada", "issues").await;
    let connection = world.connected(&ada, "octocat").await;
    grant(&world, &ada, "issues", &connection).await;
    let mut hints = listening(&world, &token).await;
    let file = ExtensionFile::parse(manifest("issues").to_string().as_bytes()).unwrap();
    let handle = world.registry.owner("ada").unwrap().extensions().handle(file.into_declaration()).unwrap();
    handle.inject(None).await.unwrap();
    let events = world.get(&ada, &format!("/connections/{connection}/events")).await.ok(200);
    assert!(events.to_string().contains("secret_released"), "{events}");
    assert_eq!(events_before_own(&world, &mut hints, &ada, "old").await, Vec::<String>::new());
}
