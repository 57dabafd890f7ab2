//! Requests that the client cancels.

use serde_json::json;

use super::harness::{Harness, INITIALIZE, stateless};

fn cancelled(id: u64) -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}).to_string()
}

#[tokio::test]
async fn a_stateless_request_is_cancelled_by_closing_its_stream() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "subscriptions/listen", json!({}))).await;
    harness.client.send(&stateless(2, "tools/list", json!({}))).await;
    let stream = harness.server.post("subscriptions/listen").await.stream(&[]);
    let list = harness.server.post("tools/list").await;
    harness.client.send(&cancelled(1)).await;
    stream.closed().await;
    harness.server.assert_idle();
    list.result(json!({"tools": []}));
    assert_eq!(harness.client.receive().await["id"], 2);
}

#[tokio::test]
async fn a_stateless_request_is_cancelled_before_its_answer_begins() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/call", json!({"name": "slow"}))).await;
    let incoming = harness.server.post("tools/call").await;
    harness.client.send(&cancelled(1)).await;
    incoming.cancelled().await;
    harness.server.assert_idle();
}

#[tokio::test]
async fn a_request_in_a_session_is_cancelled_by_a_notification() {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#).await;
    let stream = harness.server.post("tools/call").await.stream(&[]);
    harness.client.send(&cancelled(1)).await;
    let incoming = harness.server.post("notifications/cancelled").await;
    assert_eq!(incoming.body(), cancelled(1));
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("session-1"));
    incoming.accept();
    stream.closed().await;
}

#[tokio::test]
async fn initialize_is_not_cancelled() {
    let mut harness = Harness::start();
    harness.client.send(INITIALIZE).await;
    let incoming = harness.server.post("initialize").await;
    harness.client.send(&cancelled(0)).await;
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    harness.server.post("tools/list").await.result(json!({}));
    harness.client.receive().await;
    incoming.result(json!({"protocolVersion": "2025-11-25"}));
    assert_eq!(harness.client.receive().await["id"], 0);
}

#[tokio::test]
async fn an_unknown_request_is_not_cancelled() {
    let mut harness = Harness::start();
    harness.client.send(&cancelled(7)).await;
    harness.client.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#).await;
    harness.client.close();
    assert!(harness.client.end().await.is_empty());
    harness.server.assert_idle();
}
