//! Requests that are refused, or that a person has to permit first.

use connection_mcp::proxy::{REFUSED, Refusal, UNREACHABLE, UpstreamError};
use serde_json::{Value, json};

use super::harness::{Harness, stateless};

#[tokio::test]
async fn a_refusal_tells_the_client_what_a_person_can_do() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    let refusal = Refusal::new("authorization_expired", "the authorization of \"notes\" has expired")
        .remedy("run \"connections reauthorize notes\"")
        .address("http://127.0.0.1:8080/connections/notes");
    harness.server.next().await.fail(refusal.into());
    let expected = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "error": {
            "code": REFUSED,
            "message": "the authorization of \"notes\" has expired",
            "data": {
                "code": "authorization_expired",
                "remedy": "run \"connections reauthorize notes\"",
                "address": "http://127.0.0.1:8080/connections/notes",
            },
        },
    });
    assert_eq!(harness.client.receive().await, expected);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_an_error_of_the_request() {
    let mut harness = Harness::start();
    for (error, code) in [
        (UpstreamError::Unreachable { message: "timed out".to_owned() }, UNREACHABLE),
        (UpstreamError::Failed { message: "no TLS".to_owned() }, connection_mcp::proxy::BAD_ANSWER),
    ] {
        harness.client.send(&stateless(1, "tools/list", json!({}))).await;
        let message = error.to_string();
        harness.server.next().await.fail(error);
        let answer = harness.client.receive().await;
        assert_eq!((&answer["error"]["code"], &answer["error"]["message"]), (&json!(code), &json!(message)));
    }
}

/// Returns the error that a client gets for an answer that refuses the credential.
async fn challenged(status: u16, challenges: &[&str]) -> Value {
    challenged_in("www-authenticate", status, challenges).await
}

/// Returns the error as [`challenged`] does, for challenges in headers of this name.
async fn challenged_in(name: &str, status: u16, challenges: &[&str]) -> Value {
    let settings = |proxy: connection_mcp::proxy::Proxy| proxy.remedy("authorize again").address("http://localhost/");
    let mut harness = Harness::with(settings);
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    let headers: Vec<_> = challenges.iter().map(|challenge| (name, *challenge)).collect();
    let body = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Unauthorized"}}"#;
    harness.server.next().await.answer(status, &headers, body);
    let answer = harness.client.receive().await;
    assert_eq!(answer["error"]["code"], REFUSED);
    answer["error"]["data"].clone()
}

#[tokio::test]
async fn an_answer_that_refuses_the_credential_is_a_refusal_with_the_scope_of_the_challenge() {
    let data = |code: &str, status: u16| {
        let (remedy, address) = ("authorize again", "http://localhost/");
        json!({"code": code, "remedy": remedy, "address": address, "status": status})
    };
    assert_eq!(challenged(401, &[]).await, data("credential_refused", 401));
    assert_eq!(challenged(401, &["Basic realm=\"scope=\\\"no\\\"\""]).await, data("credential_refused", 401));
    assert_eq!(challenged(403, &["Bearer error=\"invalid_token\""]).await, data("credential_refused", 403));

    let mut expected = data("insufficient_scope", 403);
    expected["scope"] = json!("files:read files:write");
    let challenge =
        "Bearer error=\"insufficient_scope\", scope=\"files:read files:write\", resource_metadata=\"https://a\"";
    assert_eq!(challenged(403, &[challenge]).await, expected);
    let challenges = ["Basic realm=a", "bearer ERROR=insufficient_scope,Scope=\"files:read files:write\""];
    assert_eq!(challenged(403, &challenges).await, expected);
    let upper = challenge.replace("insufficient_scope", "INSUFFICIENT_SCOPE");
    assert_eq!(challenged_in("x-amzn-remapped-www-authenticate", 403, &[upper.as_str()]).await, expected);
    assert_eq!(challenged(403, &["Bearer error=insufficient_scope, scope=\"æ\""]).await["scope"], Value::Null);
}
