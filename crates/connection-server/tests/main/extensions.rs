//! Extensions over the API: what a person allows, and what the token of an extension can do.

use connection_core::{ConnectionRegistry, NewAccessToken, Role};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::test_host::{KEY, World};

/// The manifest of an extension that needs an account of Acme.
pub(crate) fn manifest(name: &str) -> Value {
    json!({
        "name": name,
        "connection": {
            "id": "default",
            "provider": "acme",
            "title": "Acme",
            "auth": { "type": "apiKey", "secretNames": ["apiKey"] },
        },
        "preferences": [
            { "name": "open", "type": "checkbox", "title": "Open issues only", "default": true },
            {
                "name": "order", "type": "dropdown", "required": true, "default": "new",
                "data": [{ "title": "Newest first", "value": "new" }, { "title": "Oldest first", "value": "old" }],
            },
        ],
        "commands": [{ "name": "search", "preferences": [{ "name": "text", "type": "textfield", "required": true }] }],
    })
}

pub(crate) async fn extension_token(registry: &ConnectionRegistry, owner: &str, name: &str) -> String {
    // The role of such a token allows nothing.
    let new = NewAccessToken::new(name.to_owned(), Role::Admin).owner(owner).extension(name);
    registry.access_tokens().create(new).await.unwrap().text.expose_secret().to_owned()
}

impl World {
    pub(crate) async fn put(&self, token: &str, path: &str, body: Value) -> crate::http::Answer {
        self.send(&self.request("PUT", path).bearer(token).json(&body)).await
    }

    pub(crate) async fn delete(&self, token: &str, path: &str) -> crate::http::Answer {
        self.send(&self.request("DELETE", path).bearer(token).json(&json!({}))).await
    }
}

#[tokio::test]
async fn a_person_adds_an_extension_grants_it_a_connection_and_takes_it_back() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let added = world.post(&ada, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    assert_eq!((&added["status"], &added["granted"]), (&json!("missing"), &json!(false)));
    assert_eq!((&added["secretNames"], &added["commands"]), (&json!(["apiKey"]), &json!(["search"])));
    let id = world.connected(&ada, "octocat").await;
    let state = |body: &Value| (body["status"].clone(), body["granted"].clone(), body["connection"].clone());
    let shown = world.get(&ada, "/extensions/issues").await.ok(200);
    assert_eq!(state(&shown), (json!("connected"), json!(false), json!(id)));
    let grant = world.post(&ada, "/extensions/issues/grants", json!({ "connection": id })).await.ok(201);
    assert_eq!((&grant["secretNames"], &grant["label"]), (&json!(["apiKey"]), &json!("octocat")));
    let listed = world.get(&ada, "/extensions").await.ok(200);
    assert_eq!(state(&listed["items"][0]), (json!("connected"), json!(true), json!(id)));
    assert_eq!(listed["items"][0]["grants"][0]["connection"], json!(id));
    assert_eq!(world.get(&ada, &format!("/connections/{id}")).await.ok(200)["uses"][0]["extension"], "issues");
    assert_eq!(world.delete(&ada, &format!("/extensions/issues/grants/{id}")).await.status, 204);
    assert_eq!(world.delete(&ada, &format!("/extensions/issues/grants/{id}")).await.status, 204);
    assert_eq!(world.get(&ada, "/extensions/issues").await.ok(200)["grants"], json!([]));
    let without = json!({ "connection": id, "secretNames": [] });
    let grant = world.post(&ada, "/extensions/issues/grants", without).await.ok(201);
    assert_eq!(grant["secretNames"], json!([]));
    let removed = world.delete(&ada, "/extensions/issues").await.ok(200);
    assert_eq!(removed, json!({ "name": "issues", "revoked": 1 }));
    assert_eq!(world.get(&ada, "/extensions").await.ok(200)["items"], json!([]));
    assert_eq!(world.delete(&ada, "/extensions/issues").await.refusal(), (404, "unknown_extension".into()));
    world.check_answers();
}

#[tokio::test]
async fn a_grant_names_declared_secrets_and_a_connection_of_the_provider() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    world.post(&ada, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let (own, foreign) = (world.connected(&ada, "octocat").await, world.connected(&bob, "hubot").await);
    let grant = |body: Value| world.post(&ada, "/extensions/issues/grants", body);
    assert_eq!(grant(json!({ "connection": own, "secretNames": ["other"] })).await.refusal().0, 422);
    assert_eq!(grant(json!({ "connection": foreign })).await.refusal(), (404, "not_found".into()));
    assert_eq!(grant(json!({ "connection": "x" })).await.refusal(), (404, "not_found".into()));
    let unknown = world.post(&ada, "/extensions/other/grants", json!({ "connection": own })).await;
    assert_eq!(unknown.refusal(), (404, "unknown_extension".into()));
}

#[tokio::test]
async fn of_two_accounts_an_extension_uses_the_chosen_one() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    world.post(&ada, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let first = world.connected(&ada, "octocat").await;
    let second = world.connected(&ada, "hubot").await;
    assert_eq!(world.get(&ada, "/extensions/issues").await.ok(200)["connection"], json!(first));
    let chosen = world.put(&ada, "/extensions/issues/choice", json!({ "connection": second })).await.ok(200);
    assert_eq!(chosen["chosen"], true);
    assert_eq!((&chosen["connection"], &chosen["granted"]), (&json!(second), &json!(false)));
    let back = world.put(&ada, "/extensions/issues/choice", json!({ "connection": null })).await.ok(200);
    assert_eq!(back["chosen"], false);
    assert_eq!(back["connection"], json!(first));
}

#[tokio::test]
async fn preferences_are_set_as_a_whole_or_not_at_all() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    world.post(&ada, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let path = "/extensions/issues/preferences";
    let answer = world.get(&ada, path).await;
    let tag = answer.header("etag").to_owned();
    let read = answer.ok(200);
    assert_eq!((&read["values"], &read["set"]), (&json!({ "open": true, "order": "new" }), &json!([])));
    let types: Vec<_> = read["declared"].as_array().unwrap().iter().map(|known| known["type"].clone()).collect();
    assert_eq!(types, ["checkbox", "dropdown"]);
    assert_eq!(read["declared"][1]["choices"][1], json!({ "value": "old", "label": "Oldest first" }));
    let set = world.put(&ada, path, json!({ "values": { "open": false, "order": "old" } })).await.ok(200);
    assert_eq!((&set["values"], &set["set"]), (&json!({ "open": false, "order": "old" }), &json!(["open", "order"])));
    // One wrong value, and nothing changes.
    let wrong = json!({ "values": { "open": true, "order": "sideways" } });
    assert_eq!(world.put(&ada, path, wrong).await.refusal(), (422, "invalid_preference".into()));
    assert_eq!(world.get(&ada, path).await.ok(200)["values"]["open"], json!(false));
    let undeclared = world.put(&ada, path, json!({ "values": { "apiKey": KEY } })).await;
    assert_eq!(undeclared.refusal(), (422, "invalid_preference".into()));
    let reset = world.put(&ada, path, json!({ "values": { "open": null } })).await.ok(200);
    assert_eq!((&reset["values"]["open"], &reset["set"]), (&json!(true), &json!(["order"])));
    // What was read before the change is no longer what is there.
    let stale = world.request("PUT", path).bearer(&ada).with("if-match", &tag).json(&json!({ "values": {} }));
    assert_eq!(world.send(&stale).await.refusal(), (412, "revision_changed".into()));
    let of_command = world.get(&ada, "/extensions/issues/preferences?command=search").await.ok(200);
    assert_eq!((&of_command["missing"], &of_command["declared"][0]["name"]), (&json!(["text"]), &json!("text")));
    let set = world.put(&ada, "/extensions/issues/preferences?command=search", json!({ "values": { "text": "a" } }));
    assert_eq!(set.await.ok(200)["missing"], json!([]));
    let unknown = world.get(&ada, "/extensions/issues/preferences?command=other").await;
    assert_eq!(unknown.refusal(), (422, "undeclared".into()));
    world.check_answers();
}

#[tokio::test]
async fn a_hand_off_leads_to_the_page_and_its_ticket_to_the_outcome() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    world.post(&ada, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let token = extension_token(&world.registry, "ada", "issues").await;
    let begun = world.post(&token, "/extensions/issues/hand-off", json!({ "command": "search" })).await.ok(201);
    assert_eq!((&begun["required"]["action"], &begun["resolved"]["status"]), (&json!("connect"), &json!("missing")));
    let ticket = begun["ticket"].as_str().unwrap();
    let way = format!("/extensions/issues?hand-off=1&ticket={ticket}&command=search");
    assert_eq!(begun["required"]["way"], json!(way));
    // The person connects for the extension, which grants the connection, too.
    let setup = world.post(&ada, "/setups", json!({ "extension": "issues" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(&ada, id, &setup, "prompt").await;
    let answers = json!({ "step": setup["step"], "answers": { "name": "octocat", "apiKey": KEY } });
    let setup = world.post(&ada, &format!("/setups/{id}/answers"), answers).await.ok(202);
    world.until(&ada, id, &setup, "done").await;
    let retried = world.get(&token, &format!("/extensions/issues/hand-off/{ticket}")).await.ok(200);
    assert_eq!((&retried["required"], &retried["command"]), (&json!(null), &json!("search")));
    let nothing = world.post(&token, "/extensions/issues/hand-off", json!({})).await.ok(201);
    assert_eq!((&nothing["required"], &nothing["ticket"]), (&json!(null), &json!(null)));
    let other = "/extensions/issues/hand-off/00000000-0000-0000-0000-000000000000";
    assert_eq!(world.get(&token, other).await.refusal(), (404, "unknown_ticket".into()));
    assert_eq!(world.get(&token, "/extensions/issues/hand-off/x").await.refusal(), (404, "unknown_ticket".into()));
    world.check_answers();
}

#[tokio::test]
async fn an_extension_is_told_no_command_of_the_operator_if_only_the_operator_can_act() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    world.post(&ada, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    world.connected(&ada, "octocat").await;
    let token = extension_token(&world.registry, "ada", "issues").await;
    let command = "forget these first: connections kinds forget-client acme";
    for (code, told) in [
        ("acme_client_refused", ", whose application the provider does not accept"),
        ("acme_client_expired", ", whose application the provider does not accept"),
        ("acme_policy_refused", " that a policy at the provider refuses the connection"),
        ("clock_differs", ", whose clock differs from that of the provider"),
    ] {
        let reason = json!({ "code": code, "message": "it is refused", "remedy": command });
        let failing = format!("UPDATE connection_liveness SET liveness = 'failing', reason = '{reason}'");
        assert_eq!(world.change(failing).await, 1);
        let hand_off = world.post(&token, "/extensions/issues/hand-off", json!({})).await.ok(201);
        let resolved = world.get(&token, "/extensions/issues/resolved").await.ok(200);
        for resolved in [&resolved, &hand_off["resolved"]] {
            let remedy = format!("tell the operator of this host{told}");
            assert_eq!((&resolved["error"]["code"], &resolved["error"]["remedy"]), (&json!(code), &json!(remedy)));
        }
        // The control: the owner gets the command.
        assert_eq!(world.get(&ada, "/extensions/issues").await.ok(200)["error"]["remedy"], command);
    }
}

#[tokio::test]
async fn the_token_of_an_extension_resolves_and_uses_its_grant_and_nothing_else() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    for name in ["issues", "other"] {
        world.post(&ada, "/extensions", json!({ "manifest": manifest(name) })).await.ok(201);
    }
    let id = world.connected(&ada, "octocat").await;
    let token = extension_token(&world.registry, "ada", "issues").await;
    let resolved = world.get(&token, "/extensions/issues/resolved").await.ok(200);
    assert_eq!((&resolved["status"], &resolved["connectionId"]), (&json!("connected"), &json!("default")));
    world.get(&token, "/extensions/issues/preferences").await.ok(200);
    let send = json!({ "method": "GET", "path": "/user" });
    let path = "/extensions/issues/connections/default/send";
    assert_eq!(world.post(&token, path, send.clone()).await.refusal(), (403, "not_granted".into()));
    world.post(&ada, "/extensions/issues/grants", json!({ "connection": id })).await.ok(201);
    // The kind of this test sends no requests, so that the grant is what changed.
    assert_eq!(world.post(&token, path, send.clone()).await.refusal(), (501, "not_supported".into()));
    world.delete(&ada, &format!("/extensions/issues/grants/{id}")).await;
    assert_eq!(world.post(&token, path, send.clone()).await.refusal(), (403, "not_granted".into()));
    let other_requirement = world.post(&token, "/extensions/issues/connections/second/send", send.clone()).await;
    assert_eq!(other_requirement.refusal(), (404, "undeclared".into()));
    for (method, path) in [
        ("GET", "/extensions/other/resolved".to_owned()),
        ("POST", "/extensions/other/hand-off".to_owned()),
        ("POST", "/extensions/other/connections/default/send".to_owned()),
        ("GET", "/extensions".to_owned()),
        ("GET", "/extensions/issues".to_owned()),
        ("POST", "/extensions".to_owned()),
        ("DELETE", "/extensions/issues".to_owned()),
        ("PUT", "/extensions/issues/preferences".to_owned()),
        ("PUT", "/extensions/issues/choice".to_owned()),
        ("POST", "/extensions/issues/grants".to_owned()),
        ("DELETE", format!("/extensions/issues/grants/{id}")),
        ("POST", format!("/connections/{id}/send")),
        ("POST", "/setups".to_owned()),
        ("GET", "/tokens".to_owned()),
        ("POST", "/tokens".to_owned()),
    ] {
        let body = json!({ "method": "GET", "path": "/user", "manifest": {}, "values": {}, "connection": id });
        let request = world.request(method, &path).bearer(&token).json(&body);
        assert_eq!(world.send(&request).await.refusal(), (403, "not_allowed".into()), "{method} {path}");
    }
}

#[tokio::test]
async fn a_manifest_that_cannot_be_used_is_refused_with_its_reason() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let add = |manifest: Value| world.post(&ada, "/extensions", json!({ "manifest": manifest }));
    assert_eq!(add(json!({})).await.refusal(), (422, "invalid_manifest".into()));
    assert_eq!(add(json!("issues")).await.refusal(), (422, "invalid_manifest".into()));
    // A provider that no kind connects is connected through the declaration itself.
    let mut own = manifest("issues");
    own["connection"]["provider"] = json!("tracker");
    assert_eq!(add(own).await.ok(201)["status"], "missing");
    let setup = world.post(&ada, "/setups", json!({ "extension": "issues" })).await.ok(201);
    assert_eq!(setup["kindTitle"], "Acme for issues");
    // It must not take an address of a kind that is known.
    let mut known = manifest("thief");
    known["connection"]["provider"] = json!("elsewhere");
    known["connection"]["auth"] = json!({
        "type": "oauth",
        "authorizationUrl": "https://login.example/authorize",
        "tokenUrl": "https://login.example/token",
        "clientId": "thief",
        "redirect": { "type": "loopback" },
        "scopes": [],
        "secretNames": ["accessToken"],
    });
    assert_eq!(add(known).await.refusal(), (409, "declaration_known".into()));
    let listed = world.get(&ada, "/extensions").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}
