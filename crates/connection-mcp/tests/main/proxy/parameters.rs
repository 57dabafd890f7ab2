//! Parameters of tools that are sent as headers, too.

use serde_json::{Value, json};

use super::harness::{Harness, stateless};

/// Returns a tool whose parameters have this schema.
fn tool(name: &str, properties: Value) -> Value {
    json!({"name": name, "inputSchema": {"type": "object", "properties": properties}})
}

/// Lets the client list tools, and returns the names in the answer that it gets.
async fn list(harness: &mut Harness, tools: Value) -> Vec<String> {
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    harness.server.post("tools/list").await.result(json!({"tools": tools, "ttlMs": 5}));
    let answer = harness.client.receive().await;
    assert_eq!(answer["result"]["ttlMs"], 5);
    let tools = answer["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

/// Lets the client call a tool, and returns the headers for its parameters.
async fn call(harness: &mut Harness, name: &str, arguments: Value) -> Vec<(String, String)> {
    harness.client.send(&stateless(2, "tools/call", json!({"name": name, "arguments": arguments}))).await;
    let incoming = harness.server.post("tools/call").await;
    let headers = incoming.request.headers.iter().filter(|(name, _)| name.starts_with("Mcp-Param-"));
    let headers = headers.cloned().collect();
    incoming.result(json!({}));
    harness.client.receive().await;
    headers
}

/// Checks which values of an annotated parameter become which header.
#[track_caller]
fn check(headers: &[(String, String)], expected: &[(&str, &str)]) {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn annotated_arguments_are_headers_of_a_call() {
    let mut harness = Harness::start();
    let properties = json!({
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "dry": {"type": ["boolean", "null"], "x-mcp-header": "Dry-Run"},
        "target": {"type": "object", "properties": {"id": {"type": "string", "x-mcp-header": "Method"}}},
        "query": {"type": "string"},
    });
    assert_eq!(list(&mut harness, json!([tool("sql", properties)])).await, ["sql"]);

    let all = json!({"region": "us-west1", "count": -7, "dry": true, "target": {"id": "æ"}, "query": "SELECT"});
    let headers = call(&mut harness, "sql", all).await;
    let expected = [
        ("Mcp-Param-Count", "-7"),
        ("Mcp-Param-Dry-Run", "true"),
        ("Mcp-Param-Region", "us-west1"),
        ("Mcp-Param-Method", "=?base64?w6Y=?="),
    ];
    check(&headers, &expected);

    let headers = call(&mut harness, "sql", json!({"region": null, "count": 42.0, "target": 1})).await;
    check(&headers, &[("Mcp-Param-Count", "42")]);
    check(&call(&mut harness, "sql", Value::Null).await, &[]);
    check(&call(&mut harness, "other", json!({"region": "us"})).await, &[]);
}

#[tokio::test]
async fn an_integer_that_is_not_exact_in_every_language_is_refused() {
    let mut harness = Harness::start();
    list(&mut harness, json!([tool("sql", json!({"n": {"type": "integer", "x-mcp-header": "N"}}))])).await;
    check(
        &call(&mut harness, "sql", json!({"n": 9_007_199_254_740_991_i64})).await,
        &[("Mcp-Param-N", "9007199254740991")],
    );
    for number in [json!(9_007_199_254_740_992_i64), json!(1.5)] {
        harness.client.send(&stateless(3, "tools/call", json!({"name": "sql", "arguments": {"n": number}}))).await;
        let answer = harness.client.receive().await;
        assert_eq!(answer["error"]["code"], -32602);
    }
    harness.server.assert_idle();
}

#[tokio::test]
async fn a_tool_with_an_invalid_annotation_is_left_out_of_the_list() {
    let property = |name: &str| json!({"p": {"type": "string", "x-mcp-header": name}});
    let nested = |keyword: &str, value: Value| json!({"name": keyword, "inputSchema": {keyword: value}});
    let annotated = json!({"type": "string", "x-mcp-header": "P"});
    let invalid = json!([
        tool("empty", property("")),
        tool("space", property("My Region")),
        tool("colon", property("Region:Primary")),
        tool("control", property("Region\r\n")),
        tool("not ASCII", property("Région")),
        tool("no text", json!({"p": {"type": "string", "x-mcp-header": 1}})),
        tool("number", json!({"p": {"type": "number", "x-mcp-header": "P"}})),
        tool("object", json!({"p": {"type": "object", "x-mcp-header": "P"}})),
        tool("no type", json!({"p": {"x-mcp-header": "P"}})),
        tool("two types", json!({"p": {"type": ["string", "integer"], "x-mcp-header": "P"}})),
        tool(
            "twice",
            json!({"a": {"type": "string", "x-mcp-header": "P"}, "b": {"type": "string", "x-mcp-header": "p"}})
        ),
        tool("items", json!({"p": {"type": "array", "items": annotated}})),
        tool("one of", json!({"p": {"oneOf": [annotated]}})),
        nested("x-mcp-header", json!("Root")),
        nested("if", json!({"properties": {"p": annotated}})),
        nested("$defs", json!({"p": annotated})),
        nested("patternProperties", json!({"p": annotated})),
    ]);
    let mut harness = Harness::start();
    let mut tools = vec![tool("first", property("Region"))];
    tools.extend(invalid.as_array().unwrap().iter().cloned());
    tools.push(tool("last", json!({"x-mcp-header": {"type": "string"}, "d": {"default": {"x-mcp-header": 1}}})));
    assert_eq!(list(&mut harness, json!(tools)).await, ["first", "last"]);
    let diagnostics = harness.diagnostics();
    assert_eq!(diagnostics.len(), invalid.as_array().unwrap().len());
    assert!(diagnostics[0].starts_with("the tool \"empty\" is left out of the list: "));
}

#[tokio::test]
async fn the_other_bytes_of_a_filtered_list_stay_as_they_are() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(1, "tools/list", json!({}))).await;
    let good = r#"{"name":"good",  "z":1.0, "a":"\u00e6"}"#;
    let bad = r#"{"name":"bad","inputSchema":{"x-mcp-header":"X"}}"#;
    let list = format!(r#"{{"result": {{"z":1e2, "tools": [ {bad}, {good} ], "a":[]}}, "id":1, "jsonrpc":"2.0"}}"#);
    harness.server.post("tools/list").await.answer(200, &[], &list);
    let expected = format!(r#"{{"result": {{"z":1e2, "tools": [{good}], "a":[]}}, "id":1, "jsonrpc":"2.0"}}"#);
    assert_eq!(harness.client.line().await, expected);
}

#[tokio::test]
async fn a_list_in_a_session_is_not_filtered() {
    let mut harness = Harness::in_session("2025-11-25").await;
    harness.client.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    let bad = json!({"name": "bad", "inputSchema": {"x-mcp-header": "X"}});
    harness.server.post("tools/list").await.result(json!({"tools": [bad]}));
    assert_eq!(harness.client.receive().await["result"]["tools"][0], bad);
}

/// The error with which a server refuses headers.
fn mismatch() -> String {
    json!({"jsonrpc": "2.0", "id": 2, "error": {"code": -32020, "message": "Header mismatch"}}).to_string()
}

#[tokio::test]
async fn a_refused_call_is_repeated_with_the_headers_of_the_current_list() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(2, "tools/call", json!({"name": "sql", "arguments": {"p": "x"}}))).await;
    harness.server.post("tools/call").await.answer(400, &[], &mismatch());

    let first = harness.server.post("tools/list").await;
    assert_eq!(first.header("Mcp-Method"), Some("tools/list"));
    assert_eq!(first.message()["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    first.result(json!({"tools": [], "nextCursor": "page \"2\""}));
    let second = harness.server.post("tools/list").await;
    assert_eq!(second.message()["params"]["cursor"], "page \"2\"");
    second.result(json!({"tools": [tool("sql", json!({"p": {"type": "string", "x-mcp-header": "P"}}))]}));

    let repeated = harness.server.post("tools/call").await;
    assert_eq!(repeated.header("Mcp-Param-P"), Some("x"));
    repeated.result(json!({"content": []}));
    assert_eq!(harness.client.receive().await["result"], json!({"content": []}));
}

#[tokio::test]
async fn a_call_is_not_repeated_if_the_list_does_not_change_its_headers() {
    let mut harness = Harness::start();
    harness.client.send(&stateless(2, "tools/call", json!({"name": "sql"}))).await;
    harness.server.post("tools/call").await.answer(400, &[], &mismatch());
    harness.server.post("tools/list").await.result(json!({"tools": []}));
    assert_eq!(harness.client.receive().await["error"]["code"], -32020);
    harness.server.assert_idle();
}
