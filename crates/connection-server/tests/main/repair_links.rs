//! Setup links that repair one connection: what their visitor sees and begins, and nothing else.

use connection_core::Role;
use serde_json::{Value, json};

use crate::test_host::{KEY, World};

/// Makes a link that repairs a connection of the owner `ada`, opens it, and returns the token of its page.
async fn visitor(world: &World, connection: &str) -> String {
    let admin = world.token(Role::Manage, None).await;
    let body = json!({ "owner": "ada", "connection": connection, "name": "for ada" });
    let link = world.post(&admin, "/setup-links", body).await.ok(201);
    opened(world, &link).await
}

async fn opened(world: &World, link: &Value) -> String {
    let code = link["address"].as_str().unwrap().split_once("/link#link=").unwrap().1;
    let exchange = world.request("POST", "/page-tokens").with("origin", &world.origin());
    let page = world.send(&exchange.json(&json!({ "code": code, "link": true }))).await.ok(201);
    page["token"].as_str().unwrap().to_owned()
}

/// Begins the repair and signs in under this name, and returns the end of the setup.
async fn signed_in(world: &World, visitor: &str, connection: &str, name: &str) -> Value {
    let setup = world.post(visitor, "/setups", json!({ "connection": connection })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(visitor, id, &setup, "prompt").await;
    let answers = json!({ "step": setup["step"], "answers": { "name": name, "apiKey": KEY } });
    let mut setup = world.post(visitor, &format!("/setups/{id}/answers"), answers).await.ok(202);
    while !["done", "failed"].contains(&setup["type"].as_str().unwrap()) {
        let cursor = setup["cursor"].as_str().unwrap().to_owned();
        setup = world.get(visitor, &format!("/setups/{id}?after={cursor}")).await.ok(200);
    }
    setup
}

#[tokio::test]
async fn a_visitor_repairs_the_connection_of_the_link_and_is_told_which_account_it_must_be() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let connection = world.connected(&ada, "octocat").await;
    let path = format!("/connections/{connection}");
    let renamed = world.request("PATCH", &path).bearer(&ada).json(&json!({ "label": "payroll" }));
    world.send(&renamed).await.ok(200);
    let other = world.connected(&ada, "hubot").await;
    let visitor = visitor(&world, &connection).await;
    let me = world.get(&visitor, "/me").await.ok(200);
    assert_eq!(
        me["repairs"],
        json!({
            "connection": connection, "kind": "acme", "kindTitle": "Acme & Sons",
            "providerTitle": "Acme & Sons", "account": "octocat",
        })
    );
    assert_eq!((&me["role"], &me["kinds"], &me["setup"]), (&json!("link"), &json!(["acme"]), &json!(null)));
    // Another account is refused, also one that the owner has connected, and the visitor may try again.
    let failed = signed_in(&world, &visitor, &connection, "hubot").await;
    let (message, remedy) = (&failed["reason"]["message"], &failed["reason"]["remedy"]);
    assert_eq!(failed["reason"]["code"], "account_changed");
    assert_eq!(message, "this is the account hubot, but this link is for octocat");
    assert_eq!(remedy, "sign in as octocat, or ask whoever sent the link");
    let done = signed_in(&world, &visitor, &connection, "octocat").await;
    assert_eq!((&done["type"], &done["connection"], &done["label"]), (&json!("done"), &json!(connection), &json!(null)));
    // The link has ended with the repair.
    let again = world.post(&visitor, "/setups", json!({ "connection": connection })).await;
    assert_eq!(again.refusal(), (409, "setup_link_used".into()));
    let events = world.get(&ada, &format!("{path}/events")).await.ok(200);
    let names: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect();
    assert!(names.contains(&json!("reauthorized")), "{names:?}");
    for answer in [world.get(&visitor, "/me").await.body, failed.to_string(), done.to_string()] {
        assert!(!answer.contains("payroll") && !answer.contains(&other), "{answer}");
    }
    world.check_answers();
}

#[tokio::test]
async fn the_visitor_of_a_repair_begins_nothing_else() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let connection = world.connected(&ada, "octocat").await;
    let other = world.connected(&ada, "hubot").await;
    let repair = visitor(&world, &connection).await;
    for body in [
        json!({ "kind": "acme" }),
        json!({ "connection": other }),
        json!({ "connection": connection, "anotherAccount": true }),
        json!({ "connection": connection, "scopes": ["repo"] }),
        json!({}),
    ] {
        let refused = world.post(&repair, "/setups", body.clone()).await;
        assert_eq!(refused.refusal(), (403, "not_allowed".into()), "{body}");
    }
    for path in ["/connections".to_owned(), format!("/connections/{connection}"), "/tokens".to_owned()] {
        assert_eq!(world.get(&repair, &path).await.refusal(), (403, "not_allowed".into()), "{path}");
    }
    // The control: the connection of the link.
    world.post(&repair, "/setups", json!({ "connection": connection })).await.ok(201);
}

#[tokio::test]
async fn a_link_that_repairs_is_refused_for_the_connection_of_another_owner_and_beside_kinds_and_tags() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let connection = world.connected(&ada, "octocat").await;
    let refused = async |token: &str, body: Value| {
        let answer = world.post(token, "/setup-links", body).await;
        (answer.refusal(), answer.json()["field"].clone())
    };
    let field = json!("connection");
    let invalid = ((422, "invalid_body".to_owned()), field.clone());
    assert_eq!(refused(&bob, json!({ "connection": connection })).await, ((404, "not_found".into()), field.clone()));
    assert_eq!(refused(&ada, json!({ "connection": "nothing" })).await, ((404, "not_found".into()), field));
    assert_eq!(refused(&ada, json!({ "connection": connection, "kinds": ["acme"] })).await, invalid);
    assert_eq!(refused(&ada, json!({ "connection": connection, "tags": { "a": "b" } })).await, invalid);
    let tags = refused(&ada, json!({ "kinds": ["acme"], "tags": { "a b": "c" } })).await;
    assert_eq!(tags, ((422, "invalid_tags".into()), json!("tags")));
    // The control.
    world.post(&ada, "/setup-links", json!({ "connection": connection })).await.ok(201);
}

#[tokio::test]
async fn the_token_of_a_repair_ends_when_its_connection_is_removed() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let connection = world.connected(&ada, "octocat").await;
    let visitor = visitor(&world, &connection).await;
    world.get(&visitor, "/me").await.ok(200);
    let removal = world.request("DELETE", &format!("/connections/{connection}")).bearer(&ada);
    world.send(&removal).await.ok(200);
    assert_eq!(world.get(&visitor, "/me").await.refusal(), (401, "unauthenticated".into()));
}

/// A label with a number would tell that the label before it exists.
#[tokio::test]
async fn a_link_for_a_new_account_shows_no_label_and_gives_its_tags() {
    let world = World::new().await;
    let admin = world.token(Role::Manage, None).await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let body = json!({ "owner": "ada", "kinds": ["acme"], "tags": { "customer": "17", "plan": "pro" } });
    let visitor = opened(&world, &world.post(&admin, "/setup-links", body).await.ok(201)).await;
    assert_eq!(world.get(&visitor, "/me").await.ok(200)["repairs"], json!(null));
    let setup = world.post(&visitor, "/setups", json!({ "kind": "acme" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(&visitor, id, &setup, "prompt").await;
    let answers = json!({ "step": setup["step"], "answers": { "name": "octocat", "apiKey": KEY } });
    let setup = world.post(&visitor, &format!("/setups/{id}/answers"), answers).await.ok(202);
    let done = world.until(&visitor, id, &setup, "done").await;
    assert_eq!((&done["label"], &done["account"]["label"]), (&json!(null), &json!("octocat")));
    let shown = world.get(&ada, &format!("/connections/{}", done["connection"].as_str().unwrap())).await.ok(200);
    assert_eq!(shown["tags"], json!({ "customer": "17", "plan": "pro" }));
    // The control: the owner reads the label of the same setup.
    assert_eq!(world.get(&ada, &format!("/setups/{id}")).await.ok(200)["label"], "octocat");
}
