//! An extension follows its hand-off, and the setup that a person has begun for it.

use connection_core::Role;
use serde_json::{Value, json};

use crate::{
    extensions::{extension_token, manifest},
    test_host::{KEY, World},
};

/// Adds the extension `issues` for an owner; returns the tokens of the owner and of the extension, and the path of a
/// hand-off.
async fn begun(world: &World, owner: &str) -> (String, String, String) {
    let person = world.token(Role::Manage, Some(owner)).await;
    world.post(&person, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let token = extension_token(&world.registry, owner, "issues").await;
    let begun = world.post(&token, "/extensions/issues/hand-off", json!({})).await.ok(201);
    (person, token, format!("/extensions/issues/hand-off/{}", begun["ticket"].as_str().unwrap()))
}

/// Reads the hand-off after another state than this one.
async fn after(world: &World, token: &str, path: &str, state: &Value) -> Value {
    world.get(token, &format!("{path}?after={}", state["cursor"].as_str().unwrap())).await.ok(200)
}

#[tokio::test]
async fn an_extension_follows_the_setup_of_its_hand_off_to_the_end() {
    let world = World::new().await;
    let (person, token, path) = begun(&world, "ada").await;
    let first = world.get(&token, &path).await.ok(200);
    assert_eq!((&first["setup"], &first["required"]["action"]), (&json!(null), &json!("connect")));
    // The person begins while the extension waits.
    let waits = after(&world, &token, &path, &first);
    let begins = world.post(&person, "/setups", json!({ "extension": "issues" }));
    let (mut state, setup) = tokio::join!(waits, begins);
    let setup = setup.ok(201);
    let id = setup["id"].as_str().unwrap();
    while state["setup"]["type"] != "prompt" {
        state = after(&world, &token, &path, &state).await;
    }
    assert_eq!(state["setup"], json!({ "id": id, "kind": "acme", "type": "prompt", "reason": null }));
    // It sees how far the setup is, and cannot read or answer it.
    for (method, path) in [("GET", ""), ("POST", "/answers"), ("POST", "/confirm"), ("POST", "/resume"), ("DELETE", "")]
    {
        let body = json!({ "step": 1, "answers": {} });
        let request = world.request(method, &format!("/setups/{id}{path}")).bearer(&token).json(&body);
        assert_eq!(world.send(&request).await.refusal(), (403, "not_allowed".into()), "{method} {path}");
    }
    let prompt = world.until(&person, id, &setup, "prompt").await;
    let answers = json!({ "step": prompt["step"], "answers": { "name": "octocat", "apiKey": KEY } });
    world.post(&person, &format!("/setups/{id}/answers"), answers).await.ok(202);
    while state["required"] != json!(null) {
        state = after(&world, &token, &path, &state).await;
    }
    assert_eq!(state["resolved"]["status"], "connected");
    world.check_answers();
}

#[tokio::test]
async fn a_setup_that_a_person_gives_up_is_followed_by_the_next_one() {
    let world = World::new().await;
    let (person, token, path) = begun(&world, "ada").await;
    let mut state = world.get(&token, &path).await.ok(200);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let setup = world.post(&person, "/setups", json!({ "extension": "issues" })).await.ok(201);
        let id = setup["id"].clone();
        while state["setup"]["id"] != id {
            state = after(&world, &token, &path, &state).await;
        }
        let gone = world.request("DELETE", &format!("/setups/{}", id.as_str().unwrap())).bearer(&person);
        assert_eq!(world.send(&gone).await.status, 204);
        while !["cancelled", ""].contains(&state["setup"]["type"].as_str().unwrap_or_default()) {
            state = after(&world, &token, &path, &state).await;
        }
        seen.push(id);
    }
    assert_ne!(seen[0], seen[1]);
    assert_eq!(state["required"]["action"], "connect", "nothing was connected");
    // Nothing changes any more, and the server stops.
    let state = world.get(&token, &path).await.ok(200);
    world.live.end();
    assert_eq!(after(&world, &token, &path, &state).await["cursor"], state["cursor"]);
}

#[tokio::test]
async fn a_hand_off_is_followed_by_its_extension_and_its_owner_alone() {
    let world = World::new().await;
    let (ada, of_ada, path) = begun(&world, "ada").await;
    let (_, of_bob, path_of_bob) = begun(&world, "bob").await;
    world.post(&ada, "/extensions", json!({ "manifest": manifest("other") })).await.ok(201);
    let of_other = extension_token(&world.registry, "ada", "other").await;
    assert_eq!(world.get(&of_other, &path).await.refusal(), (403, "not_allowed".into()));
    let by_other = path.replace("issues", "other");
    assert_eq!(world.get(&of_other, &by_other).await.refusal(), (404, "unknown_ticket".into()));
    assert_eq!(world.get(&of_bob, &path).await.refusal(), (404, "unknown_ticket".into()));
    assert_eq!(world.get(&of_bob, &format!("{path}?owner=ada")).await.refusal(), (403, "not_allowed".into()));
    // A setup for another extension, or of another owner, is not that of the hand-off.
    world.post(&ada, "/setups", json!({ "extension": "other" })).await.ok(201);
    world.post(&ada, "/setups", json!({ "kind": "acme" })).await.ok(201);
    assert_eq!(world.get(&of_ada, &path).await.ok(200)["setup"], json!(null));
    let own = world.post(&ada, "/setups", json!({ "extension": "issues" })).await.ok(201);
    assert_eq!(world.get(&of_ada, &path).await.ok(200)["setup"]["id"], own["id"]);
    assert_eq!(world.get(&of_bob, &path_of_bob).await.ok(200)["setup"], json!(null));
}

/// An extension without `secretNames` asks for the use of a connection alone.
#[tokio::test]
async fn a_hand_off_for_use_without_a_secret_ends_with_a_grant_without_secrets() {
    let world = World::new().await;
    let person = world.token(Role::Manage, Some("ada")).await;
    for auth in [json!({ "type": "apiKey" }), json!({ "type": "apiKey", "secretNames": [] })] {
        let mut reader = manifest("reader");
        reader["connection"]["auth"] = auth;
        let added = world.post(&person, "/extensions", json!({ "manifest": reader })).await.ok(201);
        assert_eq!((&added["secretNames"], &added["status"]), (&json!([]), &json!("missing")));
        let token = extension_token(&world.registry, "ada", "reader").await;
        let begun = world.post(&token, "/extensions/reader/hand-off", json!({})).await.ok(201);
        assert_eq!(begun["required"]["action"], "connect");
        let path = format!("/extensions/reader/hand-off/{}", begun["ticket"].as_str().unwrap());
        let connection = world.connected(&person, "octocat").await;
        let state = world.get(&token, &path).await.ok(200);
        assert_eq!((&state["required"]["action"], &state["resolved"]["status"]), (&json!("grant"), &json!("connected")));
        let send = json!({ "method": "GET", "path": "/user" });
        let sends = || world.post(&token, "/extensions/reader/connections/default/send", send.clone());
        // Nothing is allowed without a grant.
        assert_eq!(sends().await.refusal(), (403, "not_granted".into()));
        let grant = json!({ "connection": connection, "secretNames": [] });
        let granted = world.post(&person, "/extensions/reader/grants", grant).await.ok(201);
        assert_eq!(granted["secretNames"], json!([]));
        let state = world.get(&token, &path).await.ok(200);
        assert_eq!((&state["required"], &state["setup"]), (&json!(null), &json!(null)));
        // The kind of this test sends no requests, so that the grant is what changed.
        assert_eq!(sends().await.refusal(), (501, "not_supported".into()));
        world.delete(&person, "/extensions/reader").await.ok(200);
        world.delete(&person, &format!("/connections/{connection}")).await.ok(200);
    }
    world.check_answers();
}
