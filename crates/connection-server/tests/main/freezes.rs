//! Freezing and thawing over the API: who may do it, what it stops, and what is shown.

use connection_core::{HttpPolicy, Role};
use serde_json::{Value, json};

use crate::{
    http::Answer,
    sends::{API, slow},
    test_host::World,
};

/// Returns a host with a kind that sends requests to a provider that is not there.
async fn sending() -> World {
    let policy = HttpPolicy::new().endpoint(API, "http://127.0.0.1:9").unwrap();
    World::with(|registry| registry.http(policy).kind(slow())).await
}

async fn freeze(world: &World, token: &str, what: &str) -> Answer {
    world.post(token, "/freezes", json!({ "what": what })).await
}

async fn thaw(world: &World, token: &str, what: &str) -> Answer {
    world.send(&world.request("DELETE", &format!("/freezes/{what}")).bearer(token)).await
}

async fn send(world: &World, token: &str, id: &str) -> Answer {
    world.post(token, &format!("/connections/{id}/send"), json!({ "method": "GET", "path": "/user" })).await
}

fn whats(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["what"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_frozen_connection_is_refused_and_marked_until_it_is_thawed() {
    let world = sending().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected_by_key(&ada, "slow").await;
    let what = format!("connection:{id}");
    let froze = freeze(&world, &ada, &what).await.ok(200);
    let expected =
        json!({ "what": what, "wasFrozen": false, "connections": 1, "released": [], "hasOlder": false, "remaining": [] });
    assert_eq!(froze, expected);
    assert_eq!(freeze(&world, &ada, &what).await.ok(200)["wasFrozen"], true);
    let refused = send(&world, &ada, &id).await;
    assert_eq!(refused.refusal(), (403, "frozen".into()));
    assert!(refused.json()["remedy"].as_str().unwrap().contains("thaw"), "{}", refused.body);
    assert_eq!(world.get(&ada, &format!("/connections/{id}")).await.ok(200)["frozen"], true);
    assert_eq!(world.get(&ada, "/connections").await.ok(200)["items"][0]["frozen"], true);
    // A verification goes on.
    world.post(&ada, &format!("/connections/{id}/verify"), json!({})).await.ok(200);
    let list = world.get(&ada, "/freezes").await.ok(200);
    assert_eq!((whats(&list), &list["refused"]), (vec![&*what], &json!(null)));
    assert!(list["items"][0]["by"].as_str().unwrap().starts_with("token "), "{list}");
    let thawed = thaw(&world, &ada, &what).await.ok(200);
    assert_eq!(thawed, json!({ "what": what, "wasFrozen": true, "still": [] }));
    assert_eq!(thaw(&world, &ada, &what).await.ok(200)["wasFrozen"], false);
    assert_eq!(world.get(&ada, &format!("/connections/{id}")).await.ok(200)["frozen"], false);
    assert_eq!(send(&world, &ada, &id).await.refusal().0, 502, "it was sent");
    let changes = world.get(&ada, "/freezes").await.ok(200)["changes"].clone();
    let frozen: Vec<_> = changes.as_array().unwrap().iter().map(|change| change["frozen"].clone()).collect();
    assert_eq!(frozen, [json!(false), json!(true)]);
}

#[tokio::test]
async fn an_owner_freezes_what_belongs_to_it_and_nothing_else() {
    let world = World::new().await;
    let ada = world.token(Role::Admin, Some("ada")).await;
    let bob = world.token(Role::Admin, Some("bob")).await;
    let operator = world.token(Role::Manage, None).await;
    let id = world.connected(&ada, "a").await;
    assert_eq!(freeze(&world, &bob, &format!("connection:{id}")).await.refusal(), (404, "not_found".into()));
    assert_eq!(freeze(&world, &bob, "owner:ada").await.refusal(), (403, "not_allowed".into()));
    assert_eq!(freeze(&world, &bob, "agent:nobody").await.refusal(), (404, "unknown_agent".into()));
    freeze(&world, &ada, &format!("connection:{id}")).await.ok(200);
    assert_eq!(thaw(&world, &bob, &format!("connection:{id}")).await.ok(200)["wasFrozen"], false);
    assert_eq!(whats(&world.get(&bob, "/freezes").await.ok(200)), [""; 0]);
    freeze(&world, &ada, "owner:ada").await.ok(200);
    freeze(&world, &operator, "owner:bob").await.ok(200);
    assert_eq!(whats(&world.get(&bob, "/freezes").await.ok(200)), ["owner:bob"]);
    let thawed = thaw(&world, &ada, &format!("connection:{id}")).await.ok(200);
    assert_eq!(thawed["still"], json!(["owner:ada"]));
    let agent = world.registry.owner("ada").unwrap().agents().create("deploy").await.unwrap();
    let froze = freeze(&world, &ada, "agent:deploy").await.ok(200);
    assert_eq!(froze["what"], format!("agent:{}", agent.id()));
    for body in [json!({ "what": "github" }), json!({ "what": "" }), json!({ "what": "all", "more": 1 }), json!({})] {
        assert_eq!(world.post(&ada, "/freezes", body.clone()).await.refusal(), (422, "invalid_body".into()), "{body}");
    }
}

#[tokio::test]
async fn what_concerns_all_owners_is_frozen_by_an_administrator_alone() {
    let world = World::new().await;
    let ada = world.token(Role::Admin, Some("ada")).await;
    let manager = world.token(Role::Manage, None).await;
    let user = world.token(Role::Use, Some("ada")).await;
    let operator = world.token(Role::Admin, None).await;
    let local = world.token(Role::Admin, Some("local")).await;
    let id = world.connected(&ada, "a").await;
    for what in ["all", "kind:acme"] {
        for token in [&ada, &manager] {
            assert_eq!(freeze(&world, token, what).await.refusal(), (403, "not_allowed".into()), "{what}");
            assert_eq!(thaw(&world, token, what).await.refusal(), (403, "not_allowed".into()), "{what}");
        }
        for token in [&operator, &local] {
            assert_eq!(freeze(&world, token, what).await.ok(200)["what"], what);
            assert_eq!(world.get(&ada, &format!("/connections/{id}")).await.ok(200)["frozen"], true, "{what}");
            assert_eq!(whats(&world.get(&ada, "/freezes").await.ok(200)), [what]);
            thaw(&world, token, what).await.ok(200);
        }
    }
    let refused = freeze(&world, &user, &format!("connection:{id}")).await;
    assert_eq!(refused.refusal(), (403, "not_allowed".into()));
    assert_eq!(whats(&world.get(&user, "/freezes").await.ok(200)), [""; 0]);
}
