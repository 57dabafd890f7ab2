//! A kind that changed is accepted by a person who has seen the change.

use connection_core::Role;
use serde_json::json;

use crate::{kinds::acme_with, test_host::World};

#[tokio::test]
async fn a_change_is_accepted_as_it_was_seen() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    world.registry.kinds().replace(acme_with("reads the account\nsends to https://a.example")).unwrap();
    let id = world.connected(&ada, "octocat").await;
    let path = "/kinds/acme/accept";
    assert_eq!(world.get(&ada, path).await.ok(200)["changes"], json!([]));
    world.registry.kinds().replace(acme_with("reads the account\nsends to https://b.example")).unwrap();
    let verified = world.post(&ada, &format!("/connections/{id}/verify"), json!({})).await;
    assert_eq!(verified.refusal(), (409, "kind_changed".into()));
    let shown = world.get(&ada, path).await.ok(200);
    let change = json!({
        "connections": 1,
        "stopsUse": true,
        "removed": ["sends to https://a.example"],
        "added": ["sends to https://b.example"],
    });
    assert_eq!((&shown["connections"], &shown["changes"]), (&json!(1), &json!([change])));
    // It changes once more before the person answers.
    world.registry.kinds().replace(acme_with("reads the account\nsends to https://c.example")).unwrap();
    let late = world.post(&ada, path, json!({ "seen": shown["seen"] })).await;
    assert_eq!(late.refusal(), (412, "revision_changed".into()));
    let seen = world.get(&ada, path).await.ok(200)["seen"].clone();
    let accepted = world.post(&ada, path, json!({ "seen": seen })).await.ok(200);
    assert_eq!(accepted["connections"], json!(1));
    world.post(&ada, &format!("/connections/{id}/verify"), json!({})).await.ok(200);
    assert_eq!(world.get(&ada, path).await.ok(200)["changes"], json!([]));
    assert_eq!(world.get(&ada, "/kinds/none/accept").await.refusal(), (404, "unknown_kind".into()));
}
