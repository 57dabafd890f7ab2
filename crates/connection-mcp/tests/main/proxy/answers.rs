//! Answers that are not one message with the status 200.

use std::sync::Arc;

use connection_mcp::proxy::{BoxFuture, Proxy, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest};
use serde_json::{Value, json};

use super::harness::{Harness, stateless};

/// The largest message.
const LIMIT: usize = 16 * 1024 * 1024;

/// Lets the client send a request, answers it, and returns what the client receives.
async fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Value {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    harness.server.post("tools/list").await.answer(status, headers, body);
    let answer = harness.client.receive().await;
    assert_eq!(answer["id"], 1);
    answer
}

#[tokio::test]
async fn an_error_of_the_server_is_passed_on_with_any_status() {
    let error =
        json!({"code": -32022, "message": "Unsupported protocol version", "data": {"supported": ["2025-11-25"]}});
    let body = json!({"jsonrpc": "2.0", "id": 1, "error": error}).to_string();
    for status in [200, 400, 403, 404, 500] {
        assert_eq!(answered(status, &[], &body).await["error"], error);
    }
}

#[tokio::test]
async fn an_error_without_an_id_gets_the_id_of_the_request() {
    let error = json!({"code": -32600, "message": "Invalid Request"});
    for body in [json!({"jsonrpc": "2.0", "error": error}), json!({"jsonrpc": "2.0", "id": null, "error": error})] {
        assert_eq!(answered(400, &[], &body.to_string()).await["error"], error);
    }
}

#[tokio::test]
async fn a_status_without_a_message_is_an_error_of_the_proxy() {
    let foreign = json!({"jsonrpc": "2.0", "id": 2, "error": {"code": 1, "message": ""}}).to_string();
    for (status, body) in [(502, "<html>Bad Gateway</html>"), (307, ""), (404, "{}"), (500, foreign.as_str())] {
        let answer = answered(status, &[], body).await;
        assert_eq!(answer["error"]["code"], connection_mcp::proxy::BAD_ANSWER);
        assert_eq!(answer["error"]["data"], json!({"code": "http_error", "status": status}));
    }
}

#[tokio::test]
async fn an_answer_that_is_no_response_to_the_request_is_an_error_of_the_proxy() {
    for (body, code) in [
        ("", "no_answer"),
        ("<html></html>", "invalid_answer"),
        ("[]", "invalid_answer"),
        (r#"{"jsonrpc":"2.0","id":2,"result":{}}"#, "no_answer"),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"result":{}}"#, "invalid_answer"),
    ] {
        assert_eq!(answered(200, &[], body).await["error"]["data"]["code"], code);
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error_for_its_request() {
    let body = json!({"jsonrpc": "2.0", "id": 1, "result": "x".repeat(LIMIT)}).to_string();
    let answer = answered(200, &[], &body).await;
    assert_eq!(answer["error"]["code"], connection_mcp::proxy::OVER_LIMIT);
}

#[tokio::test]
async fn an_event_over_the_limit_is_an_error_for_its_request_alone() {
    let mut harness = Harness::start();
    for id in [1, 2] {
        harness.client.send(&stateless(id, "tools/list", json!({}))).await;
    }
    let stream = harness.server.post("tools/list").await.stream(&[]);
    let chunk = "x".repeat(LIMIT / 4);
    stream.text("data: \"");
    (0..4).for_each(|_| stream.text(&chunk));
    stream.text("\"\n\n");
    let answer = harness.client.receive().await;
    assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&json!(1), &json!("message_too_large")));
    stream.closed().await;
    harness.server.post("tools/list").await.result(json!({"tools": []}));
    assert_eq!(harness.client.receive().await["id"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_may_take_a_day() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/call", json!({"name": "slow"}))).await;
    let incoming = harness.server.post("tools/call").await;
    tokio::time::advance(std::time::Duration::from_secs(24 * 60 * 60)).await;
    incoming.result(json!({}));
    assert_eq!(harness.client.receive().await["result"], json!({}));
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused() {
    let mut harness = Harness::start();
    let mut incoming = Vec::new();
    for id in 0..256 {
        harness.client.send(&stateless(id, "tools/list", json!({}))).await;
        incoming.push(harness.server.next().await);
    }
    harness.client.send(&stateless(256, "tools/list", json!({}))).await;
    let answer = harness.client.receive().await;
    assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&json!(256), &json!("too_many_requests")));
    incoming.remove(0).result(json!({"tools": []}));
    harness.client.receive().await;
    harness.client.send(&stateless(257, "tools/list", json!({}))).await;
    harness.server.next().await.result(json!({"tools": []}));
    assert_eq!(harness.client.receive().await["id"], 257);
}

/// A server whose implementation has an error.
struct Panics;

impl Upstream for Panics {
    fn open(&self, _request: UpstreamRequest) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>> {
        panic!("the implementation has an error")
    }
}

// Time stands still, because writing the panics may take longer than a client is given that ended its input.
#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_for_its_request_alone() {
    let input = [stateless(1, "tools/list", json!({})), stateless(2, "tools/list", json!({}))].join("\n");
    let mut output = Vec::new();
    Proxy::new(Arc::new(Panics)).run(input.as_bytes(), &mut output).await.unwrap();
    let output = String::from_utf8(output).unwrap();
    let codes: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(codes.len(), 2);
    assert!(codes.iter().all(|answer: &Value| answer["error"]["data"]["code"] == "failed"));
}
