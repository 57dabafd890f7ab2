//! Requests about setups that are refused, each with a code and the status that says who must act.

use connection_core::Role;
use serde_json::{Value, json};

use crate::{form_plugin::form, test_host::World};

const UNKNOWN: &str = "/setups/01890a5d-ac96-774b-bcce-b302099a8057";

/// Makes a host with a setup that waits for its first answers, and returns the token of its owner and its path.
async fn world() -> (World, String, String) {
    let world = World::with(|registry| registry.kind(form())).await;
    let token = world.token(Role::Manage, None).await;
    let setup = world.post(&token, "/setups", json!({ "kind": "form" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    world.until(&token, id, &setup, "prompt").await;
    (world, token, format!("/setups/{id}"))
}

#[tokio::test]
async fn every_refusal_names_itself_with_a_code_and_the_right_status() {
    let (world, token, path) = world().await;
    let answers = format!("{path}/answers");
    let connection = r#"{"connection": "01890a5d-ac96-774b-bcce-b302099a8057"}"#;
    let table = [
        ("POST", "/setups", r#"{"kind": "../form"}"#, 404, "unknown_kind"),
        ("POST", "/setups", connection, 404, "not_found"),
        ("POST", "/setups", r#"{"connection": "x"}"#, 404, "not_found"),
        ("POST", "/setups", r#"{"extension": "none"}"#, 404, "unknown_extension"),
        ("POST", "/setups", r#"{"connection": "x", "label": "y"}"#, 422, "invalid_body"),
        ("POST", "/setups", r#"{"connection": "x", "again": true}"#, 422, "invalid_body"),
        ("POST", "/setups", r#"{"kind": "form", "owner": "bob"}"#, 422, "invalid_body"),
        ("GET", UNKNOWN, "", 404, "setup_not_found"),
        ("DELETE", UNKNOWN, "", 404, "setup_not_found"),
        ("GET", "/setups/..%2f", "", 404, "setup_not_found"),
        ("POST", &answers, r#"{"step": 2, "answers": {}}"#, 409, "setup_wrong_step"),
        ("POST", &answers, r#"{"step": -1, "answers": {}}"#, 422, "invalid_body"),
        ("POST", &answers, r#"{"step": 1, "answers": []}"#, 422, "invalid_body"),
        ("POST", &answers, r#"[1, {}]"#, 422, "invalid_body"),
        ("POST", &answers, r#"{"step": 1, "answers": {"sid": null}}"#, 422, "invalid_body"),
        ("POST", &answers, r#"{"step": 1, "answers": {"sid": "x"}}"#, 422, "answers_invalid"),
        ("POST", &answers, r#"{"step": 1, "answers": {"unknown": "x"}}"#, 422, "answers_invalid"),
    ];
    for (method, path, body, status, code) in table {
        let request = world.request(method, path).bearer(&token);
        let request = if method == "POST" { request.json(&Value::Null).text(body) } else { request };
        assert_eq!(world.send(&request).await.refusal(), (status, code.into()), "{method} {path} {body}");
    }
    let invalid = world.post(&token, &answers, json!({ "step": 1, "answers": {} })).await.json();
    let problems = &invalid["problems"];
    assert_eq!((&problems[0]["field"], &problems[1]["field"]), (&json!("sid"), &json!("token")), "{problems}");
    assert_eq!(world.send(&world.request("DELETE", &path).bearer(&token)).await.status, 204);
    let late = world.post(&token, &answers, json!({ "step": 1, "answers": {} })).await;
    assert_eq!(late.refusal(), (410, "setup_ended".into()));
}

#[tokio::test]
async fn a_refused_body_names_the_member_that_is_wrong_and_repeats_nothing_else() {
    let (world, token, path) = world().await;
    let answers = format!("{path}/answers");
    for (path, body, field) in [
        ("/setups", json!({ "kind": 1 }), json!("kind")),
        ("/tokens", json!({ "name": "billing", "role": "root" }), json!("role")),
        (&*answers, json!({ "step": "first", "answers": {} }), json!("step")),
        ("/setups", json!({ "kind": "form", "typed-by-a-person": 1 }), Value::Null),
    ] {
        let refused = world.post(&token, path, body).await;
        assert_eq!((refused.refusal(), &refused.json()["field"]), ((422, "invalid_body".into()), &field), "{path}");
    }
}

/// T27
#[tokio::test]
async fn answers_that_are_too_deep_or_too_many_are_refused() {
    let (world, token, path) = world().await;
    let request = world.request("POST", &format!("{path}/answers")).bearer(&token).json(&Value::Null);
    let deep = format!(r#"{{"step": 1, "answers": {}"#, "[".repeat(100_000));
    let many = format!(r#"{{"step": 1, "answers": {{"roots": [{}"x"]}}}}"#, r#""x","#.repeat(300));
    for body in [deep, many] {
        assert_eq!(world.send(&request.clone().text(&body)).await.refusal(), (422, "invalid_body".into()));
    }
}

#[tokio::test]
async fn a_registry_that_is_closed_is_told_as_that() {
    let (world, token, path) = world().await;
    world.registry.close().await;
    assert_eq!(world.get(&token, &path).await.refusal(), (503, "registry_closed".into()));
}
