//! The profiles of local tools over the API.

use connection_core::Role;
use serde_json::{Value, json};

use crate::test_host::World;

#[tokio::test]
async fn a_profile_is_made_renamed_chosen_and_forgotten() {
    let world = World::new().await;
    let local = world.token(Role::Manage, Some("local")).await;
    let labels = async |token: &str| {
        let listed = world.get(token, "/profiles").await.ok(200);
        let items = listed["items"].as_array().unwrap().clone();
        items.into_iter().map(|profile| (profile["label"].clone(), profile["isDefault"].clone())).collect::<Vec<_>>()
    };
    // The directory that the tool uses by itself is the first profile.
    assert_eq!(labels(&local).await, [(json!("Default"), json!(true))]);
    let new = json!({ "kind": "tool", "label": "work", "directory": "/profiles/work" });
    let made = world.post(&local, "/profiles", new.clone()).await.ok(201);
    assert_eq!((&made["directory"], &made["found"]["state"]), (&json!("/profiles/work"), &json!("gone")));
    let path = format!("/profiles/{}", made["id"].as_str().unwrap());
    let change = |body: Value| world.request("PATCH", &path).bearer(&local).json(&body);
    let changed = world.send(&change(json!({ "label": "home", "default": true }))).await.ok(200);
    assert_eq!((&changed["id"], &changed["label"]), (&made["id"], &json!("home")));
    assert_eq!(labels(&local).await, [(json!("Default"), json!(false)), (json!("home"), json!(true))]);
    let remove = world.request("DELETE", &path).bearer(&local).json(&json!({}));
    assert_eq!(world.send(&remove).await.refusal(), (409, "profile_default".into()));
    // Another owner has profiles of its own.
    let bob = world.token(Role::Manage, Some("bob")).await;
    assert_eq!(labels(&bob).await, []);
    let foreign = world.request("DELETE", &path).bearer(&bob).json(&json!({}));
    assert_eq!(world.send(&foreign).await.refusal(), (404, "profile_not_found".into()));
    let first = world.get(&local, "/profiles").await.ok(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let back = world.request("PATCH", &format!("/profiles/{first}")).bearer(&local).json(&json!({ "default": true }));
    world.send(&back).await.ok(200);
    assert_eq!(world.send(&remove).await.ok(200)["label"], "home");
    assert_eq!(labels(&local).await, [(json!("Default"), json!(true))]);
}

#[tokio::test]
async fn a_profile_that_cannot_be_is_refused_with_its_reason() {
    let world = World::new().await;
    let local = world.token(Role::Manage, Some("local")).await;
    let refusal = async |kind: &str, directory: &str| {
        let new = json!({ "kind": kind, "label": "work", "directory": directory });
        world.post(&local, "/profiles", new).await.refusal()
    };
    assert_eq!(refusal("acme", "/profiles/work").await, (409, "not_supported".into()));
    assert_eq!(refusal("none", "/profiles/work").await, (404, "unknown_kind".into()));
    assert_eq!(refusal("tool", "work").await, (422, "invalid_directory".into()));
    assert_eq!(refusal("tool", "").await, (422, "invalid_directory".into()));
}

#[tokio::test]
async fn only_the_person_of_the_machine_and_an_administrator_choose_its_directories() {
    let world = World::new().await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let admin = world.token(Role::Admin, Some("bob")).await;
    let new = json!({ "kind": "tool", "label": "work", "directory": "/profiles/work" });
    assert_eq!(world.post(&bob, "/profiles", new.clone()).await.refusal(), (403, "not_allowed".into()));
    let made = world.post(&admin, "/profiles", new).await.ok(201);
    let path = format!("/profiles/{}", made["id"].as_str().unwrap());
    let change = |body: Value| world.request("PATCH", &path).bearer(&bob).json(&body);
    let moved = world.send(&change(json!({ "directory": "/profiles/other" }))).await;
    assert_eq!(moved.refusal(), (403, "not_allowed".into()));
    assert_eq!(world.send(&change(json!({ "label": "home" }))).await.ok(200)["label"], "home");
}

#[tokio::test]
async fn a_slot_uses_a_profile_of_its_own_until_it_uses_the_default_again() {
    let world = World::new().await;
    let token = world.token(Role::Admin, Some("ada")).await;
    let make = async |label: &str| {
        let new = json!({ "kind": "tool", "label": label, "directory": format!("/profiles/{label}") });
        world.post(&token, "/profiles", new).await.ok(201)["id"].as_str().unwrap().to_owned()
    };
    let (work, home) = (make("work").await, make("home").await);
    let change = |id: &str, body: Value| {
        let path = format!("/profiles/{id}/slots");
        let (world, token) = (&world, &token);
        async move { world.post(token, &path, body).await }
    };
    assert_eq!(change(&work, json!({ "slot": "a" })).await.ok(200)["slots"], json!(["a"]));
    assert_eq!(change(&work, json!({ "slot": "b", "uses": true })).await.ok(200)["slots"], json!(["a", "b"]));
    assert_eq!(change(&home, json!({ "slot": "b" })).await.ok(200)["slots"], json!(["b"]));
    // The slot is that of another profile by now.
    assert_eq!(change(&work, json!({ "slot": "b", "uses": false })).await.ok(200)["slots"], json!(["a"]));
    let listed = world.get(&token, "/profiles").await.ok(200);
    let slots =
        |id: &str| listed["items"].as_array().unwrap().iter().find(|item| item["id"] == id).unwrap()["slots"].clone();
    assert_eq!((slots(&work), slots(&home)), (json!(["a"]), json!(["b"])));
    assert_eq!(change(&home, json!({ "slot": "b", "uses": false })).await.ok(200)["slots"], json!([]));
    assert_eq!(change(&home, json!({ "slot": "" })).await.refusal().0, 422);
    assert_eq!(change("x", json!({ "slot": "a" })).await.refusal(), (404, "profile_not_found".into()));
    let stranger = world.token(Role::Admin, Some("bob")).await;
    let path = format!("/profiles/{home}/slots");
    let foreign = world.post(&stranger, &path, json!({ "slot": "a" })).await;
    assert_eq!(foreign.refusal(), (404, "profile_not_found".into()));
}
