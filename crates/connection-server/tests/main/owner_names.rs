//! The name by which people know an owner: an administrator sets it, and who connects an account for the owner reads it.

use connection_core::Role;
use serde_json::json;

use crate::test_host::World;

#[tokio::test]
async fn an_administrator_alone_sets_the_name_of_an_owner() {
    let world = World::new().await;
    let admin = world.token(Role::Admin, None).await;
    let mallory = world.token(Role::Manage, Some("mallory")).await;
    let put = |token: &str, path: &str, name: serde_json::Value| {
        world.request("PUT", path).bearer(token).json(&json!({ "name": name }))
    };
    let refused = world.send(&put(&mallory, "/owner", json!("The support team"))).await;
    assert_eq!(refused.refusal(), (403, "not_allowed".into()));
    assert_eq!(world.get(&mallory, "/owner").await.ok(200), json!({ "owner": "mallory", "name": null }));
    let set = world.send(&put(&admin, "/owner?owner=mallory", json!("Mallory\u{202e} Malone"))).await.ok(200);
    assert_eq!(set, json!({ "owner": "mallory", "name": "Mallory Malone" }), "without invisible characters");
    assert_eq!(world.get(&mallory, "/owner").await.ok(200), set);
    assert_eq!(world.get(&mallory, "/me").await.ok(200)["ownerName"], "Mallory Malone");
    assert_eq!(world.get(&admin, "/owner").await.ok(200), json!({ "owner": "local", "name": null }));
    assert_eq!(world.get(&admin, "/me").await.ok(200)["ownerName"], json!(null));
    let blank = world.send(&put(&admin, "/owner?owner=mallory", json!(" "))).await;
    assert_eq!((blank.refusal(), blank.json()["field"].clone()), ((422, "invalid_body".into()), json!("name")));
    let setup = world.post(&mallory, "/setups", json!({ "kind": "login" })).await.ok(201);
    let setup = world.until(&mallory, setup["id"].as_str().unwrap(), &setup, "redirect").await;
    let asked = world.visit(setup["open"].as_str().unwrap(), "").await;
    assert!(asked.body.contains("Mallory Malone"), "{}", asked.body);
    let removed = world.send(&put(&admin, "/owner?owner=mallory", json!(null))).await.ok(200);
    assert_eq!(removed["name"], json!(null));
    assert!(world.visit(setup["open"].as_str().unwrap(), "").await.body.contains("<strong>mallory</strong>"));
}
