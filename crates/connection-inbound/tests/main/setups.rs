//! Setups by JSON: begin, read, answer, resume, cancel. Every body is checked against its schema.

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, header, request::Parts},
};
use connection_contract::Clock;
use connection_core::{ConnectionId, ConnectionRegistry, FilesPolicy};
use connection_inbound::{PublicEndpoint, setup_routes};
use serde_json::{Value, json};

use crate::{
    login::LOGIN,
    requests::{Answer, get, post},
    schema::check,
    test_host::{PUBLIC, World, labels, outlasted, public},
};

pub(crate) const SECRET: &str = "canary-3f1a9c-secret";

/// Returns the owner that a request names in a header, and `ada` for every other request.
fn owner(parts: &Parts) -> Result<String, StatusCode> {
    match parts.headers.get("x-test-owner").map(|value| value.to_str().unwrap()) {
        Some("nobody") => Err(StatusCode::UNAUTHORIZED),
        Some("banned") => Err(StatusCode::FORBIDDEN),
        Some(name) => Ok(name.to_owned()),
        None => Ok("ada".to_owned()),
    }
}

pub(crate) fn routes(registry: &ConnectionRegistry) -> Router {
    setup_routes(registry.clone(), public(), owner)
}

/// Returns a body after checking it against its schema.
pub(crate) fn setup(answer: &Answer) -> Value {
    assert_eq!(answer.header(header::CONTENT_TYPE.as_str()), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    check("setup", &body).unwrap();
    body
}

pub(crate) async fn begin(routes: &Router, body: &Value) -> Value {
    check("begin", body).unwrap();
    let begun = post(routes, "/setups", &body.to_string()).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let body = setup(&begun);
    assert_eq!(begun.header("location"), format!("{PUBLIC}/setups/{}", body["id"].as_str().unwrap()));
    body
}

pub(crate) async fn shown(routes: &Router, id: &str, after: &str) -> Value {
    let answer = get(routes, &format!("/setups/{id}?after={after}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    setup(&answer)
}

pub(crate) async fn answered(routes: &Router, id: &str, step: u64, answers: Value) -> Answer {
    let body = json!({ "step": step, "answers": answers });
    check("answers", &body).unwrap();
    post(routes, &format!("/setups/{id}/answers"), &body.to_string()).await
}

fn id(body: &Value) -> &str {
    body["id"].as_str().unwrap()
}

fn first() -> Value {
    json!({ "sid": "AC1234", "token": SECRET, "region": "us", "flag": true, "count": 3 })
}

#[tokio::test]
async fn a_form_is_shown_as_it_is_declared_and_answered_to_the_end() {
    let world = World::new().await;
    let granted = tempfile::TempDir::new().unwrap();
    // The owners of this host differ from the owner of the process.
    let builder = world.builder().files(FilesPolicy::new().allow(granted.path()));
    let registry = builder.inbound(Arc::new(PublicEndpoint::new(public()))).open().await.unwrap();
    let routes = routes(&registry);
    let begun = begin(&routes, &json!({ "kind": "form", "label": "work" })).await;
    let asked = shown(&routes, id(&begun), "").await;
    assert_eq!((&asked["type"], &asked["step"], &asked["title"]), (&json!("prompt"), &json!(1), &json!("Form")));
    let guide = json!([{ "text": "The console shows the SID.", "open": null },
        { "text": "Open the console", "open": "https://console.example" }]);
    assert_eq!(asked["guide"], guide);
    let sid = json!({ "name": "sid", "label": "SID", "input": "text", "required": true, "many": false,
        "help": "In the console", "placeholder": "AC0000", "default": null, "pattern": "AC[0-9]{4}", "choices": [] });
    assert_eq!(asked["fields"][0], sid);
    let choices = json!([{ "value": "eu", "label": "Europe" }, { "value": "us", "label": "America" }]);
    assert_eq!((&asked["fields"][2]["choices"], &asked["fields"][2]["default"]), (&choices, &json!("eu")));
    let inputs: Vec<_> =
        asked["fields"].as_array().unwrap().iter().map(|field| field["input"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["text", "secret", "choice", "bool", "number", "directory"]);
    let cursor = asked["cursor"].as_str().unwrap();
    let mut answers = first();
    answers["roots"] = json!([granted.path().to_str().unwrap()]);
    assert_eq!(answered(&routes, id(&begun), 1, answers).await.status, 202);
    let next = shown(&routes, id(&begun), cursor).await;
    assert_eq!((&next["step"], &next["problem"], &next["title"]), (&json!(2), &json!("look again"), &json!("Code")));
    assert_eq!(next["open"], "https://login.example/codes");
    assert_eq!(next["guide"], json!([]), "an address is opened, and there is nothing to look for");
    assert_eq!((&next["beside"][0]["userCode"], &next["beside"][0]["reason"]), (&json!("AB-CD"), &Value::Null));
    let again = answered(&routes, id(&begun), 2, json!({ "code": "yes" })).await;
    assert_eq!(again.status, 202);
    setup(&again);
    let done = shown(&routes, id(&begun), next["cursor"].as_str().unwrap()).await;
    assert_eq!((&done["type"], &done["label"], &done["liveness"]), (&json!("done"), &json!("work"), &json!("live")));
    assert_eq!(done["account"], json!({ "id": "AC1234", "label": "AC1234" }));
    let connection: ConnectionId = done["connection"].as_str().unwrap().parse().unwrap();
    let ada = registry.owner("ada").unwrap();
    ada.connection(connection).await.unwrap();
    assert_eq!(labels(&ada).await, ["work"]);
    // The result can be read repeatedly, also from another process.
    let other = self::routes(&world.public().await);
    assert_eq!(shown(&other, id(&begun), "").await, done);
    assert_eq!(shown(&routes, id(&begun), done["cursor"].as_str().unwrap()).await, done);
}

/// R-INSEAM-088, T20: no answer contains what a person typed.
#[tokio::test]
async fn a_secret_never_comes_back() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    let begun = begin(&routes, &json!({ "kind": "form" })).await;
    shown(&routes, id(&begun), "").await;
    let mut bodies = Vec::new();
    let mut wrong = first();
    wrong["sid"] = json!(SECRET);
    bodies.push(answered(&routes, id(&begun), 1, wrong).await);
    let path = format!("/setups/{}/answers", id(&begun));
    for broken in [
        format!(r#"{{"step": "{SECRET}", "answers": {{}}}}"#),
        format!(r#"{{"step": 1, "answers": {{"token": {{"{SECRET}": 1}}}}}}"#),
        format!(r#"{{"step": 1, "{SECRET}": 1}}"#),
        format!(r#"{{"step": 1, "answers": {{"token": ["{SECRET}", 1]}}}}"#),
        format!(r#"{{"step": 1, "answers": {{"token": "{SECRET}", "token": "{SECRET}"}}}}"#),
        SECRET.to_owned(),
    ] {
        let refused = post(&routes, &path, &broken).await;
        assert_eq!(refused.status, 400, "{broken}");
        check("error", &refused.json()).unwrap();
        bodies.push(refused);
    }
    bodies.push(answered(&routes, id(&begun), 1, first()).await);
    bodies.push(get(&routes, &format!("/setups/{}?after=1", id(&begun))).await);
    bodies.push(answered(&routes, id(&begun), 1, first()).await);
    bodies.push(answered(&routes, id(&begun), 2, json!({ "code": "no" })).await);
    bodies.push(get(&routes, &format!("/setups/{}?after=2", id(&begun))).await);
    for answer in bodies {
        assert!(!answer.body.contains(SECRET) && !format!("{:?}", answer.headers).contains(SECRET), "{answer:?}");
    }
}

#[tokio::test]
async fn a_look_waits_for_another_step_and_not_for_ever() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    let begun = begin(&routes, &json!({ "kind": "form" })).await;
    let asked = shown(&routes, id(&begun), "").await;
    for seen in [asked["cursor"].as_str().unwrap(), "1"] {
        let began = Clock::now(&world.clock).seconds();
        let looking = shown(&routes, id(&begun), seen);
        assert_eq!(outlasted(&world, &registry, looking).await, asked, "what is shown then");
        assert!(Clock::now(&world.clock).seconds() >= began + 25, "nothing has changed");
    }
    let looking = shown(&routes, id(&begun), "1");
    let (next, given) = tokio::join!(looking, answered(&routes, id(&begun), 1, first()));
    assert_eq!((given.status, &next["step"]), (202, &json!(2)));
}

#[tokio::test]
async fn a_network_that_fails_is_told_and_the_setup_is_resumed_when_somebody_says_so() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    world.provider.answers(503, "");
    let begun = begin(&routes, &json!({ "kind": "form" })).await;
    shown(&routes, id(&begun), "").await;
    answered(&routes, id(&begun), 1, first()).await;
    let second = shown(&routes, id(&begun), "1").await;
    answered(&routes, id(&begun), 2, json!({ "code": "ask" })).await;
    let rests = shown(&routes, id(&begun), second["cursor"].as_str().unwrap()).await;
    assert_eq!((&rests["type"], &rests["resumable"]), (&json!("notice"), &json!(true)), "{rests}");
    let asked = world.provider.asked().len();
    // Reading the state sends no request to the provider.
    for _ in 0..3 {
        assert_eq!(shown(&routes, id(&begun), "").await, rests);
    }
    assert_eq!(world.provider.asked().len(), asked);
    world.provider.answers(200, "{}");
    let resumed = post(&routes, &format!("/setups/{}/resume", id(&begun)), "{}").await;
    assert_eq!(resumed.status, 202);
    let mut body = setup(&resumed);
    while body["type"] != "done" {
        body = shown(&routes, id(&begun), body["cursor"].as_str().unwrap()).await;
    }
    assert_eq!(world.provider.asked().len(), asked + 1);
}

#[tokio::test]
async fn a_connection_is_authorized_again() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    let mut made = Vec::new();
    for _ in 0..2 {
        let body = match made.first() {
            None => json!({ "kind": "form" }),
            Some(id) => json!({ "connection": id, "anotherAccount": false }),
        };
        let begun = begin(&routes, &body).await;
        shown(&routes, id(&begun), "").await;
        answered(&routes, id(&begun), 1, first()).await;
        shown(&routes, id(&begun), "1").await;
        answered(&routes, id(&begun), 2, json!({ "code": "yes" })).await;
        let done = shown(&routes, id(&begun), "2").await;
        assert_eq!(done["type"], "done", "{done}");
        made.push(done["connection"].clone());
    }
    assert_eq!(made[0], made[1]);
}

/// S14: a setup of another owner is not found.
#[tokio::test]
async fn a_setup_of_another_owner_is_not_found() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    let bobs = setup_routes::<(), _>(registry.clone(), public(), |_| Ok("bob".to_owned()));
    let begun = begin(&routes, &json!({ "kind": LOGIN.as_str() })).await;
    shown(&routes, id(&begun), "").await;
    let path = format!("/setups/{}", id(&begun));
    let looked = get(&bobs, &path).await;
    let answered = post(&bobs, &format!("{path}/answers"), r#"{"step": 1, "answers": {}}"#).await;
    let resumed = post(&bobs, &format!("{path}/resume"), "{}").await;
    let request = axum::http::Request::delete(&path).body(axum::body::Body::empty()).unwrap();
    let cancelled = crate::requests::send(&bobs, request).await;
    for refused in [looked, answered, resumed, cancelled] {
        assert_eq!(refused.status, 404);
        assert_eq!(refused.json()["error"]["code"], "setup_not_found");
    }
    assert_eq!(shown(&routes, id(&begun), "").await["type"], "redirect", "it waits on");
}
