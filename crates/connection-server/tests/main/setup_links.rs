//! Setup links over the API: the visitor connects one account of the chosen kinds and sees nothing else.

use connection_contract::prelude::*;
use connection_core::{NewAccessToken, Role};
use connection_faults::scripted::Scripted;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    document::{document, operations},
    test_host::{KEY, World},
};

const BACK: &str = "https://app.example.com/settings?customer=17";

/// Makes a link for the owner `ada`, and returns its answer.
async fn made(world: &World, kinds: &[&str]) -> Value {
    let admin = world.token(Role::Manage, None).await;
    let body = json!({ "owner": "ada", "kinds": kinds, "returnTo": BACK, "name": "for ada" });
    world.post(&admin, "/setup-links", body).await.ok(201)
}

fn code(link: &Value) -> &str {
    link["address"].as_str().unwrap().split_once("/link#link=").unwrap().1
}

/// Opens a link, and returns the token of its page.
async fn opened(world: &World, link: &Value) -> String {
    let page = world.send(&exchange(world, code(link))).await.ok(201);
    assert_eq!(page["host"]["returnTo"], json!(BACK));
    page["token"].as_str().unwrap().to_owned()
}

fn exchange(world: &World, code: &str) -> crate::http::Request {
    world.request("POST", "/page-tokens").with("origin", &world.origin()).json(&json!({ "code": code, "link": true }))
}

#[tokio::test]
async fn the_code_of_a_link_never_becomes_the_session_of_a_page_and_is_good_after_that() {
    let world = World::new().await;
    let link = made(&world, &["acme"]).await;
    let of_page = world.request("POST", "/page-tokens").with("origin", &world.origin());
    for body in [json!({ "code": code(&link) }), json!({ "code": code(&link), "link": false })] {
        assert_eq!(world.send(&of_page.clone().json(&body)).await.refusal().1, "code_unknown");
    }
    let new = NewAccessToken::new("Page", Role::Manage).owner("ada");
    let page = world.registry.access_tokens().create_code(new).await.unwrap();
    assert_eq!(world.send(&exchange(&world, page.expose_secret())).await.refusal().1, "code_unknown", "nor the reverse");
    // The control: each code as what it is.
    assert_eq!(world.get(&opened(&world, &link).await, "/me").await.ok(200)["role"], "link");
    let taken = world.send(&of_page.json(&json!({ "code": page.expose_secret() }))).await.ok(201);
    assert_eq!(world.get(taken["token"].as_str().unwrap(), "/me").await.ok(200)["role"], "manage");
}

/// Begins a setup and answers its prompt.
async fn answered(world: &World, visitor: &str, key: &str) -> Value {
    let setup = world.post(visitor, "/setups", json!({ "kind": "acme" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(visitor, id, &setup, "prompt").await;
    let answers = json!({ "step": setup["step"], "answers": { "name": "octocat", "apiKey": key } });
    world.post(visitor, &format!("/setups/{id}/answers"), answers).await.ok(202)
}

#[tokio::test]
async fn a_visitor_connects_one_account_for_the_owner_of_the_link() {
    let world = World::new().await;
    let link = made(&world, &["acme"]).await;
    assert!(link["address"].as_str().unwrap().starts_with(&world.origin()), "{link}");
    assert_eq!(link["expiresAt"], "2027-01-15T08:30:00Z");
    let visitor = opened(&world, &link).await;
    assert_eq!(world.send(&exchange(&world, code(&link))).await.refusal().1, "code_used");
    let me = world.get(&visitor, "/me").await.ok(200);
    assert_eq!((&me["role"], &me["kinds"], &me["setup"]), (&json!("link"), &json!(["acme"]), &json!(null)));
    let host = json!({ "name": "Test host", "logo": null, "accent": "#1f7a5c", "returnTo": BACK });
    assert_eq!((&me["host"], &me["areas"]), (&host, &json!([])));
    let setup = answered(&world, &visitor, KEY).await;
    let id = setup["id"].as_str().unwrap();
    assert_eq!(world.get(&visitor, "/me").await.ok(200)["setup"], json!(id));
    world.until(&visitor, id, &setup, "done").await;
    let again = world.post(&visitor, "/setups", json!({ "kind": "acme" })).await;
    assert_eq!(again.refusal(), (409, "setup_link_used".into()));
    let ada = world.token(Role::Read, Some("ada")).await;
    assert_eq!(world.get(&ada, "/connections").await.ok(200)["counts"]["all"], 1);
    let others = world.token(Role::Read, Some("local")).await;
    assert_eq!(world.get(&others, "/connections").await.ok(200)["counts"]["all"], 0);
    world.check_answers();
}

/// The page of the link has the proof of the setup; the start address in another browser asks for the owner of the link.
#[tokio::test]
async fn the_browser_of_a_visitor_is_led_on_and_the_page_knows_who_receives_the_account() {
    let world = World::new().await;
    let ada = world.registry.owner("ada").unwrap();
    ada.set_display_name(Some("Ada Lovelace".into())).await.unwrap();
    let visitor = opened(&world, &made(&world, &["login"]).await).await;
    let me = world.get(&visitor, "/me").await.ok(200);
    assert_eq!((&me["owner"], &me["ownerName"]), (&json!("ada"), &json!("Ada Lovelace")));
    let setup = world.post(&visitor, "/setups", json!({ "kind": "login" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(&visitor, id, &setup, "redirect").await;
    let open = setup["open"].as_str().unwrap();
    let asked = world.visit(open, "").await;
    assert!(asked.status == 200 && asked.body.contains("Ada Lovelace"), "{asked:?}");
    let cookie = world.cookie(&visitor, id).await;
    assert_eq!(world.visit(open, &cookie).await.status, 303);
}

const OWN: Kind = Kind::from_static("own-server");

/// A plugin for a server whose address a person enters.
fn own_server() -> Scripted {
    let descriptor = Descriptor::new(OWN, "Own server", AuthType::ApiKey).field(Field::url("base", "Address"));
    Scripted::new(descriptor.field(Field::secret("apiKey", "API key"))).setup(|_, ctx| {
        Box::pin(async move {
            let answers = ctx.prompt(Prompt::new("Connect").field("base").field("apiKey")).await;
            let reach = Reach::base(answers.url("base")?.clone());
            Ok(SetupResult::new("key".into(), Identity::new("1", "own")).reach(reach))
        })
    })
}

#[tokio::test]
async fn a_link_opens_the_private_addresses_that_its_maker_entered_and_no_others() {
    let world = World::with(|registry| registry.kind(own_server())).await;
    let admin = world.token(Role::Manage, None).await;
    let link = async |addresses: Value| {
        let body = json!({
            "owner": "local", "kinds": ["own-server"], "returnTo": BACK, "privateAddresses": addresses,
        });
        world.post(&admin, "/setup-links", body).await
    };
    let refused = link(json!(["git.internal"])).await;
    assert_eq!((refused.refusal().1, &refused.json()["field"]), ("invalid_body".into(), &json!("privateAddresses")));
    let visitor = opened(&world, &link(json!(["http://127.0.0.1:4711"])).await.ok(201)).await;
    let setup = world.post(&visitor, "/setups", json!({ "kind": "own-server" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(&visitor, id, &setup, "prompt").await;
    let answered = async |base: &str| {
        let answers = json!({ "step": setup["step"], "answers": { "base": base, "apiKey": KEY } });
        world.post(&visitor, &format!("/setups/{id}/answers"), answers).await
    };
    for closed in ["http://127.0.0.1:4712", "https://10.0.0.7", "https://localhost"] {
        let refused = answered(closed).await;
        assert_eq!((refused.refusal().0, &refused.json()["field"]), (422, &json!("base")), "{closed}");
    }
    let setup = answered("http://127.0.0.1:4711/api").await.ok(202);
    world.until(&visitor, id, &setup, "done").await;
    world.check_answers();
}

#[tokio::test]
async fn a_visitor_is_not_asked_to_register_a_redirect_address() {
    let world = World::new().await;
    let visitor = opened(&world, &made(&world, &["login"]).await).await;
    assert_eq!(world.get(&visitor, "/kinds/login").await.ok(200)["redirectUri"], json!(null));
    let manager = world.token(Role::Manage, Some("ada")).await;
    let shown = world.get(&manager, "/kinds/login").await.ok(200);
    assert!(shown["redirectUri"].as_str().unwrap().ends_with("/callback/login"), "{shown}");
}

#[tokio::test]
async fn a_visitor_begins_another_setup_after_one_that_was_cancelled_and_none_beside_one() {
    let world = World::new().await;
    let visitor = opened(&world, &made(&world, &["acme", "login"]).await).await;
    let first = world.post(&visitor, "/setups", json!({ "kind": "acme" })).await.ok(201);
    let beside = world.post(&visitor, "/setups", json!({ "kind": "login" })).await;
    assert_eq!(beside.refusal(), (409, "setup_link_used".into()));
    let path = format!("/setups/{}", first["id"].as_str().unwrap());
    assert_eq!(world.send(&world.request("DELETE", &path).bearer(&visitor)).await.status, 204);
    let second = answered(&world, &visitor, KEY).await;
    assert_eq!(
        world.get(&visitor, &path).await.refusal(),
        (404, "setup_not_found".into()),
        "it is not that of the link"
    );
    world.until(&visitor, second["id"].as_str().unwrap(), &second, "done").await;
}

#[tokio::test]
async fn a_visitor_sees_and_does_nothing_else() {
    let world = World::new().await;
    let admin = world.token(Role::Admin, None).await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let other = world.post(&ada, "/setups", json!({ "kind": "acme" })).await.ok(201)["id"].as_str().unwrap().to_owned();
    let connection = world.connected(&ada, "octocat").await;
    let visitor = opened(&world, &made(&world, &["acme"]).await).await;
    // Each route refuses the visitor, but for those of the setup and of its kinds.
    let own = [
        "GET /appearance",
        "GET /me", "GET /kinds", "GET /kinds/{kind}", "POST /page-tokens", "POST /setups", "DELETE /tokens/{id}",
    ];
    let document = document(&world).await;
    let mut refused = 0;
    for operation in operations(&document) {
        let (method, path) = operation.split_once(' ').unwrap();
        if own.contains(&&*operation) {
            continue;
        }
        let path = path.replace("{kind}", "acme").replace("{name}", "issues").replace("{requirement}", "default");
        let path = path.replace("{connection}", &connection);
        let id = if path.starts_with("/setups") { &other } else { &connection };
        let request = world.request(method, &path.replace("{id}", id)).bearer(&visitor);
        let body = json!({ "step": 1, "answers": {} });
        let request = if method == "GET" { request } else { request.json(&body) };
        let answer = world.send(&request).await;
        assert!([403, 404, 422].contains(&answer.status), "{operation}: {answer:?}");
        refused += 1;
    }
    assert!(refused > 50, "{refused}");
    assert_eq!(world.get(&ada, &format!("/setups/{other}")).await.ok(200)["type"], "prompt", "it was not changed");
    let kinds = world.get(&visitor, "/kinds").await.ok(200);
    assert_eq!(kinds["items"].as_array().unwrap().len(), 1);
    assert_eq!((&kinds["items"][0]["kind"], &kinds["items"][0]["connections"]), (&json!("acme"), &json!(0)));
    assert_eq!(world.get(&visitor, "/kinds/login").await.refusal(), (404, "unknown_kind".into()));
    for body in [
        json!({ "kind": "login" }),
        json!({ "kind": "acme", "label": "mine" }),
        json!({ "kind": "acme", "again": true }),
        json!({ "connection": connection }),
        json!({ "extension": "issues" }),
    ] {
        assert_eq!(
            world.post(&visitor, "/setups", body.clone()).await.refusal(),
            (403, "not_allowed".into()),
            "{body}"
        );
    }
    let foreign = world.get(&visitor, "/kinds?owner=local").await;
    assert_eq!(foreign.refusal(), (403, "not_allowed".into()));
    let own = world.get(&visitor, "/me").await.ok(200)["token"].as_str().unwrap().to_owned();
    let revoke = |id: &str| world.request("DELETE", &format!("/tokens/{id}")).bearer(&visitor);
    let of_admin = world.get(&admin, "/me").await.ok(200)["token"].as_str().unwrap().to_owned();
    assert_eq!(world.send(&revoke(&of_admin)).await.refusal(), (403, "not_allowed".into()));
    assert_eq!(world.send(&revoke(&own)).await.status, 204, "a visitor may leave");
    assert_eq!(world.get(&visitor, "/me").await.refusal().0, 401);
}

#[tokio::test]
async fn a_link_is_made_for_known_kinds_and_an_allowed_return_address() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let refused = async |body: Value| {
        let answer = world.post(&token, "/setup-links", body).await;
        (answer.refusal().1, answer.json()["field"].clone())
    };
    assert_eq!(refused(json!({ "kinds": [] })).await, ("no_link_kinds".into(), json!(null)));
    assert_eq!(refused(json!({ "kinds": ["none"] })).await, ("unknown_kind".into(), json!("kinds")));
    assert_eq!(refused(json!({ "kinds": ["acme"], "owner": "bob" })).await, ("not_allowed".into(), json!(null)));
    for address in ["https://evil.example/", "https://app.example.com/settings/../x", "javascript:alert(1)", ""] {
        let body = json!({ "kinds": ["acme"], "returnTo": address });
        assert_eq!(refused(body).await, ("invalid_body".into(), json!("returnTo")), "{address}");
    }
    assert_eq!(world.get(&token, "/tokens").await.ok(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_that_nobody_has_opened_is_listed_and_revoked_like_a_token() {
    let world = World::new().await;
    let link = made(&world, &["acme"]).await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let listed = world.get(&ada, "/tokens").await.ok(200);
    let item = listed["items"].as_array().unwrap().iter().find(|item| item["role"] == "link").unwrap();
    assert_eq!((&item["id"], &item["name"], &item["page"]), (&link["id"], &json!("for ada"), &json!(false)));
    let path = format!("/tokens/{}", link["id"].as_str().unwrap());
    assert_eq!(world.send(&world.request("DELETE", &path).bearer(&ada)).await.status, 204);
    assert_eq!(world.send(&exchange(&world, code(&link))).await.refusal().1, "code_used");
    // The token of a page whose role is not enough cannot make one.
    let tokens = world.registry.access_tokens();
    let issued = tokens.create(NewAccessToken::new("a user", Role::Use).owner("ada")).await.unwrap();
    let refused = world.post(issued.text.expose_secret(), "/setup-links", json!({ "kinds": ["acme"] })).await;
    assert_eq!(refused.refusal(), (403, "not_allowed".into()));
}
