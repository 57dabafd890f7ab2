//! A setup over the API, from its beginning to a connected account.

use connection_core::Role;
use serde_json::json;

use crate::{
    extensions::manifest,
    test_host::{KEY, World},
};

#[tokio::test]
async fn an_account_is_connected_step_by_step_and_no_answer_holds_the_key() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let begun = world.post(&token, "/setups", json!({ "kind": "acme", "label": "work" })).await;
    let location = begun.header("location").to_owned();
    let setup = begun.ok(201);
    let id = setup["id"].as_str().unwrap();
    assert_eq!(location, format!("/api/v1/setups/{id}"));
    let path = format!("/setups/{id}");
    let setup = world.until(&token, id, &setup, "prompt").await;
    assert_eq!((&setup["kindTitle"], &setup["title"]), (&json!("Acme & Sons"), &json!("Connect Acme")));
    assert_eq!((&setup["reauthorizes"], &setup["extension"]), (&json!(null), &json!(null)));
    assert_eq!(setup["createdAt"], "2027-01-15T08:00:00Z");
    let listed = world.get(&token, "/setups").await.ok(200)["items"][0].clone();
    assert_eq!((&listed["id"], &listed["kind"]), (&json!(id), &json!("acme")));
    assert_eq!((&listed["kindTitle"], &listed["provider"]), (&json!("Acme & Sons"), &setup["provider"]));
    assert!(setup["provider"].is_string(), "{setup}");
    // Answers that are missing are named, and what was typed is not repeated.
    let incomplete = json!({ "step": setup["step"], "answers": { "apiKey": KEY } });
    let refused = world.post(&token, &format!("{path}/answers"), incomplete).await;
    assert_eq!(refused.refusal(), (422, "answers_invalid".into()));
    assert_eq!((&refused.json()["field"], &refused.json()["problems"][0]["field"]), (&json!("name"), &json!("name")));
    let answers = json!({ "step": setup["step"], "answers": { "name": "octocat", "apiKey": KEY } });
    let late = json!({ "step": 99, "answers": {} });
    assert_eq!(world.post(&token, &format!("{path}/answers"), late).await.refusal().1, "setup_wrong_step");
    let setup = world.post(&token, &format!("{path}/answers"), answers).await.ok(202);
    let done = world.until(&token, id, &setup, "done").await;
    assert_eq!((&done["label"], &done["liveness"]), (&json!("work"), &json!("live")));
    let connection = done["connection"].as_str().unwrap();
    assert_eq!(world.get(&token, "/setups").await.ok(200)["items"], json!([]));
    let shown = world.get(&token, &format!("/connections/{connection}")).await.ok(200);
    assert_eq!((&shown["label"], &shown["kindTitle"]), (&json!("work"), &json!("Acme & Sons")));
    let events = world.get(&token, &format!("/connections/{connection}/events")).await.ok(200);
    assert_eq!((&events["items"][0]["event"], &events["chain"]), (&json!("connected"), &json!("whole")));
    for path in ["/me", "/tokens", "/connections", "/kinds", "/events", "/system"] {
        world.get(&world.token(Role::Admin, None).await, path).await.ok(200);
    }
    world.check_answers();
}

#[tokio::test]
async fn a_browser_is_led_through_an_address_of_this_host() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let setup = world.post(&token, "/setups", json!({ "kind": "login" })).await.ok(201);
    let setup = world.until(&token, setup["id"].as_str().unwrap(), &setup, "redirect").await;
    let open = setup["open"].as_str().unwrap();
    assert!(open.starts_with(&format!("{}/callback/login/go/", world.origin())), "{open}");
    // A person sees the name and the host of the provider, and not those of this host.
    assert_eq!((&setup["providerTitle"], &setup["openHost"]), (&json!("Login"), &json!("login.example")));
    assert!(!setup.to_string().contains("state="), "only the browser that opens the address gets the state: {setup}");
}

/// The page gets the proof of a setup with its address; the address alone leads nobody on.
#[tokio::test]
async fn a_browser_that_shows_a_setup_is_led_on_and_every_other_one_is_asked() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("mallory")).await;
    let setup = world.post(&token, "/setups", json!({ "kind": "login" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(&token, id, &setup, "redirect").await;
    let open = setup["open"].as_str().unwrap();
    let asked = world.visit(open, "").await;
    assert_eq!((asked.status, asked.header("location")), (200, ""));
    assert!(asked.body.contains("mallory") && !asked.body.contains("state="), "{}", asked.body);
    let other = world.post(&token, "/setups", json!({ "kind": "login" })).await.ok(201);
    let other_id = other["id"].as_str().unwrap();
    world.until(&token, other_id, &other, "redirect").await;
    let foreign = world.cookie(&token, other_id).await;
    assert_eq!(world.visit(open, &foreign).await.header("location"), "", "the proof of another setup");
    let shown = world.get(&token, &format!("/setups/{id}")).await;
    let (cookie, attributes) = shown.header("set-cookie").split_once("; ").unwrap();
    assert!(cookie.starts_with(&format!("connection-setup-{id}=")), "{cookie}");
    assert_eq!(attributes, "Max-Age=86400; Path=/callback/login; HttpOnly; SameSite=Lax");
    assert_eq!(world.visit(open, cookie).await.status, 303);
    assert_eq!(world.cookie(&token, id).await, cookie, "it is the same in each window and each process");
    // A step without an address to open has nothing to prove.
    let form = world.post(&token, "/setups", json!({ "kind": "acme" })).await.ok(201);
    let form_id = form["id"].as_str().unwrap();
    world.until(&token, form_id, &form, "prompt").await;
    assert_eq!(world.get(&token, &format!("/setups/{form_id}")).await.header("set-cookie"), "");
}

#[tokio::test]
async fn the_account_to_which_a_browser_signed_in_is_shown_before_it_is_stored() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let setup = world.post(&token, "/setups", json!({ "kind": "login" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(&token, id, &setup, "redirect").await;
    let cookie = world.cookie(&token, id).await;
    let led = world.visit(setup["open"].as_str().unwrap(), &cookie).await;
    let state = led.header("location").split_once("state=").unwrap().1;
    world.visit(&format!("{}/callback/login?code=mine&state={state}", world.origin()), &cookie).await;
    let setup = world.until(&token, id, &setup, "confirm").await;
    assert_eq!((&setup["account"]["label"], &setup["title"]), (&json!("ada"), &json!("Is ada the right account?")));
    assert_eq!(world.get(&token, "/connections").await.ok(200)["items"], json!([]));
    let confirm = json!({ "step": setup["step"] });
    let setup = world.post(&token, &format!("/setups/{id}/confirm"), confirm).await.ok(202);
    world.until(&token, id, &setup, "done").await;
}

#[tokio::test]
async fn a_setup_names_the_extension_for_which_it_was_begun() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    world.post(&token, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let setup = world.post(&token, "/setups", json!({ "extension": "issues" })).await.ok(201);
    assert_eq!((&setup["extension"], &setup["kind"]), (&json!("issues"), &json!("acme")));
    let shown = world.get(&token, &format!("/setups/{}", setup["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(shown["extension"], "issues");
    assert_eq!(world.get(&token, "/setups").await.ok(200)["items"][0]["extension"], "issues");
    let other = world.post(&token, "/setups", json!({ "kind": "acme" })).await.ok(201);
    assert_eq!(other["extension"], json!(null));
}

#[tokio::test]
async fn a_connection_is_authorized_again_in_place() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let id = world.connected(&token, "octocat").await;
    let setup = world.post(&token, &format!("/connections/{id}/reauthorize"), json!({})).await.ok(201);
    assert_eq!(setup["reauthorizes"], json!(id));
    let setup_id = setup["id"].as_str().unwrap();
    let setup = world.until(&token, setup_id, &setup, "prompt").await;
    let answers = json!({ "step": setup["step"], "answers": { "name": "octocat", "apiKey": format!("{KEY}-2") } });
    let setup = world.post(&token, &format!("/setups/{setup_id}/answers"), answers).await.ok(202);
    let done = world.until(&token, setup_id, &setup, "done").await;
    assert_eq!(done["connection"], json!(id));
    let counts = world.get(&token, "/connections").await.ok(200)["counts"].clone();
    assert_eq!((&counts["all"], &counts["live"], &counts["attention"]), (&json!(1), &json!(1), &json!(0)));
    world.check_answers();
}

#[tokio::test]
async fn a_setup_is_cancelled_and_belongs_to_its_owner() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let setup = world.post(&ada, "/setups", json!({ "kind": "acme" })).await.ok(201);
    let path = format!("/setups/{}", setup["id"].as_str().unwrap());
    assert_eq!(world.get(&bob, &path).await.refusal(), (404, "setup_not_found".into()));
    assert_eq!(world.get(&bob, "/setups").await.ok(200)["items"], json!([]));
    assert_eq!(world.send(&world.request("DELETE", &path).bearer(&ada)).await.status, 204);
    assert_eq!(world.get(&ada, &path).await.ok(200)["type"], "cancelled");
    for body in
        [json!({}), json!({ "kind": "acme", "connection": "x" }), json!({ "kind": "acme", "anotherAccount": true })]
    {
        assert_eq!(world.post(&ada, "/setups", body.clone()).await.refusal(), (422, "invalid_body".into()), "{body}");
    }
    assert_eq!(world.post(&ada, "/setups", json!({ "kind": "none" })).await.refusal(), (404, "unknown_kind".into()));
}

#[tokio::test]
async fn a_request_that_waits_for_a_setup_is_answered_when_the_server_stops() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let setup = world.post(&ada, "/setups", json!({ "kind": "acme" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(&ada, id, &setup, "prompt").await;
    let path = format!("/setups/{id}?after={}", setup["cursor"].as_str().unwrap());
    world.live.end();
    // The clock of the test stands still, so that the wait of 25 seconds would never end.
    assert_eq!(world.get(&ada, &path).await.ok(200)["cursor"], setup["cursor"]);
}

#[tokio::test]
async fn a_setup_asks_only_for_further_scopes_that_the_kind_allows() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let id = world.connected(&token, "octocat").await;
    let begin = |scopes: &[&str]| world.post(&token, "/setups", json!({ "connection": id, "scopes": scopes }));
    let setup = begin(&["write"]).await.ok(201);
    assert_eq!(setup["reauthorizes"], json!(id));
    assert_eq!(begin(&["admin"]).await.refusal(), (501, "not_supported".into()));
    let new = world.post(&token, "/setups", json!({ "kind": "acme", "scopes": ["write"] })).await;
    assert_eq!(new.refusal(), (422, "invalid_body".into()));
    world.check_answers();
}
