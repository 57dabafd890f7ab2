//! Messages of JSON-RPC in the corpus.

use serde_json::{Value, json};

use super::Entry;
use crate::common::{Sent, sent};

const TOOLS: &str = r#"{"rule":[
    {"name":"writes","path":"/mcp","json_rpc":{"tools":["create_issue"]},"effect":"ask"},
    {"name":"reads","path":"/mcp","json_rpc":{"methods":["initialize","tools/list","notifications/initialized"],
     "tools":["search"]},"effect":"allow"}]}"#;
const ANSWERS: &str = r#"{"rule":[
    {"name":"answers","json_rpc":{"methods":["response","tools/call"]},"effect":"allow"}]}"#;

fn post(value: &Value) -> Sent {
    sent("POST /mcp").json(&value.to_string())
}

fn request(method: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method })
}

fn call(tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": {} } })
}

pub(super) fn single() -> Vec<Entry> {
    let mut cased = call("search");
    cased["params"] = json!({ "Name": "create_issue" });
    let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    let both = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "result": {} });
    vec![
        (284, TOOLS, post(&request("initialize")), "allow: reads"),
        (285, TOOLS, post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })), "allow: reads"),
        (286, TOOLS, post(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled" })), "deny"),
        (287, TOOLS, post(&call("search")), "allow: reads"),
        (288, TOOLS, post(&call("create_issue")), "ask: writes"),
        (289, TOOLS, post(&call("Create_Issue")), "ask: writes"),
        (290, TOOLS, post(&call("delete_repo")), "deny"),
        (291, TOOLS, post(&request("tools/call")), "deny: writes"),
        (292, TOOLS, post(&cased), "deny: writes"),
        (293, TOOLS, post(&json!({ "id": 1, "method": "tools/list" })), "deny: writes"),
        (294, TOOLS, post(&json!({ "jsonrpc": "2.0", "Method": "tools/list", "id": 1 })), "deny: writes"),
        (295, TOOLS, post(&both), "deny: writes"),
        (296, TOOLS, post(&answer), "deny"),
        (297, ANSWERS, post(&answer), "allow: answers"),
        (298, ANSWERS, post(&request("response")), "deny"),
        (299, ANSWERS, post(&call("anything")), "allow: answers"),
        (300, TOOLS, sent("POST /mcp").json("{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"method\":\"b\"}"), "deny: writes"),
        (301, TOOLS, sent("GET /mcp"), "deny"),
    ]
}

pub(super) fn batches() -> Vec<Entry> {
    vec![
        (302, TOOLS, post(&json!([request("tools/list"), call("search")])), "allow: reads"),
        (303, TOOLS, post(&json!([call("search"), call("create_issue")])), "ask: writes"),
        (304, TOOLS, post(&json!([call("create_issue"), call("delete_repo")])), "deny"),
        (305, TOOLS, post(&json!([call("search"), request("tools/call")])), "deny: writes"),
        (306, TOOLS, post(&json!([])), "deny: writes"),
        (307, TOOLS, post(&json!([[call("search")]])), "deny: writes"),
        (308, TOOLS, post(&json!([call("search"), 7])), "deny: writes"),
        (309, TOOLS, post(&Value::Array(vec![call("search"); 101])), "deny: writes"),
        (310, TOOLS, post(&Value::Array(vec![call("search"); 100])), "allow: reads"),
    ]
}
