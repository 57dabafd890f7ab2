//! The kind that a declaration makes belongs to the owner who added the extension: no other owner sees it, changes it or
//! takes its name, and another process finds it at once.

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use connection_contract::Kind;
use connection_core::{ConnectionRegistry, HttpPolicy, Role, SetupStep};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Handle};

use crate::{
    extensions::{extension_token, manifest},
    test_host::{KEY, World},
};

const KIND: &str = "/kinds/issues%2Ftracker";

/// The manifest of an extension whose provider no kind connects, with this guide and this address.
fn of_tracker(guide: &str, address: &str) -> Value {
    let mut own = manifest("issues");
    own["connection"]["provider"] = json!("tracker");
    own["connection"]["connectGuide"] = json!(guide);
    own["connection"]["publicPreferenceNames"] = json!(["apiBaseUrl"]);
    own["preferences"] = json!([{ "name": "apiBaseUrl", "type": "textfield", "default": address }]);
    json!({ "manifest": own })
}

/// The manifest of an extension that asks its provider for these scopes.
fn with_scopes(scopes: &[&str], host: &str) -> Value {
    let mut own = of_tracker("Sign in.", &format!("https://{host}"));
    own["manifest"]["connection"]["auth"] = json!({
        "type": "oauth",
        "authorizationUrl": format!("https://{host}/authorize"),
        "tokenUrl": format!("https://{host}/token"),
        "clientId": "of-the-author",
        "redirect": { "type": "loopback" },
        "scopes": scopes,
        "secretNames": ["accessToken"],
    });
    own
}

const GUIDE: &str = "Create a key in the settings of Tracker.";
const HERS: &str = "https://api.tracker.example";
const PHISHING: &str = "Paste your password.";
const EVIL: &str = "https://login.evil.example";

/// Two owners, each with a token that may manage.
async fn owners(world: &World) -> (String, String) {
    let token = async |owner| world.token(Role::Manage, Some(owner)).await;
    (token("alice").await, token("mallory").await)
}

/// Connects the extension `issues`, and returns the id of the connection.
async fn connected(world: &World, token: &str) -> String {
    let mut setup = world.post(token, "/setups", json!({ "extension": "issues" })).await.ok(201);
    let path = format!("/setups/{}", setup["id"].as_str().unwrap());
    while setup["type"] != "done" {
        let step = setup["step"].clone();
        setup = match setup["type"].as_str().unwrap() {
            "prompt" => {
                let fields = setup["fields"].as_array().unwrap().iter();
                let answer = |field: &Value| if field["input"] == "bool" { json!(true) } else { json!(KEY) };
                let answers: Value =
                    fields.map(|field| (field["name"].as_str().unwrap().to_owned(), answer(field))).collect();
                let body = json!({ "step": step, "answers": answers });
                world.post(token, &format!("{path}/answers"), body).await.ok(202)
            }
            "confirm" => world.post(token, &format!("{path}/confirm"), json!({ "step": step })).await.ok(202),
            "failed" => panic!("not connected: {setup}"),
            _ => {
                let cursor = setup["cursor"].as_str().unwrap();
                world.get(token, &format!("{path}?after={cursor}")).await.ok(200)
            }
        };
    }
    setup["connection"].as_str().unwrap().to_owned()
}

/// Begins a setup, and returns what its first step shows.
async fn first_step(world: &World, token: &str, body: Value) -> String {
    let setup = world.post(token, "/setups", body).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    world.until(token, id, &setup, "prompt").await.to_string()
}

#[tokio::test]
async fn an_owner_replaces_no_address_of_another_one_and_takes_no_name_first() {
    let world = World::new().await;
    let (alice, mallory) = owners(&world).await;
    world.post(&mallory, "/extensions", of_tracker(PHISHING, EVIL)).await.ok(201);
    let added = world.post(&alice, "/extensions", of_tracker(GUIDE, HERS)).await.ok(201);
    assert_eq!(added["status"], "missing");
    world.post(&mallory, "/extensions", of_tracker(PHISHING, EVIL)).await.ok(201);
    let shown = first_step(&world, &alice, json!({ "extension": "issues" })).await;
    assert!(shown.contains(HERS) && !shown.contains("evil"), "{shown}");
    // The control: her own declaration is the one that mallory's setup shows.
    let shown = first_step(&world, &mallory, json!({ "extension": "issues" })).await;
    assert!(shown.contains(EVIL) && !shown.contains(HERS), "{shown}");
    // Each owner may change the declaration, whoever is connected.
    connected(&world, &mallory).await;
    world.post(&alice, "/extensions", of_tracker(GUIDE, "https://eu.tracker.example")).await.ok(201);
    let shown = first_step(&world, &alice, json!({ "extension": "issues" })).await;
    assert!(shown.contains("https://eu.tracker.example"), "{shown}");
}

#[tokio::test]
async fn an_owner_changes_no_text_of_the_re_authorization_of_another_one() {
    let world = World::new().await;
    let (alice, mallory) = owners(&world).await;
    world.post(&alice, "/extensions", of_tracker(GUIDE, HERS)).await.ok(201);
    let id = connected(&world, &alice).await;
    world.post(&mallory, "/extensions", of_tracker(PHISHING, HERS)).await.ok(201);
    let shown = first_step(&world, &alice, json!({ "connection": id })).await;
    assert!(shown.contains(GUIDE) && !shown.contains(PHISHING), "{shown}");
    // The control: the texts are those of the owner's declaration as it is now.
    world.post(&alice, "/extensions", of_tracker("Create another key.", HERS)).await.ok(201);
    let shown = first_step(&world, &alice, json!({ "connection": id })).await;
    assert!(shown.contains("Create another key."), "{shown}");
}

/// Returns the address of the provider to which a setup of the extension leads.
async fn leads_to(registry: &ConnectionRegistry) -> String {
    let kind = Kind::parse("issues/tracker").unwrap();
    let session = registry.setups().begin(&kind).await.unwrap();
    let mut last = None;
    loop {
        let (number, shown) = session.next_step().await.unwrap().unwrap();
        if last == Some(number) {
            continue;
        }
        last = Some(number);
        let fields = match shown {
            SetupStep::Redirect { redirect, .. } | SetupStep::Prompt { open: Some(redirect), .. } => {
                let link = redirect.link.as_str().to_owned();
                session.cancel().await.unwrap();
                return link;
            }
            SetupStep::Prompt { fields, .. } => fields,
            SetupStep::Failed(failure) => panic!("{failure}"),
            _ => continue,
        };
        let answer = |name: &str| if name == "confirmation" { "true" } else { "mine" };
        let asked = fields.iter().filter(|field| field.required);
        let answers: Vec<_> = asked.map(|field| (field.name.to_string(), answer(&field.name).into())).collect();
        session.advance(number, &answers).await.unwrap();
    }
}

#[tokio::test]
async fn an_owner_widens_no_scope_of_another_one() {
    let world = World::new().await;
    let (alice, mallory) = owners(&world).await;
    world.post(&alice, "/extensions", with_scopes(&["read"], "login.tracker.example")).await.ok(201);
    let widened = with_scopes(&["read", "admin"], "login.tracker.example");
    world.post(&mallory, "/extensions", widened).await.ok(201);
    let of = |owner: &str| world.registry.owner(owner).unwrap();
    let link = leads_to(&of("alice")).await;
    assert!(link.starts_with("https://login.tracker.example/authorize?") && link.contains("scope=read"), "{link}");
    assert!(!link.contains("admin"), "{link}");
    // The redirect address that people registered names no owner.
    let redirect = format!("{}/callback/issues.tracker", world.origin()).replace(':', "%3A").replace('/', "%2F");
    assert!(link.contains(&redirect), "{link}");
    // The control.
    let link = leads_to(&of("mallory")).await;
    assert!(link.contains("admin") && link.contains(&redirect), "{link}");
}

#[tokio::test]
async fn an_owner_neither_reads_the_declaration_of_another_one_nor_begins_a_setup_of_it() {
    let world = World::new().await;
    let (alice, mallory) = owners(&world).await;
    let reader = world.token(Role::Read, Some("mallory")).await;
    world.post(&alice, "/extensions", of_tracker(GUIDE, HERS)).await.ok(201);
    for token in [&mallory, &reader] {
        let listed = world.get(token, "/kinds").await.ok(200).to_string();
        assert!(!listed.contains("tracker") && !listed.contains("issues"), "{listed}");
        assert_eq!(world.get(token, KIND).await.refusal(), (404, "unknown_kind".into()));
        assert_eq!(world.get(token, &format!("{KIND}/accept")).await.refusal(), (404, "unknown_kind".into()));
    }
    for body in [json!({ "kind": "issues/tracker" }), json!({ "extension": "issues" })] {
        assert_eq!(world.post(&mallory, "/setups", body).await.status, 404);
    }
    // The control.
    let listed = world.get(&alice, "/kinds").await.ok(200).to_string();
    assert!(listed.contains("issues/tracker"), "{listed}");
    let shown = world.get(&alice, KIND).await.ok(200);
    assert_eq!((&shown["extension"], &shown["guide"][0]["text"]), (&json!("issues"), &json!(GUIDE)));
    world.post(&alice, "/setups", json!({ "kind": "issues/tracker" })).await.ok(201);
    let setups = world.get(&alice, "/setups").await.ok(200);
    let of_hers = (&setups["items"][0]["kindTitle"], &setups["items"][0]["provider"]);
    assert_eq!(of_hers, (&json!("Acme for issues"), &json!("tracker")));
}

/// After a restart, every owner's extensions are connected and used as before.
#[tokio::test]
async fn what_one_process_stored_works_in_the_next_request_to_another_and_after_a_restart() {
    let world = World::new().await;
    let (alice, _) = owners(&world).await;
    let beside = world.beside().await;
    let elsewhere = beside.owner("alice").unwrap();
    let kind = Kind::parse("issues/tracker").unwrap();
    assert!(elsewhere.kinds().find(&kind).await.unwrap().is_none(), "the control");
    world.post(&alice, "/extensions", of_tracker(GUIDE, HERS)).await.ok(201);
    assert!(elsewhere.kinds().find(&kind).await.unwrap().is_some());
    let id = connected(&world, &alice).await;
    let connection = elsewhere.connection(id.parse().unwrap()).await.unwrap();
    assert!(connection.info().registered);
    connection.verify().await.unwrap();
    let listed = world.get(&alice, "/connections").await.ok(200);
    assert_eq!(listed["items"][0]["kindTitle"], "Acme for issues");
    // A process that starts now registers nothing, and connects a second account.
    let restarted = world.beside().await;
    assert!(restarted.kinds().list().iter().all(|info| info.descriptor.extension.is_none()));
    let begun = restarted.owner("alice").unwrap().setups().begin(&kind).again().await;
    begun.unwrap().cancel().await.unwrap();
    let changed = of_tracker(GUIDE, "https://eu.tracker.example");
    world.post(&alice, "/extensions", changed).await.ok(201);
    assert_eq!(connection.verify().await.unwrap_err().code(), "kind_changed");
}

/// Serves a provider whose API takes the key in a header, and repeats it.
async fn provider() -> String {
    let me = async |headers: HeaderMap| match headers.get("authorization").and_then(|value| value.to_str().ok()) {
        Some(value) if value == format!("Bearer {KEY}") => {
            (StatusCode::OK, format!(r#"{{"user": {{"id": 42, "name": "Ada"}}, "authorization": "{value}"}}"#))
        }
        _ => (StatusCode::UNAUTHORIZED, String::new()),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().route("/v1/me", get(me));
    drop(Handle::current().spawn(async move { axum::serve(listener, routes).await }));
    origin
}

/// Adds to a declaration how its API is used.
fn with_requests(mut own: Value) -> Value {
    own["manifest"]["connection"]["request"] = json!({
        "base": "https://api.tracker.example/v1",
        "headers": { "Authorization": "Bearer ${secret.apiKey}" },
    });
    own["manifest"]["connection"]["verify"] = json!({ "path": "/me" });
    own["manifest"]["connection"]["account"] = json!({ "id": "/user/id", "label": "/user/name" });
    own
}

/// Returns a server that reaches the provider.
async fn with_provider() -> World {
    let origin = provider().await;
    let policy = HttpPolicy::new().endpoint("https://api.tracker.example", &origin).unwrap();
    World::with(|registry| registry.http(policy)).await
}

/// Lets the extension `issues` of a person use an API that answers, and returns the person's token and the connection.
pub(crate) async fn sending() -> (World, String, String) {
    let world = with_provider().await;
    let (alice, _) = owners(&world).await;
    let own = with_requests(of_tracker(GUIDE, "https://api.tracker.example"));
    world.post(&alice, "/extensions", own).await.ok(201);
    let id = connected(&world, &alice).await;
    (world, alice, id)
}

#[tokio::test]
async fn a_declaration_with_requests_is_verified_and_sends_through_its_grant() {
    let world = with_provider().await;
    let (alice, _) = owners(&world).await;
    // Without the requests, which is the control, nothing can be sent.
    let plain = of_tracker(GUIDE, "https://api.tracker.example");
    world.post(&alice, "/extensions", plain.clone()).await.ok(201);
    let id = connected(&world, &alice).await;
    let send = json!({ "method": "GET", "path": "/me" });
    let refused = world.post(&alice, &format!("/connections/{id}/send"), send.clone()).await;
    assert_eq!(refused.status, 501);
    world.registry.owner("alice").unwrap().remove(id.parse().unwrap()).await.unwrap();
    world.post(&alice, "/extensions", with_requests(plain)).await.ok(201);
    // The person sees where the secret goes.
    let guide = world.get(&alice, KIND).await.ok(200)["guide"].to_string();
    assert!(guide.contains("request.headers.Authorization"), "{guide}");
    let id = connected(&world, &alice).await;
    let shown = world.get(&alice, &format!("/connections/{id}")).await.ok(200);
    assert_eq!((&shown["liveness"], &shown["account"]["label"]), (&json!("live"), &json!("Ada")));
    let token = extension_token(&world.registry, "alice", "issues").await;
    let answer = world.post(&token, "/extensions/issues/connections/default/send", send).await.ok(200);
    assert_eq!(answer["status"], 200, "{answer}");
    assert!(answer.to_string().contains("Ada"), "{answer}");
}

#[tokio::test]
async fn an_answer_that_is_shown_does_not_repeat_the_credential() {
    let (world, alice, id) = sending().await;
    let connection = world.registry.owner("alice").unwrap().connection(id.parse().unwrap()).await.unwrap();
    let answer = connection.send(connection.request("GET", "/me").await.unwrap()).await.unwrap();
    let body = answer.bytes(1 << 12).await.unwrap();
    assert!(body.expose_str().unwrap().contains(KEY), "the control: the provider repeats it");
    world.post(&alice, "/extensions/issues/grants", json!({ "connection": id, "secretNames": [] })).await.ok(201);
    let extension = extension_token(&world.registry, "alice", "issues").await;
    for (token, path) in [
        (&alice, format!("/connections/{id}/send")),
        (&extension, "/extensions/issues/connections/default/send".to_owned()),
    ] {
        let answer = world.post(token, &path, json!({ "method": "GET", "path": "/me" })).await.ok(200).to_string();
        assert!(!answer.contains(KEY) && answer.contains(&format!("Bearer {}", "*".repeat(KEY.len()))), "{answer}");
    }
}
