//! The lines of the client and of the proxy.

use serde_json::{Value, json};

use super::harness::{Harness, stateless};

/// The largest message.
const LIMIT: usize = 16 * 1024 * 1024;

#[tokio::test]
async fn a_message_is_passed_on_byte_for_byte() {
    let mut harness = Harness::in_session("2025-11-25").await;
    let request =
        r#"{"method":"tools/call", "z":1e400,"params":{"b":1.0,"a":"\u0041/\/"},"id":"\u0041","jsonrpc":"2.0"}"#;
    harness.client.send(request).await;
    let incoming = harness.server.next().await;
    assert_eq!(incoming.body(), request);
    let response = r#"{"result":{"b":12345678901234567890.10,"a":"\ud83d\ude00"} ,"id":"A","jsonrpc":"2.0"}"#;
    incoming.answer(200, &[], response);
    assert_eq!(harness.client.line().await, response);
}

#[tokio::test]
async fn a_message_of_several_lines_becomes_one_line() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/call", json!({"name": "a"}))).await;
    harness.server.next().await.answer(200, &[], "{\r\n\"id\": 1,\n\"result\": {\"text\": \"a\\nb\"}}\n");
    assert_eq!(harness.client.line().await.trim_end(), "{  \"id\": 1, \"result\": {\"text\": \"a\\nb\"}}");
    harness.client.send(&stateless(2, "tools/call", json!({"name": "a"}))).await;
    let stream = harness.server.next().await.stream(&[]);
    stream.text("data: {\"id\": 2,\rdata: \"result\": {}}\r\r");
    assert_eq!(harness.client.line().await, "{\"id\": 2, \"result\": {}}");
}

#[tokio::test]
async fn empty_lines_and_carriage_returns_are_ignored() {
    let mut harness = Harness::start();
    harness.client.send_bytes(format!("\n \r\n{}\r\n", stateless(1, "tools/list", json!({}))).as_bytes()).await;
    let incoming = harness.server.post("tools/list").await;
    assert_eq!(incoming.body(), stateless(1, "tools/list", json!({})));
}

#[tokio::test]
async fn the_last_line_needs_no_end() {
    let mut harness = Harness::start();
    harness.client.send_bytes(stateless(1, "tools/list", json!({})).as_bytes()).await;
    harness.client.close();
    harness.server.post("tools/list").await.result(json!({}));
    assert_eq!(harness.client.end().await.len(), 1);
}

#[tokio::test]
async fn a_line_that_is_no_message_is_answered_with_an_error() {
    let mut harness = Harness::start();
    for (line, id, code) in [
        (&b"{"[..], Value::Null, -32700),
        (b"\"\xff\"", Value::Null, -32700),
        (b"{}", Value::Null, -32600),
        (b"1", Value::Null, -32600),
        (b"[]", Value::Null, -32600),
        (br#"{"jsonrpc":"2.0","id":{},"method":"a"}"#, Value::Null, -32600),
        (br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#, json!(2), -32600),
        (br#"{"jsonrpc":"2.0","id":1,"method":"a","result":{}}"#, json!(1), -32600),
    ] {
        harness.client.send_bytes(line).await;
        harness.client.send_bytes(b"\n").await;
        let answer = harness.client.receive().await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(code)));
    }
    harness.client.send(r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"a","name":"b"}}"#).await;
    let answer = harness.client.receive().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32602)));
    harness.server.assert_idle();
}

#[tokio::test]
async fn a_request_over_the_limit_is_answered_with_an_error_for_its_id() {
    let mut harness = Harness::start();
    let long = "x".repeat(LIMIT);
    for (line, id) in [
        (format!(r#"{{"method":"a","params":{{"id":1,"a":["{long}\"}}"]}},"jsonrpc":"2.0", "id" : "last" }}"#), "last"),
        (format!(r#"{{"id":"first","jsonrpc":"2.0","method":"a","params":{{"a":"{long}"}}}}"#), "first"),
    ] {
        harness.client.send(&line).await;
        let answer = harness.client.receive().await;
        assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&json!(id), &json!("message_too_large")));
    }
    harness.client.send(&format!(r#"{{"id":"response","jsonrpc":"2.0","result":"{long}"}}"#)).await;
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    harness.server.post("tools/list").await.result(json!({"tools": []}));
    assert_eq!(harness.client.receive().await["id"], 1);
    assert_eq!(harness.diagnostics().len(), 1);
}
