//! The tags of connections over the API: set as a whole, shown, and a filter of the list.

use connection_core::Role;
use serde_json::{Value, json};

use crate::{http::Answer, test_host::World};

async fn set(world: &World, token: &str, id: &str, tags: Value) -> Answer {
    let request = world.request("PUT", &format!("/connections/{id}/tags")).bearer(token);
    world.send(&request.json(&json!({ "tags": tags }))).await
}

async fn labels(world: &World, token: &str, query: &str) -> Vec<String> {
    let page = world.get(token, &format!("/connections?{query}")).await.ok(200);
    page["items"].as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_list_is_filtered_and_searched_by_tags() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    for (name, tags) in [("a", json!({ "plan": "pro" })), ("b", json!({ "plan": "pro", "x": "1=2" })), ("c", json!({}))] {
        let id = world.connected(&token, name).await;
        assert_eq!(set(&world, &token, &id, tags.clone()).await.ok(200)["tags"], tags);
        assert_eq!(world.get(&token, &format!("/connections/{id}")).await.ok(200)["tags"], tags);
    }
    assert_eq!(labels(&world, &token, "tag=plan%3Dpro").await, ["a", "b"]);
    assert_eq!(labels(&world, &token, "tag=x%3D1%3D2").await, ["b"]);
    assert_eq!(labels(&world, &token, "tag=plan%3Dfree").await, [""; 0]);
    assert_eq!(labels(&world, &token, "search=plan%3DPRO&state=live").await, ["a", "b"]);
    // Pages, with the counts of all connections on the first one.
    let first = world.get(&token, "/connections?tag=plan%3Dpro&limit=1").await.ok(200);
    assert_eq!((&first["items"][0]["label"], &first["counts"]["all"]), (&json!("a"), &json!(3)));
    let next = format!("tag=plan%3Dpro&limit=1&after={}", first["next"].as_str().unwrap());
    assert_eq!(labels(&world, &token, &next).await, ["b"]);
    let refused = world.get(&token, "/connections?tag=plan").await;
    assert_eq!((refused.refusal().1, &refused.json()["field"]), ("invalid_body".into(), &json!("tag")));
}

#[tokio::test]
async fn tags_of_another_form_and_changes_of_an_old_state_are_refused() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected(&token, "a").await;
    let many: Value = (0..17).map(|n| (format!("t{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    for tags in [json!({ "": "v" }), json!({ "a": "" }), json!({ "a": "x\ny" }), many] {
        let refused = set(&world, &token, &id, tags).await;
        assert_eq!((refused.refusal(), &refused.json()["field"]), ((422, "invalid_tags".into()), &json!("tags")));
    }
    let more = world.request("PUT", &format!("/connections/{id}/tags")).bearer(&token);
    assert_eq!(world.send(&more.json(&json!({ "tags": {}, "more": 1 }))).await.refusal().1, "invalid_body");
    let reader = world.token(Role::Use, Some("ada")).await;
    assert_eq!(set(&world, &reader, &id, json!({ "a": "b" })).await.refusal(), (403, "not_allowed".into()));
    let seen = world.get(&token, &format!("/connections/{id}")).await;
    let tag = seen.header("etag").to_owned();
    set(&world, &token, &id, json!({ "a": "b" })).await.ok(200);
    let late = world.request("PUT", &format!("/connections/{id}/tags")).bearer(&token).with("if-match", &tag);
    assert_eq!(world.send(&late.json(&json!({ "tags": {} }))).await.refusal(), (412, "revision_changed".into()));
    assert_eq!(world.get(&token, &format!("/connections/{id}")).await.ok(200)["tags"], json!({ "a": "b" }));
}
