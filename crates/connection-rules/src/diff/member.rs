//! Members of JSON values at pointers, and texts in another letter case.

use serde_json::{Map, Value};

use crate::json;

/// The number of letters of which each alone is written in capitals.
const MAX_CASES: usize = 8;

/// Returns the text in another letter case that is not in a sorted list of named texts, or `None` if there is none.
pub(super) fn other_case(text: &str, named: &[String]) -> Option<String> {
    let lower = text.to_lowercase();
    let mut cases = vec![text.to_uppercase(), lower.clone()];
    for (start, letter) in lower.char_indices().filter(|(_, letter)| letter.is_alphabetic()).take(MAX_CASES) {
        let (before, rest) = lower.split_at(start);
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        cases.push(format!("{before}{}{after}", letter.to_uppercase()));
    }
    cases.into_iter().find(|case| case != text && named.binary_search(case).is_err())
}

/// Returns `true` if something at one pointer implies something at the other one.
pub(super) fn is_below(pointer: &str, ancestor: &str) -> bool {
    pointer.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns `true` if a value has something at a pointer, in any letter case.
pub(super) fn is_there(value: &Value, pointer: &str) -> bool {
    json::has(value, pointer, true)
}

/// Returns an object that has something at each of the pointers.
pub(super) fn object(pointers: &[&str]) -> Value {
    add(Value::Object(Map::new()), pointers)
}

/// Adds something at each of the pointers to an object.
pub(super) fn add(mut value: Value, pointers: &[&str]) -> Value {
    // A longer pointer makes the objects in which shorter ones are.
    let mut pointers = pointers.to_vec();
    pointers.sort_by_key(|pointer| std::cmp::Reverse(pointer.len()));
    for pointer in pointers {
        let mut current = &mut value;
        let tokens: Vec<String> =
            pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
        for (index, token) in tokens.iter().enumerate() {
            let Value::Object(map) = current else { break };
            let is_last = index + 1 == tokens.len();
            let fresh = if is_last { Value::Bool(true) } else { Value::Object(Map::new()) };
            current = map.entry(token.clone()).or_insert(fresh);
        }
    }
    value
}

/// Returns `true` if something can be added at a pointer without changing the class of a JSON value.
pub(super) fn may_add(value: &Value, pointer: &str) -> bool {
    let Some(map) = value.as_object() else { return false };
    let first = pointer.split('/').nth(1).unwrap_or_default();
    if map.is_empty() {
        return true;
    }
    if map.contains_key("query") {
        let is_stored = pointer.starts_with("/extensions/persistedquery");
        return matches!(first, "variables" | "operationname" | "extensions") && !is_stored;
    }
    let is_answer = map.contains_key("result");
    let is_name = pointer == "/params/name" || pointer.starts_with("/params/name/");
    match first {
        "params" => !is_answer && !is_name,
        "result" => is_answer,
        "error" => is_answer,
        _ => false,
    }
}
