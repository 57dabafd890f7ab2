//! The details of an event, for people.

use connection_api::Event;
use connection_contract::DisplayText;
use serde_json::Value;

/// Returns the details for people: `before: ada, label: work`.
pub(crate) fn details(event: &Event) -> String {
    let Value::Object(members) = &event.details else { return String::new() };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let member = |(name, value): (&String, &Value)| format!("{name}: {}", text(value));
    let known = members.iter().filter(|(_, value)| !value.is_null()).map(member).collect::<Vec<_>>();
    DisplayText::from(known.join(", ")).to_string()
}
