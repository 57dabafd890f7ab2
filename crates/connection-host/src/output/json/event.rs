//! The shape of an event.

use connection_contract::DisplayText;
use connection_core::Event;
use serde::Serialize;
use serde_json::Value;

/// An element of `events`, and a line of `watch`.
#[derive(Debug, Serialize)]
pub(crate) struct EventBody {
    id: String,
    connection: String,
    number: u64,
    at: String,
    event: String,
    details: Value,
}

impl From<&Event> for EventBody {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id.to_string(),
            connection: event.connection.to_string(),
            number: event.number,
            at: event.at.to_rfc3339(),
            event: event.name.clone(),
            // Details that another program has edited may be invalid JSON, and become `null`.
            details: serde_json::from_str(&event.details).unwrap_or_default(),
        }
    }
}

/// Returns the details for people: `before: ada, label: work`.
pub(crate) fn details(event: &Event) -> String {
    let Ok(Value::Object(members)) = serde_json::from_str(&event.details) else { return String::new() };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let member = |(name, value): (&String, &Value)| format!("{name}: {}", text(value));
    let known = members.iter().filter(|(_, value)| !value.is_null()).map(member).collect::<Vec<_>>();
    DisplayText::from(known.join(", ")).to_string()
}
