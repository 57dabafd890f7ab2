//! The permissions of callers: roles, owners, and the tokens of pages and programs.

use connection_core::{Audience, NewAccessToken, NewAgentToken, Role};
use serde_json::json;

use crate::test_host::World;

#[tokio::test]
async fn a_caller_is_told_who_it_is() {
    let world = World::new().await;
    let token = world.token(Role::Use, Some("ada")).await;
    let me = world.get(&token, "/me").await.ok(200);
    assert_eq!((&me["role"], &me["owner"]), (&json!("use"), &json!("ada")));
    assert_eq!(me["host"]["name"], "Test host");
    // Every caller may revoke its own token, and then is nobody.
    let own = world.request("DELETE", &format!("/tokens/{}", me["token"].as_str().unwrap())).bearer(&token);
    assert_eq!(world.send(&own).await.status, 204);
    assert_eq!(world.get(&token, "/me").await.refusal(), (401, "unauthenticated".into()));
    assert_eq!((&me["setup"], &me["extension"]), (&json!(null), &json!(null)));
    let answer = world.send(&world.request("GET", "/me")).await;
    assert_eq!(answer.refusal(), (401, "unauthenticated".into()));
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn what_belongs_to_another_owner_does_not_exist() {
    let world = World::new().await;
    let ada = world.token(Role::Admin, Some("ada")).await;
    let bob = world.token(Role::Admin, Some("bob")).await;
    let operator = world.token(Role::Admin, None).await;
    let id = world.connected(&ada, "octocat").await;
    world.get(&ada, &format!("/connections/{id}")).await.ok(200);
    for path in ["", "/removal", "/events"] {
        let answer = world.get(&bob, &format!("/connections/{id}{path}")).await;
        assert_eq!(answer.refusal(), (404, "not_found".into()), "{path}");
    }
    assert_eq!(world.get(&bob, "/connections").await.ok(200)["items"], json!([]));
    assert_eq!(world.get(&bob, "/events").await.ok(200)["items"], json!([]));
    assert_eq!(world.get(&bob, "/connections?owner=ada").await.refusal(), (403, "not_allowed".into()));
    // An operator names the owner, and is `local` without.
    assert_eq!(world.get(&operator, "/connections").await.ok(200)["items"], json!([]));
    let listed = world.get(&operator, "/connections?owner=ada").await.ok(200);
    assert_eq!(listed["items"][0]["id"], json!(id));
    assert_eq!(world.get(&operator, "/connections?owner=%00").await.refusal().0, 422);
}

#[tokio::test]
async fn an_administrator_makes_lists_and_revokes_the_tokens_of_an_owner() {
    let world = World::new().await;
    let ada = world.token(Role::Admin, Some("ada")).await;
    let bob = world.token(Role::Admin, Some("bob")).await;
    let made = world.post(&ada, "/tokens", json!({ "name": "a report", "role": "read", "days": 3 })).await.ok(201);
    assert_eq!((&made["owner"], &made["role"], &made["page"]), (&json!("ada"), &json!("read"), &json!(false)));
    assert_eq!(made["expiresAt"], "2027-01-18T08:00:00Z");
    let (id, text) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    world.get(text, "/connections").await.ok(200);
    // The text is not shown again.
    let listed = world.get(&ada, "/tokens").await;
    assert!(!listed.body.contains(&text[3..]));
    assert_eq!(listed.ok(200)["items"].as_array().unwrap().len(), 2);
    let revoke = |token: &str| world.request("DELETE", &format!("/tokens/{id}")).bearer(token);
    assert_eq!(world.send(&revoke(&bob)).await.refusal(), (404, "token_not_found".into()));
    world.get(text, "/connections").await.ok(200);
    assert_eq!(world.send(&revoke(&ada)).await.status, 204);
    assert_eq!(world.get(text, "/connections").await.refusal().0, 401);
    for body in [
        json!({ "name": "a report", "role": "root" }),
        json!({ "name": "a report", "role": "read", "days": 0 }),
        json!({ "name": "", "role": "read" }),
        json!({ "name": "a report", "role": "read", "more": 1 }),
    ] {
        assert_eq!(world.post(&ada, "/tokens", body.clone()).await.refusal().0, 422, "{body}");
    }
    let foreign = json!({ "name": "a report", "role": "read", "owner": "bob" });
    assert_eq!(world.post(&ada, "/tokens", foreign).await.refusal(), (403, "not_allowed".into()));
}

#[tokio::test]
async fn a_caller_makes_and_revokes_no_token_that_may_do_more_than_its_own() {
    let world = World::new().await;
    let admin = world.token(Role::Admin, Some("ada")).await;
    let page = world.token(Role::Manage, Some("ada")).await;
    let user = world.token(Role::Use, Some("ada")).await;
    let id = |token: String| async { world.get(&{ token }, "/me").await.ok(200)["token"].as_str().unwrap().to_owned() };
    let (admin_id, user_id) = (id(admin.clone()).await, id(user.clone()).await);
    let listed = world.get(&page, "/tokens").await.ok(200);
    let roles: Vec<_> = listed["items"].as_array().unwrap().iter().map(|token| token["role"].clone()).collect();
    assert_eq!(roles, ["manage", "use"]);
    let new = |role: &str| json!({ "name": "a report", "role": role });
    assert_eq!(world.post(&page, "/tokens", new("admin")).await.refusal(), (403, "not_allowed".into()));
    assert_eq!(world.post(&user, "/tokens", new("read")).await.refusal(), (403, "not_allowed".into()));
    world.post(&page, "/tokens", new("manage")).await.ok(201);
    let revoke = |token: &str, id: &str| world.request("DELETE", &format!("/tokens/{id}")).bearer(token);
    assert_eq!(world.send(&revoke(&page, &admin_id)).await.refusal(), (403, "not_allowed".into()));
    assert_eq!(world.send(&revoke(&user, &admin_id)).await.refusal(), (403, "not_allowed".into()));
    assert_eq!(world.send(&revoke(&page, &user_id)).await.status, 204);
    assert_eq!(world.get(&user, "/me").await.refusal().0, 401);
    world.get(&admin, "/me").await.ok(200);
}

#[tokio::test]
async fn the_token_of_an_extension_is_made_for_one_that_its_owner_has() {
    let world = World::new().await;
    let page = world.token(Role::Manage, Some("ada")).await;
    let new = |extension: Option<&str>, role: &str| json!({ "name": "x", "role": role, "extension": extension });
    let unknown = world.post(&page, "/tokens", new(Some("issues"), "extension")).await;
    assert_eq!(unknown.refusal(), (404, "unknown_extension".into()));
    assert_eq!(world.post(&page, "/tokens", new(None, "extension")).await.refusal().0, 422);
    assert_eq!(world.post(&page, "/tokens", new(Some("issues"), "use")).await.refusal().0, 422);
}

#[tokio::test]
async fn a_token_of_an_extension_opens_nothing_of_the_owner() {
    use secrecy::ExposeSecret as _;
    let world = World::new().await;
    let new = NewAccessToken::new("issues", Role::Admin).owner("ada").extension("issues");
    let issued = world.registry.access_tokens().create(new).await.unwrap();
    let token = issued.text.expose_secret();
    assert_eq!(world.get(token, "/me").await.ok(200)["role"], "extension");
    for path in ["/connections", "/setups", "/events", "/tokens", "/kinds", "/system", "/usage"] {
        assert_eq!(world.get(token, path).await.refusal(), (403, "not_allowed".into()), "{path}");
    }
}

/// There is no door yet, so the token of an agent is refused wherever an unknown one is.
#[tokio::test]
async fn a_token_of_an_agent_is_refused_at_every_route() {
    use secrecy::ExposeSecret as _;
    let world = World::new().await;
    let agent = world.registry.agents().create("deploy").await.unwrap();
    let unknown = format!("cn_{}", "A".repeat(43));
    let document = world.send(&world.request("GET", "/openapi.json")).await.ok(200);
    for audience in Audience::ALL {
        let issued = agent.new_token(NewAgentToken::new("a test", audience)).await.unwrap();
        let mut refused = 0;
        for (pattern, item) in document["paths"].as_object().unwrap() {
            let Some(pattern) = pattern.strip_prefix("/api/v1") else { continue };
            let id = "018f3b9e-7d2a-7c31-9f43-0123456789ab";
            let fill = |part: &str| if part.starts_with('{') { id.to_owned() } else { part.to_owned() };
            let path = pattern.split('/').map(fill).collect::<Vec<_>>().join("/");
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                if item.get(method.to_lowercase()).is_none() {
                    continue;
                }
                let send = async |token: &str| {
                    let request = world.request(method, &path).bearer(token);
                    let request = if method == "GET" { request } else { request.json(&json!({})) };
                    world.send(&request).await
                };
                let (answer, control) = (send(issued.text.expose_secret()).await, send(&unknown).await);
                assert_eq!(answer.status, control.status, "{method} {path}: {answer:?}");
                if answer.status == 401 {
                    assert_eq!(answer.refusal(), control.refusal(), "{method} {path}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 50, "{refused}");
        for path in ["/metrics", "/readyz"] {
            let root = world.root(path);
            let answer = world.send(&root.clone().bearer(issued.text.expose_secret())).await;
            assert_eq!(answer.status, world.send(&root).await.status, "{path}");
        }
    }
}
