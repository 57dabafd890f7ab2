//! Hosts that a person chooses freely.
//!
//! An entry may ask for a host and send the credential there. The format has another way to say this: the person types
//! the whole address, and so grants it. For an OAuth kind, that person's own application is then asked for, so that no
//! other application's secret goes there.

use connection_contract::Value;

use super::entry::is_used;

/// Makes a field one for a whole address, if it is used as the host of addresses and nowhere else.
///
/// Returns `true` if the document was changed.
pub(super) fn ask_for_address(document: &mut [(String, Value)], field: &str) -> bool {
    let variable = format!("${{config.{field}}}");
    let host = format!("https://{variable}");
    let mut is_host_alone = true;
    for (_, value) in document.iter() {
        each_text(value, &mut |text| {
            let rest = text.strip_prefix(&host).unwrap_or(text);
            let is_origin = rest.is_empty() || rest.starts_with(['/', '?']) || rest == text;
            is_host_alone &= is_origin && !is_used(rest, &format!("config.{field}"));
        });
    }
    let is_asked = is_host_alone && change_field(document, field);
    if is_asked {
        for (_, value) in document.iter_mut() {
            replace(value, &host, &variable);
        }
        if let Some((_, Value::Map(oauth2))) = document.iter_mut().find(|(name, _)| name == "oauth2") {
            oauth2.retain(|(name, _)| name != "client");
            oauth2.push(("client".to_owned(), Value::from("per_connection")));
        }
    }
    is_asked
}

/// Sets the format of a field, which then has no pattern and nothing that is removed.
fn change_field(document: &mut [(String, Value)], name: &str) -> bool {
    let Some((_, Value::List(fields))) = document.iter_mut().find(|(key, _)| key == "fields") else { return false };
    let field = fields.iter_mut().find(|field| field["name"].as_str() == Some(name));
    let Some(Value::Map(members)) = field else { return false };
    if members.iter().any(|(name, _)| name == "source" || name == "choices") {
        return false;
    }
    members.retain(|(name, _)| !matches!(name.as_str(), "format" | "pattern" | "remove_prefix" | "remove_suffix"));
    for (name, value) in members.iter_mut() {
        if matches!(name.as_str(), "default" | "placeholder")
            && let Value::Text(text) = value
            && !text.starts_with("https://")
        {
            text.insert_str(0, "https://");
        }
    }
    members.push(("format".to_owned(), Value::from("url")));
    true
}

fn each_text(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::Text(text) => visit(text),
        Value::List(items) => items.iter().for_each(|item| each_text(item, visit)),
        Value::Map(members) => members.iter().for_each(|(_, value)| each_text(value, visit)),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::Damaged(_) => {}
    }
}

fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Text(text) => {
            if let Some(rest) = text.strip_prefix(from) {
                *text = format!("{to}{rest}");
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Value::Map(members) => members.iter_mut().for_each(|(_, value)| replace(value, from, to)),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::Damaged(_) => {}
    }
}
