//! Streams of answers that break off, before revision 2026-07-28.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::harness::{Harness, Stream};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow"}}"#;

/// Starts a call whose answer is a stream.
async fn call() -> (Harness, Stream) {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(CALL).await;
    let stream = harness.server.post("tools/call").await.stream(&[]);
    (harness, stream)
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_continued_after_its_last_event_until_the_response_arrives() {
    let (mut harness, stream) = call().await;
    stream.text("id: a1\nretry: 2000\ndata:\n\n");
    let closed = Instant::now();
    drop(stream);

    let incoming = harness.server.get().await;
    assert_eq!(closed.elapsed(), Duration::from_secs(2));
    assert_eq!(incoming.header("Last-Event-ID"), Some("a1"));
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("session-1"));
    let stream = incoming.stream(&[]);
    stream.text("id: a2\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n");
    stream.break_off("connection reset");
    assert_eq!(harness.client.receive().await["method"], "notifications/progress");

    let incoming = harness.server.get().await;
    assert_eq!(incoming.header("Last-Event-ID"), Some("a2"));
    incoming.stream(&[]).message(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!(harness.client.receive().await["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_ids_is_not_continued() {
    let (mut harness, stream) = call().await;
    stream.break_off("connection reset by mcp.example.com");
    let answer = harness.client.receive().await;
    assert_eq!(answer["error"]["message"], "connection reset by mcp.example.com");
    assert_eq!(answer["error"]["data"]["code"], "unreachable");
    harness.server.assert_idle();
}

#[tokio::test(start_paused = true)]
async fn the_request_fails_if_the_server_cannot_continue_the_stream() {
    let (mut harness, stream) = call().await;
    stream.text("id: a1\ndata:\n\n");
    drop(stream);
    harness.server.get().await.status(405);
    assert_eq!(harness.client.receive().await["error"]["data"]["code"], "no_answer");
}

#[tokio::test(start_paused = true)]
async fn the_request_fails_after_five_failures_to_continue() {
    let (mut harness, stream) = call().await;
    stream.text("id: a1\ndata:\n\n");
    drop(stream);
    for _ in 0..5 {
        harness.server.get().await.status(503);
    }
    let answer = harness.client.receive().await;
    assert_eq!(answer["error"]["data"], json!({"code": "http_error", "status": 503}));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_cannot_be_a_header_is_not_sent() {
    let (mut harness, stream) = call().await;
    stream.text("id: é\ndata:\n\n");
    drop(stream);
    assert_eq!(harness.client.receive().await["error"]["data"]["code"], "no_answer");
    harness.server.assert_idle();
}
