//! Writing a kind file in TOML.

use std::fmt::Write as _;

use connection_contract::Value;

/// Returns a document as TOML: first the plain keys, then `[[fields]]`, then the tables.
pub(super) fn toml(document: &[(String, Value)]) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    for (name, value) in document.iter().filter(|(_, value)| !is_table(value) && !is_tables(value)) {
        _ = writeln!(text, "{} = {}", key(name), inline(value));
    }
    for (name, tables) in document.iter().filter(|(_, value)| is_tables(value)) {
        for table in tables.items() {
            _ = writeln!(text, "\n[[{}]]", key(name));
            members(&mut text, table);
        }
    }
    for (name, table) in document.iter().filter(|(_, value)| is_table(value)) {
        _ = writeln!(text, "\n[{}]", key(name));
        members(&mut text, table);
    }
    text
}

fn is_table(value: &Value) -> bool {
    matches!(value, Value::Map(_))
}

fn is_tables(value: &Value) -> bool {
    !value.items().is_empty() && value.items().iter().all(is_table)
}

fn members(text: &mut String, table: &Value) {
    let Value::Map(members) = table else { return };
    for (name, value) in members.iter().filter(|(_, value)| *value != Value::Null) {
        _ = writeln!(text, "{} = {}", key(name), inline(value));
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::List(items) => {
            let items: Vec<String> = items.iter().filter(|item| **item != Value::Null).map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(members) => {
            let members = members.iter().filter(|(_, value)| *value != Value::Null);
            let members: Vec<String> =
                members.map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
            if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
        }
        // The escapes of JSON are escapes of TOML, which has one character more to escape.
        Value::Text(_) => value.to_string().replace('\u{7f}', "\\u007f"),
        Value::Bool(_) | Value::Number(_) | Value::Null | Value::Damaged(_) => value.to_string(),
    }
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { name.to_owned() } else { inline(&Value::from(name)) }
}
