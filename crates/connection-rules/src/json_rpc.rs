//! Messages of JSON-RPC.

use serde_json::{Map, Value};

use crate::text::fold;

/// The word for a response in the list of methods of a rule.
pub(crate) const RESPONSE: &str = "response";
/// The method of the Model Context Protocol that calls a tool.
pub(crate) const TOOL_CALL: &str = "tools/call";
/// The maximum number of messages of a batch that is read.
pub(crate) const MAX_BATCH: usize = 100;

/// A message, as far as rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// A request or notification with a method.
    Method(&'a str),
    /// A call of a tool, by its name.
    Tool(&'a str),
    /// An answer to a request of the server.
    Response,
}

/// Reads a message. A value that is none, or that systems read differently, is `None`.
pub(crate) fn message(value: &Value) -> Option<Message<'_>> {
    let map = value.as_object()?;
    let is_known = |key: &String| matches!(key.as_str(), "jsonrpc" | "id" | "method" | "params" | "result" | "error");
    if map.get("jsonrpc").and_then(Value::as_str) != Some("2.0") || !map.keys().all(is_known) {
        return None;
    }
    let is_answer = map.contains_key("result") || map.contains_key("error");
    match map.get("method") {
        None => is_answer.then_some(Message::Response),
        Some(_) if is_answer => None,
        Some(Value::String(method)) if method == TOOL_CALL => tool(map).map(Message::Tool),
        Some(Value::String(method)) => Some(Message::Method(method)),
        Some(_) => None,
    }
}

/// Returns the name of the tool that a message calls.
fn tool(map: &Map<String, Value>) -> Option<&str> {
    let params = map.get("params")?.as_object()?;
    // Keys that differ in case alone are refused by the reader of JSON, so that this key is the only one, if any.
    let (key, value) = params.iter().find(|(key, _)| fold(key) == "name")?;
    if key == "name" { value.as_str() } else { None }
}
