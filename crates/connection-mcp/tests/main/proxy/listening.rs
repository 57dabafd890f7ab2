//! The stream of messages that answer no request.

use std::time::Duration;

use connection_mcp::proxy::UpstreamError;
use serde_json::json;
use tokio::time::Instant;

use super::harness::{Harness, INITIALIZED, Incoming, initialized, session_headers};

/// Starts a session, and returns the request for the stream.
async fn listening() -> (Harness, Incoming) {
    let mut harness = Harness::start();
    harness.initialize("2025-11-25", Some("session-1")).await;
    harness.client.send(INITIALIZED).await;
    harness.server.post("notifications/initialized").await.accept();
    let incoming = harness.server.get().await;
    (harness, incoming)
}

#[tokio::test]
async fn requests_and_notifications_of_the_server_reach_the_client() {
    let (mut harness, incoming) = listening().await;
    assert_eq!(incoming.header("Last-Event-ID"), None);
    let stream = incoming.stream(&[]);
    for message in [
        json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}),
        json!({"jsonrpc": "2.0", "id": 5, "method": "ping"}),
    ] {
        stream.message(&message);
        assert_eq!(harness.client.receive().await, message);
    }
}

#[tokio::test]
async fn a_response_and_other_events_are_not_passed_on() {
    let (mut harness, incoming) = listening().await;
    let stream = incoming.stream(&[]);
    stream.message(&json!({"jsonrpc": "2.0", "id": 5, "result": {}}));
    stream.text("event: endpoint\ndata: /messages\n\ndata: no message\n\n");
    let last = json!({"jsonrpc": "2.0", "method": "notifications/message"});
    stream.message(&last);
    assert_eq!(harness.client.receive().await, last);
    assert_eq!(harness.diagnostics().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_is_continued_after_its_last_event() {
    let (mut harness, incoming) = listening().await;
    let stream = incoming.stream(&[]);
    stream.text("id: 41\nretry: 3000\ndata:\n\n");
    let closed = Instant::now();
    drop(stream);
    let incoming = harness.server.get().await;
    assert_eq!(closed.elapsed(), Duration::from_secs(3));
    assert_eq!(incoming.header("Last-Event-ID"), Some("41"));
    let stream = incoming.stream(&[]);
    drop(stream);
    assert_eq!(harness.server.get().await.header("Last-Event-ID"), Some("41"));
}

#[tokio::test(start_paused = true)]
async fn the_caller_sets_the_time_between_attempts_and_one_failure_is_reported() {
    let (mut harness, mut incoming) = listening().await;
    for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
        let failed = Instant::now();
        incoming.fail(UpstreamError::Unreachable { message: "cannot reach mcp.example.com".to_owned() });
        incoming = harness.server.get().await;
        assert_eq!(failed.elapsed(), Duration::from_secs(expected));
    }
    let diagnostics = harness.diagnostics();
    assert_eq!(diagnostics.len(), 1);
    assert!(diagnostics[0].ends_with("cannot reach mcp.example.com"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_gone_begins_anew() {
    let (mut harness, incoming) = listening().await;
    incoming.stream(&[]).text("id: 41\ndata:\n\n");
    let incoming = harness.server.get().await;
    assert_eq!(incoming.header("Last-Event-ID"), Some("41"));
    incoming.status(400);
    let incoming = harness.server.get().await;
    assert_eq!(incoming.header("Last-Event-ID"), None);
    incoming.status(405);
    harness.client.close();
    harness.server.next().await.status(204);
    harness.client.end().await;
    harness.server.assert_idle();
}

#[tokio::test]
async fn a_session_that_ended_is_begun_again() {
    let (mut harness, incoming) = listening().await;
    incoming.status(404);
    harness.server.post("initialize").await.answer(200, &session_headers(Some("2")), &initialized("2025-11-25"));
    harness.server.post("notifications/initialized").await.accept();
    assert_eq!(harness.server.get().await.header("Mcp-Session-Id"), Some("2"));
}
