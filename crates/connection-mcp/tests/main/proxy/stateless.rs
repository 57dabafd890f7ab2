//! Requests of revision 2026-07-28, which belong to no session.

use serde_json::json;

use super::harness::{Harness, stateless};

#[tokio::test]
async fn a_request_has_the_headers_of_the_revision() {
    let mut harness = Harness::start();
    for (method, params, name) in [
        ("tools/call", json!({"name": "search"}), Some("search")),
        ("tools/call", json!({"name": "søg"}), Some("=?base64?c8O4Zw==?=")),
        ("prompts/get", json!({"name": "summary"}), Some("summary")),
        ("resources/read", json!({"uri": "file:///notes.txt"}), Some("file:///notes.txt")),
        ("tools/list", json!({"name": "ignored"}), None),
    ] {
        harness.client.send(&stateless(1, method, params)).await;
        let incoming = harness.server.post(method).await;
        assert_eq!(incoming.header("MCP-Protocol-Version"), Some("2026-07-28"));
        assert_eq!(incoming.header("Mcp-Method"), Some(method));
        assert_eq!(incoming.header("Mcp-Name"), name);
        assert_eq!(incoming.header("Mcp-Session-Id"), None);
        assert_eq!(incoming.header("Accept"), Some("application/json, text/event-stream"));
        assert_eq!(incoming.header("Content-Type"), Some("application/json"));
        incoming.result(json!({}));
        assert_eq!(harness.client.receive().await["result"], json!({}));
    }
}

#[tokio::test]
async fn discovery_without_a_version_has_the_version_of_the_revision() {
    let mut harness = Harness::start();
    harness.client.send(r#"{"jsonrpc":"2.0","id":"d","method":"server/discover"}"#).await;
    let incoming = harness.server.post("server/discover").await;
    assert_eq!(incoming.header("MCP-Protocol-Version"), Some("2026-07-28"));
    incoming.result(json!({"supportedVersions": ["2026-07-28"]}));
    assert_eq!(harness.client.receive().await["id"], "d");
}

#[tokio::test]
async fn a_request_is_refused_if_its_method_or_version_cannot_be_a_header() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/list\r\nX-Injected: 1", json!({}))).await;
    assert_eq!(harness.client.receive().await["error"]["data"]["code"], "invalid_method");
    harness.client.send(&stateless(2, "tools/list", json!({})).replace("2026-07-28", "2026 07")).await;
    assert_eq!(harness.client.receive().await["error"]["data"]["code"], "invalid_version");
    harness.server.assert_idle();
}

#[tokio::test]
async fn answers_arrive_in_the_order_of_the_server() {
    let mut harness = Harness::start();
    for id in 1..=3 {
        harness.client.send(&stateless(id, "tools/list", json!({}))).await;
    }
    let mut incoming = Vec::new();
    for _ in 0..3 {
        incoming.push(harness.server.post("tools/list").await);
    }
    for answered in incoming.into_iter().rev() {
        let id = answered.message()["id"].clone();
        answered.result(json!({"tools": []}));
        assert_eq!(harness.client.receive().await["id"], id);
    }
}

#[tokio::test]
async fn a_stream_passes_notifications_until_its_response() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/call", json!({"name": "slow"}))).await;
    let stream = harness.server.post("tools/call").await.stream(&[]);
    stream.text(": keep-alive\n\n");
    let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}});
    stream.message(&progress);
    assert_eq!(harness.client.receive().await, progress);
    stream.message(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!(harness.client.receive().await["id"], 1);
    stream.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_early_is_an_error_and_is_not_continued() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/call", json!({"name": "slow"}))).await;
    let stream = harness.server.post("tools/call").await.stream(&[]);
    stream.text("id: 1\ndata:\n\n");
    drop(stream);
    let answer = harness.client.receive().await;
    assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&json!(1), &json!("no_answer")));
    harness.server.assert_idle();
}

#[tokio::test]
async fn a_request_of_the_server_is_not_passed_on() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/call", json!({"name": "ask"}))).await;
    let stream = harness.server.post("tools/call").await.stream(&[]);
    stream.message(&json!({"jsonrpc": "2.0", "id": 9, "method": "sampling/createMessage"}));
    stream.message(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!(harness.client.receive().await["result"], json!({}));
    assert!(harness.diagnostics()[0].contains("does not permit"));
}

#[tokio::test]
async fn a_notification_has_the_version_of_the_requests_before() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    harness.server.post("tools/list").await.result(json!({"tools": []}));
    harness.client.receive().await;
    harness.client.send(r#"{"jsonrpc":"2.0","method":"notifications/example"}"#).await;
    let incoming = harness.server.post("notifications/example").await;
    assert_eq!(incoming.header("MCP-Protocol-Version"), Some("2026-07-28"));
    assert_eq!(incoming.header("Mcp-Method"), Some("notifications/example"));
    incoming.accept();
}

#[tokio::test]
async fn a_session_and_stateless_requests_are_possible_at_once() {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    let incoming = harness.server.post("tools/list").await;
    assert_eq!(incoming.header("MCP-Protocol-Version"), Some("2026-07-28"));
    assert_eq!(incoming.header("Mcp-Session-Id"), None);
    incoming.result(json!({"tools": []}));
    harness.client.receive().await;
    harness.client.send(r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#).await;
    let incoming = harness.server.post("tools/list").await;
    assert_eq!(incoming.header("Mcp-Method"), None);
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("session-1"));
}
