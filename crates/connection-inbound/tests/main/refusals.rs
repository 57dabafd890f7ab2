//! Refusals of requests by a page or a program, and their messages.

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use connection_inbound::setup_routes;
use serde_json::json;

use crate::{
    requests::{Answer, send},
    schema::check,
    setups::{answered, begin, routes, shown},
    test_host::World,
};

const JSON: &str = "application/json";

async fn asked(routes: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send(routes, request.body(Body::from(body.to_owned())).unwrap()).await
}

fn told(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    check("error", &body).unwrap();
    assert_eq!(body["error"]["code"], code, "{body}");
    assert_eq!(answer.header(header::CONTENT_TYPE.as_str()), JSON);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn every_refusal_names_itself_with_a_code_and_the_right_status() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    let begun = begin(&routes, &json!({ "kind": "form", "label": "work" })).await;
    let path = format!("/setups/{}", begun["id"].as_str().unwrap());
    shown(&routes, begun["id"].as_str().unwrap(), "").await;
    let answers = format!("{path}/answers");
    let unknown = "/setups/01890a5d-ac96-774b-bcce-b302099a8057";
    let connection = r#"{"connection": "01890a5d-ac96-774b-bcce-b302099a8057"}"#;
    let table = [
        ("POST", "/setups", r#"{"kind": "nothing"}"#, 404, "unknown_kind"),
        ("POST", "/setups", r#"{"kind": "../form"}"#, 404, "unknown_kind"),
        ("POST", "/setups", connection, 404, "not_found"),
        ("POST", "/setups", r#"{"connection": "x"}"#, 404, "not_found"),
        ("POST", "/setups", "{}", 422, "invalid_body"),
        ("POST", "/setups", r#"{"kind": "form", "connection": "x"}"#, 422, "invalid_body"),
        ("POST", "/setups", r#"{"kind": "form", "anotherAccount": true}"#, 422, "invalid_body"),
        ("POST", "/setups", r#"{"connection": "x", "label": "y"}"#, 422, "invalid_body"),
        ("POST", "/setups", r#"{"kind": "form", "owner": "bob"}"#, 400, "invalid_body"),
        ("POST", "/setups", r#"{"kind": "form""#, 400, "invalid_body"),
        ("POST", "/setups", "", 400, "invalid_body"),
        ("GET", "/setups", "", 405, "method_not_allowed"),
        ("PUT", &path, "", 405, "method_not_allowed"),
        ("GET", &answers, "", 405, "method_not_allowed"),
        ("GET", unknown, "", 404, "setup_not_found"),
        ("DELETE", unknown, "", 404, "setup_not_found"),
        ("GET", "/setups/..%2f", "", 404, "setup_not_found"),
        ("POST", &answers, r#"{"step": 2, "answers": {}}"#, 409, "setup_wrong_step"),
        ("POST", &answers, r#"{"step": -1, "answers": {}}"#, 400, "invalid_body"),
        ("POST", &answers, r#"{"step": 1, "answers": []}"#, 400, "invalid_body"),
        ("POST", &answers, r#"[1, {}]"#, 400, "invalid_body"),
        ("POST", &answers, r#"{"step": 1, "answers": {"sid": null}}"#, 400, "invalid_body"),
        ("POST", &answers, r#"{"step": 1, "answers": {"sid": "x"}}"#, 422, "answers_invalid"),
        ("POST", &answers, r#"{"step": 1, "answers": {"unknown": "x"}}"#, 422, "answers_invalid"),
    ];
    for (method, path, body, status, code) in table {
        let refused = asked(&routes, method, path, &[(header::CONTENT_TYPE.as_str(), JSON)], body).await;
        told(&refused, status, code);
    }
    let invalid = asked(&routes, "POST", &answers, &[("content-type", JSON)], r#"{"step": 1, "answers": {}}"#).await;
    let problems = invalid.json()["error"]["problems"].clone();
    assert_eq!((&problems[0]["field"], &problems[1]["field"]), (&json!("sid"), &json!("token")), "{problems}");
    assert_eq!(asked(&routes, "DELETE", &path, &[], "").await.status, 204);
    let late = answered(&routes, begun["id"].as_str().unwrap(), 1, json!({})).await;
    told(&late, 410, "setup_ended");
}

/// T10: a request that a page of another site can send without a preflight is not read.
#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    let body = r#"{"kind": "form"}"#;
    let types =
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonx"];
    let odd = ["application/json, text/plain", "application/json; charset=utf-7", "text/plain; application/json"];
    for content_type in types.into_iter().chain(odd) {
        let refused = asked(&routes, "POST", "/setups", &[("content-type", content_type)], body).await;
        told(&refused, 415, "not_json_type");
    }
    told(&asked(&routes, "POST", "/setups", &[], body).await, 415, "not_json_type");
    let twice = [("content-type", JSON), ("content-type", "text/plain")];
    told(&asked(&routes, "POST", "/setups", &twice, body).await, 415, "not_json_type");
    for site in ["cross-site", "same-site", "x"] {
        let headers = [("content-type", JSON), ("sec-fetch-site", site)];
        told(&asked(&routes, "POST", "/setups", &headers, body).await, 403, "cross_site");
        told(&asked(&routes, "DELETE", "/setups/x", &headers, "").await, 403, "cross_site");
    }
    assert!(registry.owner("ada").unwrap().setups().list().await.unwrap().is_empty());
    for headers in [
        [("content-type", "Application/JSON; charset=UTF-8"), ("sec-fetch-site", "same-origin")],
        [("content-type", JSON), ("sec-fetch-site", "none")],
    ] {
        assert_eq!(asked(&routes, "POST", "/setups", &headers, body).await.status, 201, "the control");
    }
}

/// T09: a page whose name resolves to this machine names its own host, whatever it requests.
#[tokio::test]
async fn on_loopback_a_request_names_the_host_by_its_public_url() {
    let world = World::new().await;
    let registry = world.public().await;
    let at = |url: &str| setup_routes::<(), _>(registry.clone(), url.parse().unwrap(), |_| Ok("ada".to_owned()));
    let routes = at("http://127.0.0.1:8777/connections");
    let body = r#"{"kind": "form"}"#;
    for hosts in [
        &["evil.example:8777"][..],
        &["127.0.0.1"],
        &["localhost:8777"],
        &["127.0.0.1:8778"],
        &[],
        &["127.0.0.1:8777"; 2],
    ] {
        let mut headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        headers.push(("content-type", JSON));
        let refused = asked(&routes, "POST", "/setups", &headers, body).await;
        told(&refused, 421, "other_host");
        assert!(refused.body.contains("http://127.0.0.1:8777/connections"), "{refused:?}");
        for (method, path) in
            [("GET", "/setups/x"), ("DELETE", "/setups/x"), ("POST", "/setups/x/answers"), ("POST", "/setups/x/resume")]
        {
            told(&asked(&routes, method, path, &headers, "{}").await, 421, "other_host");
        }
    }
    let other = [("host", "127.0.0.1:8777"), ("content-type", JSON)];
    told(&asked(&routes, "POST", "http://evil.example:8777/setups", &other, body).await, 421, "other_host");
    assert!(registry.owner("ada").unwrap().setups().list().await.unwrap().is_empty());
    assert_eq!(asked(&routes, "POST", "/setups", &other, body).await.status, 201, "the control");
    let six = [("host", "[::1]:8777"), ("content-type", JSON)];
    assert_eq!(asked(&at("http://[::1]:8777"), "POST", "/setups", &six, body).await.status, 201);
    let plain = [("host", "127.0.0.1"), ("content-type", JSON)];
    assert_eq!(asked(&at("http://127.0.0.1:80"), "POST", "/setups", &plain, body).await.status, 201);
    // With TLS, a proxy may name the host as it likes.
    let proxied = [("host", "inside:9000"), ("content-type", JSON)];
    assert_eq!(asked(&at("https://host.example"), "POST", "/setups", &proxied, body).await.status, 201);
}

/// T27
#[tokio::test]
async fn a_body_that_is_too_large_or_too_deep_is_not_read() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    let headers = [("content-type", JSON)];
    let large = format!(r#"{{"kind": "form", "label": "{}"}}"#, "x".repeat(513 << 10));
    told(&asked(&routes, "POST", "/setups", &headers, &large).await, 413, "body_too_large");
    let deep = format!(r#"{{"kind": {}"#, "[".repeat(100_000));
    told(&asked(&routes, "POST", "/setups", &headers, &deep).await, 400, "invalid_body");
    let many = format!(r#"{{"step": 1, "answers": {{"roots": [{}"x"]}}}}"#, r#""x","#.repeat(300));
    let begun = begin(&routes, &json!({ "kind": "form" })).await;
    let path = format!("/setups/{}/answers", begun["id"].as_str().unwrap());
    told(&asked(&routes, "POST", &path, &headers, &many).await, 400, "invalid_body");
}

#[tokio::test]
async fn the_host_decides_the_owner_of_a_request() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    let refused = asked(&routes, "POST", "/setups", &[("x-test-owner", "nobody"), ("content-type", JSON)], "{}").await;
    told(&refused, 401, "unauthenticated");
    told(&asked(&routes, "GET", "/setups/x", &[("x-test-owner", "banned")], "").await, 403, "not_allowed");
    told(&asked(&routes, "GET", "/setups/x", &[("x-test-owner", "")], "").await, 422, "invalid_owner");
    let of_bob = [("x-test-owner", "bob"), ("content-type", JSON)];
    assert_eq!(asked(&routes, "POST", "/setups", &of_bob, r#"{"kind": "form"}"#).await.status, 201);
    assert_eq!(registry.owner("bob").unwrap().setups().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_store_that_is_away_is_told_as_that() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = routes(&registry);
    registry.close().await;
    let refused = asked(&routes, "POST", "/setups", &[("content-type", JSON)], r#"{"kind": "form"}"#).await;
    told(&refused, 503, "registry_closed");
}
