//! The record of use over the API: who reads it, what selects among it, and who erases it.

use connection_core::{HttpPolicy, Role};
use serde_json::{Value, json};

use crate::{
    sends::{API, slow},
    test_host::World,
};

/// Returns a host with a kind that sends requests to a provider that is not there.
async fn sending() -> World {
    let policy = HttpPolicy::new().endpoint(API, "http://127.0.0.1:9").unwrap();
    World::with(|registry| registry.http(policy).kind(slow())).await
}

async fn send(world: &World, token: &str, id: &str, path: &str) {
    world.post(token, &format!("/connections/{id}/send"), json!({ "method": "GET", "path": path })).await;
}

fn paths(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|of| of["path"].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn the_uses_of_the_owner_are_listed_with_their_tokens_and_selected() {
    let world = sending().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected_by_key(&ada, "slow").await;
    let reader = world.token(Role::Read, Some("ada")).await;
    let user = world.token(Role::Use, Some("ada")).await;
    send(&world, &ada, &id, "/first?q=private").await;
    send(&world, &user, &id, "/second").await;
    let list = world.get(&reader, "/uses").await.ok(200);
    assert_eq!(paths(&list), ["/second", "/first"]);
    let second = &list["items"][0];
    let expected = json!({
        "connection": id, "door": "api", "method": "GET", "outcome": "failed", "code": "connect", "status": null,
        "agent": null, "extension": null, "grantee": null, "count": 1, "edited": false, "redacted": false,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&second[name], value, "{name} of {second}");
    }
    let me = world.get(&user, "/me").await.ok(200)["tokenId"].clone();
    if me.is_string() {
        assert_eq!(second["token"], me);
    }
    let shown = world.get(&reader, &format!("/uses/{}", second["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(&shown, second);
    let selected = async |query: &str| world.get(&reader, &format!("/uses?{query}")).await.ok(200);
    let token = second["token"].as_str().unwrap();
    assert_eq!(paths(&selected(&format!("token={token}")).await), ["/second"]);
    assert_eq!(paths(&selected("outcome=failed&limit=1").await), ["/second"]);
    let next = selected("limit=1").await["next"].as_str().unwrap().to_owned();
    assert_eq!(paths(&selected(&format!("limit=1&after={next}")).await), ["/first"]);
    assert_eq!(paths(&selected("outcome=denied").await), [""; 0]);
    assert_eq!(paths(&selected("from=2100-01-01T00:00:00Z").await), [""; 0]);
    assert_eq!(paths(&selected(&format!("connection={id}")).await).len(), 2);
    assert_eq!(paths(&selected("grantee=extension:issues").await), [""; 0]);
    for query in ["outcome=lost", "from=yesterday", "grantee=issues", "connection=x", "token=x"] {
        let refused = world.get(&reader, &format!("/uses?{query}")).await.refusal();
        assert_eq!(refused, (422, "invalid_body".into()), "{query}");
    }
    assert_eq!(world.get(&reader, "/uses?after=x").await.refusal(), (422, "invalid_cursor".into()));
    assert_eq!(world.get(&reader, "/uses?grantee=agent:nobody").await.refusal().0, 404);
    let eve = world.token(Role::Manage, Some("eve")).await;
    assert_eq!(paths(&world.get(&eve, "/uses").await.ok(200)), [""; 0]);
    assert_eq!(world.get(&eve, &format!("/uses/{}", second["id"].as_str().unwrap())).await.refusal().0, 404);
    assert_eq!(world.get(&reader, "/uses/x").await.refusal().0, 404);
}

#[tokio::test]
async fn texts_are_erased_by_whoever_administers_the_host() {
    let world = sending().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected_by_key(&ada, "slow").await;
    send(&world, &ada, &id, "/first").await;
    let all = json!({ "before": "2100-01-01T00:00:00Z" });
    assert_eq!(world.post(&ada, "/uses/erase", all.clone()).await.refusal(), (403, "not_allowed".into()));
    let admin = world.token(Role::Admin, None).await;
    let refused = world.post(&admin, "/uses/erase?owner=ada", json!({ "before": "soon" })).await;
    assert_eq!(refused.refusal(), (422, "invalid_body".into()));
    assert_eq!(world.post(&admin, "/uses/erase", all.clone()).await.ok(200), json!({ "erased": 0 }));
    assert_eq!(world.post(&admin, "/uses/erase?owner=ada", all).await.ok(200), json!({ "erased": 2 }));
    assert_eq!(paths(&world.get(&ada, "/uses").await.ok(200)), [""; 0]);
}
