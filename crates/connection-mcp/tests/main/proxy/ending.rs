//! The end of the input, and of a client.

use std::time::Duration;

use connection_mcp::proxy::{Method, ProxyError};
use serde_json::json;
use tokio::time::Instant;

use super::harness::{Harness, INITIALIZED, stateless};

#[tokio::test(start_paused = true)]
async fn the_end_of_the_input_ends_the_session() {
    let mut harness = Harness::in_session("2025-11-25").await;
    let closed = Instant::now();
    harness.client.close();
    let incoming = harness.server.next().await;
    assert_eq!(incoming.request.method, Method::Delete);
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("session-1"));
    assert_eq!(incoming.header("MCP-Protocol-Version"), Some("2025-11-25"));
    incoming.status(405);
    assert!(harness.client.end().await.is_empty());
    assert_eq!(closed.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_delays_the_end_by_a_second() {
    let mut harness = Harness::in_session("2025-11-25").await;
    let closed = Instant::now();
    harness.client.close();
    let unanswered = harness.server.next().await;
    harness.client.end().await;
    assert_eq!(closed.elapsed(), Duration::from_secs(1));
    drop(unanswered);
}

#[tokio::test(start_paused = true)]
async fn requests_have_half_a_second_after_the_end_of_the_input() {
    let mut harness = Harness::start();
    for id in [1, 2] {
        harness.client.send(&stateless(id, "tools/list", json!({}))).await;
    }
    harness.client.close();
    let closed = Instant::now();
    let first = harness.server.post("tools/list").await;
    let second = harness.server.post("tools/list").await;
    first.result(json!({"tools": []}));
    assert_eq!(harness.client.receive().await["id"], 1);
    second.cancelled().await;
    assert_eq!(closed.elapsed(), Duration::from_millis(500));
    assert!(harness.client.end().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_caller_may_set_another_time() {
    let mut harness = Harness::with(|proxy| proxy.grace(Duration::from_secs(30)));
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    let closed = Instant::now();
    harness.client.close();
    harness.server.post("tools/list").await.cancelled().await;
    assert_eq!(closed.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn streams_of_the_server_do_not_delay_the_end() {
    let mut harness = Harness::start();
    harness.initialize("2025-11-25", None).await;
    harness.client.send(INITIALIZED).await;
    harness.server.post("notifications/initialized").await.accept();
    let listening = harness.server.get().await.stream(&[]);
    harness.client.send(&stateless(1, "subscriptions/listen", json!({}))).await;
    let subscription = harness.server.post("subscriptions/listen").await.stream(&[]);
    let closed = Instant::now();
    harness.client.close();
    assert!(harness.client.end().await.is_empty());
    assert_eq!(closed.elapsed(), Duration::ZERO);
    listening.closed().await;
    subscription.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_no_longer_reads_ends_the_proxy() {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    let stream = harness.server.post("tools/list").await.stream(&[]);
    harness.client.send(&stateless(2, "tools/list", json!({}))).await;
    let last = harness.server.post("tools/list").await;
    let Harness { client, mut server, .. } = harness;
    let leave = client.leave();
    let rest = async {
        last.result(json!({"tools": []}));
        stream.closed().await;
        let ended = server.next().await;
        assert_eq!(ended.request.method, Method::Delete);
        ended.status(200);
    };
    let (left, ()) = tokio::join!(leave, rest);
    assert!(matches!(left, Ok(()) | Err(ProxyError::Output(_))));
}
