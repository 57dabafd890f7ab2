//! Events, and those that were not delivered to the operator.

use connection_api as api;
use connection_core::{Event, OutgoingEvent};

/// Converts an event.
pub fn event(event: &Event) -> api::Event {
    api::Event {
        id: event.id.to_string(),
        connection: event.connection.to_string(),
        number: event.number,
        at: event.at.to_rfc3339(),
        event: event.name.clone(),
        // Details that another program has edited may be invalid JSON, and become `null`.
        details: serde_json::from_str(&event.details).unwrap_or_default(),
    }
}

/// Converts an event that was not delivered to the address of the operator.
pub fn event_delivery(event: &OutgoingEvent) -> api::EventDelivery {
    let state = match event.next_attempt {
        Some(_) => api::EventDeliveryState::Waiting,
        None => api::EventDeliveryState::Failed,
    };
    api::EventDelivery {
        id: event.id.to_string(),
        owner: event.owner.clone(),
        connection: event.connection.to_string(),
        name: event.name.clone(),
        state,
        attempts: event.attempts,
        next_attempt_at: event.next_attempt.map(|at| at.to_rfc3339()),
        failure: event.failure.clone(),
    }
}
