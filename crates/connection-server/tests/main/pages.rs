//! A page exchanges the code that its host gave it.

use std::time::Duration;

use connection_core::{NewAccessToken, Role};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::{http::Request, test_host::World};

async fn code(world: &World) -> SecretString {
    let page = NewAccessToken::new("a page", Role::Manage).owner("local");
    world.registry.access_tokens().create_code(page).await.unwrap()
}

fn exchange(world: &World, code: &SecretString) -> Request {
    let body = json!({ "code": code.expose_secret() });
    world.request("POST", "/page-tokens").with("origin", &world.origin()).json(&body)
}

#[tokio::test]
async fn a_code_becomes_the_token_of_a_page_once() {
    let world = World::new().await;
    let code = code(&world).await;
    let answer = world.send(&exchange(&world, &code)).await.ok(201);
    assert_eq!(answer["host"]["name"], "Test host");
    let token = answer["token"].as_str().unwrap();
    let me = world.get(token, "/me").await.ok(200);
    assert_eq!((&me["role"], &me["owner"]), (&json!("manage"), &json!("local")));
    assert_eq!(world.send(&exchange(&world, &code)).await.refusal(), (403, "code_used".into()));
    // A page makes no token that may do more than its own.
    let more = json!({ "name": "a program", "role": "admin" });
    assert_eq!(world.post(token, "/tokens", more).await.refusal(), (403, "not_allowed".into()));
}

#[tokio::test]
async fn a_code_that_is_late_or_unknown_is_refused() {
    let world = World::new().await;
    let late = code(&world).await;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.send(&exchange(&world, &late)).await.refusal(), (403, "code_expired".into()));
    let unknown = SecretString::from("cn_nobody");
    assert_eq!(world.send(&exchange(&world, &unknown)).await.refusal(), (403, "code_unknown".into()));
}

#[tokio::test]
async fn only_a_page_of_this_host_exchanges_a_code() {
    let world = World::new().await;
    let code = code(&world).await;
    let before = world.rows().await;
    let request = exchange(&world, &code);
    for (refused, expected) in [
        (request.clone().without("origin"), (403, "cross_site")),
        (request.clone().with("origin", "http://evil.example"), (403, "cross_site")),
        (request.clone().with("origin", "null"), (403, "cross_site")),
        (request.clone().with("sec-fetch-site", "cross-site"), (403, "cross_site")),
        (request.clone().with("host", "evil.example"), (421, "other_host")),
        (request.clone().with("content-type", "text/plain"), (415, "not_json_type")),
        (request.clone().text("{}"), (422, "invalid_body")),
    ] {
        let (status, code) = world.send(&refused).await.refusal();
        assert_eq!((status, code.as_str()), expected, "{refused:?}");
    }
    assert_eq!(world.rows().await, before);
    world.send(&request).await.ok(201);
}
