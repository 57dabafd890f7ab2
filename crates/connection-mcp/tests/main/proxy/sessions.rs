//! Sessions of the revisions before 2026-07-28.

use connection_mcp::proxy::Method;
use serde_json::json;

use super::harness::{Harness, INITIALIZE, INITIALIZED, initialized, session_headers};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

#[tokio::test]
async fn messages_after_the_handshake_have_the_session_and_the_version() {
    let mut harness = Harness::start();
    harness.client.send(INITIALIZE).await;
    let incoming = harness.server.post("initialize").await;
    assert_eq!(incoming.header("Mcp-Session-Id"), None);
    assert_eq!(incoming.header("MCP-Protocol-Version"), None);
    incoming.answer(200, &session_headers(Some("abc")), &initialized("2025-06-18"));
    harness.client.receive().await;

    harness.client.send(INITIALIZED).await;
    let incoming = harness.server.post("notifications/initialized").await;
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("abc"));
    assert_eq!(incoming.header("MCP-Protocol-Version"), Some("2025-06-18"));
    incoming.accept();
    let incoming = harness.server.get().await;
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("abc"));
    assert_eq!(incoming.header("Accept"), Some("text/event-stream"));
    incoming.status(405);

    harness.client.send(LIST).await;
    let incoming = harness.server.post("tools/list").await;
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("abc"));
    assert_eq!(incoming.header("MCP-Protocol-Version"), Some("2025-06-18"));
    assert_eq!(incoming.header("Mcp-Method"), None);
    incoming.result(json!({"tools": []}));
    assert_eq!(harness.client.receive().await["result"], json!({"tools": []}));
}

#[tokio::test]
async fn a_server_without_sessions_gets_the_version_alone() {
    let mut harness = Harness::start();
    harness.initialize("2025-03-26", None).await;
    harness.client.send(LIST).await;
    let incoming = harness.server.post("tools/list").await;
    assert_eq!(incoming.header("Mcp-Session-Id"), None);
    assert_eq!(incoming.header("MCP-Protocol-Version"), Some("2025-03-26"));
    incoming.result(json!({}));
    harness.client.receive().await;
    harness.client.close();
    harness.client.end().await;
    harness.server.assert_idle();
}

#[tokio::test]
async fn the_answer_to_initialize_may_be_a_stream() {
    let mut harness = Harness::start();
    harness.client.send(INITIALIZE).await;
    let stream = harness.server.post("initialize").await.stream(&session_headers(Some("abc")));
    stream.text(&format!("event: message\nid: 1\ndata: {}\n\n", initialized("2025-11-25")));
    harness.client.receive().await;
    harness.client.send(LIST).await;
    assert_eq!(harness.server.post("tools/list").await.header("Mcp-Session-Id"), Some("abc"));
}

#[tokio::test]
async fn messages_wait_for_the_end_of_the_handshake() {
    let mut harness = Harness::start();
    for message in [INITIALIZE, INITIALIZED, LIST] {
        harness.client.send(message).await;
    }
    harness.server.post("initialize").await.answer(200, &session_headers(Some("abc")), &initialized("2025-11-25"));
    let notification = harness.server.post("notifications/initialized").await;
    harness.server.assert_idle();
    notification.accept();
    let (mut listens, mut lists) = (0, 0);
    for _ in 0..2 {
        let incoming = harness.server.next().await;
        assert_eq!(incoming.header("Mcp-Session-Id"), Some("abc"));
        match incoming.request.method {
            Method::Get => listens += 1,
            _ => lists += 1,
        }
    }
    assert_eq!((listens, lists), (1, 1));
}

#[tokio::test]
async fn a_request_of_the_server_reaches_the_client_and_its_response_the_server() {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(LIST).await;
    let stream = harness.server.post("tools/list").await.stream(&[]);
    let question = json!({"jsonrpc": "2.0", "id": "q", "method": "roots/list"});
    stream.message(&question);
    assert_eq!(harness.client.receive().await, question);

    let response = r#"{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}"#;
    harness.client.send(response).await;
    let incoming = harness.server.next().await;
    assert_eq!(incoming.body(), response);
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("session-1"));
    incoming.accept();
    stream.message(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!(harness.client.receive().await["id"], 1);
}

#[tokio::test]
async fn a_session_that_the_server_ended_is_begun_again() {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(LIST).await;
    harness.server.post("tools/list").await.status(404);

    let incoming = harness.server.post("initialize").await;
    assert_eq!(incoming.body(), INITIALIZE);
    assert_eq!(incoming.header("Mcp-Session-Id"), None);
    incoming.answer(200, &session_headers(Some("session-2")), &initialized("2025-11-25"));
    let incoming = harness.server.post("notifications/initialized").await;
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("session-2"));
    incoming.accept();

    let incoming = harness.server.post("tools/list").await;
    assert_eq!(incoming.body(), LIST);
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("session-2"));
    incoming.result(json!({"tools": []}));
    assert_eq!(harness.client.receive().await["id"], 1);
}

#[tokio::test]
async fn requests_that_find_the_session_ended_begin_one_session_together() {
    let mut harness = Harness::in_session("2025-11-25").await;
    for id in [1, 2] {
        harness.client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}).to_string()).await;
    }
    let refused = [harness.server.post("tools/list").await, harness.server.post("tools/list").await];
    refused.into_iter().for_each(|incoming| incoming.status(404));
    harness.server.post("initialize").await.answer(200, &session_headers(Some("2")), &initialized("2025-11-25"));
    harness.server.post("notifications/initialized").await.accept();
    for _ in 0..2 {
        let incoming = harness.server.post("tools/list").await;
        assert_eq!(incoming.header("Mcp-Session-Id"), Some("2"));
        incoming.result(json!({}));
        harness.client.receive().await;
    }
}

#[tokio::test]
async fn another_version_in_the_new_session_is_an_error() {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(LIST).await;
    harness.server.post("tools/list").await.status(404);
    harness.server.post("initialize").await.answer(200, &[], &initialized("2025-06-18"));
    let answer = harness.client.receive().await;
    assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&json!(1), &json!("session_lost")));
}

#[tokio::test]
async fn a_notification_is_sent_again_in_the_new_session_and_a_response_is_not() {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(r#"{"jsonrpc":"2.0","id":"q","result":{}}"#).await;
    harness.server.next().await.status(404);
    harness.server.post("initialize").await.answer(200, &session_headers(Some("2")), &initialized("2025-11-25"));
    harness.server.post("notifications/initialized").await.accept();

    let changed = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
    harness.client.send(changed).await;
    let incoming = harness.server.post("notifications/roots/list_changed").await;
    assert_eq!(incoming.header("Mcp-Session-Id"), Some("2"));
    incoming.status(404);
    harness.server.post("initialize").await.answer(200, &session_headers(Some("3")), &initialized("2025-11-25"));
    harness.server.post("notifications/initialized").await.accept();
    let incoming = harness.server.post("notifications/roots/list_changed").await;
    assert_eq!((incoming.body(), incoming.header("Mcp-Session-Id")), (changed, Some("3")));
    incoming.accept();
}

#[tokio::test]
async fn a_second_initialize_ends_the_session_before() {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(INITIALIZE).await;
    let mut methods = Vec::new();
    for _ in 0..2 {
        let incoming = harness.server.next().await;
        methods.push(incoming.request.method);
        match incoming.request.method {
            Method::Delete => {
                assert_eq!(incoming.header("Mcp-Session-Id"), Some("session-1"));
                incoming.status(204);
            }
            _ => {
                assert_eq!(incoming.header("Mcp-Session-Id"), None);
                incoming.answer(200, &session_headers(Some("session-2")), &initialized("2025-06-18"));
            }
        }
    }
    assert!(methods.contains(&Method::Delete));
    assert_eq!(harness.client.receive().await["result"]["protocolVersion"], "2025-06-18");
    harness.client.send(LIST).await;
    assert_eq!(harness.server.post("tools/list").await.header("Mcp-Session-Id"), Some("session-2"));
}

#[tokio::test]
async fn a_response_outside_of_a_session_is_dropped() {
    let mut harness = Harness::start();
    harness.client.send(r#"{"jsonrpc":"2.0","id":"q","result":{}}"#).await;
    harness.client.close();
    assert!(harness.client.end().await.is_empty());
    harness.server.assert_idle();
    assert_eq!(harness.diagnostics(), ["the client sent a response outside of a session"]);
}
