//! The shape of an event.

use connection_core::Event;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Something that happened to a connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventBody {
    id: String,
    connection: String,
    number: u64,
    at: String,
    event: String,
    #[schema(value_type = Option<Object>)]
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
