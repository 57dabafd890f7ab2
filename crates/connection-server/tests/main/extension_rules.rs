//! Rules about the requests of an extension, over the API.

use connection_core::Role;
use serde_json::{Value, json};

use crate::{
    declared::sending,
    extensions::{extension_token, manifest},
    test_host::World,
};

pub(crate) fn rules() -> Value {
    json!({
        "budget": { "requests": 1, "per": "1h" },
        "rule": [{ "name": "me", "methods": ["GET"], "path": "/me", "effect": "allow" }],
    })
}

#[tokio::test]
async fn an_extension_that_was_granted_rules_is_refused_what_they_do_not_allow() {
    let (world, ada, id) = sending().await;
    let granted = world.post(&ada, "/extensions/issues/grants", json!({ "connection": id, "rules": rules() })).await;
    let granted = granted.ok(201);
    assert_eq!(granted["secretNames"], json!([]));
    assert_eq!(granted["words"], json!(["may send GET /me", "nothing else", "at most 1 request in 1h"]));
    assert_eq!(world.get(&ada, "/extensions/issues").await.ok(200)["grants"][0], granted);

    let token = extension_token(&world.registry, "alice", "issues").await;
    let send = async |method: &str, path: &str| {
        let body = json!({ "method": method, "path": path });
        world.post(&token, "/extensions/issues/connections/default/send", body).await
    };
    assert_eq!(send("DELETE", "/me").await.refusal(), (403, "rule_denied".into()));
    assert_eq!(send("GET", "/me/%252e%252e/keys").await.refusal().0, 422);
    assert_eq!(send("GET", "/a%2Fb").await.refusal(), (422, "ambiguous_request".into()));
    assert_eq!(send("GET", "/me").await.ok(200)["status"], 200);
    assert_eq!(send("GET", "/me").await.refusal(), (429, "budget_spent".into()));

    let asks = world.post(&ada, "/extensions/issues/grants", json!({ "connection": id, "rules": "ask" })).await;
    assert_eq!(asks.ok(201)["words"], json!(["is asked about before GET or HEAD", "nothing else"]));
    assert_eq!(send("GET", "/me").await.refusal(), (403, "approval_required".into()));
    let free = world.post(&ada, "/extensions/issues/grants", json!({ "connection": id, "secretNames": [] })).await;
    assert_eq!(free.ok(201)["words"], Value::Null);
    assert_eq!(send("GET", "/me").await.ok(200)["status"], 200);
}

#[tokio::test]
async fn rules_that_cannot_be_held_are_refused() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    world.post(&ada, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let id = world.connected(&ada, "octocat").await;
    let refused = async |more: Value| {
        let mut body = json!({ "connection": id });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.post(&ada, "/extensions/issues/grants", body).await.refusal()
    };
    let both = refused(json!({ "rules": "ask", "secretNames": ["apiKey"] })).await;
    assert_eq!(both, (422, "invalid_body".into()), "a secret would be used without the rules");
    assert_eq!(refused(json!({ "rules": "no-such" })).await, (404, "unknown_preset".into()));
    assert_eq!(refused(json!({ "rules": { "rules": [] } })).await, (422, "invalid_rules".into()));
    let ending = json!({ "rules": { "expires": "1h", "rule": [] } });
    assert_eq!(refused(ending).await.1, "invalid_rules");
    assert_eq!(world.get(&ada, "/extensions/issues").await.ok(200)["grants"], json!([]));
}
