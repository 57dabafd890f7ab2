//! The messages for the operator: the events that are sent, and their texts.

use connection_contract::{DisplayText, Timestamp};
use serde_json::{Value, json};

use crate::{
    ConnectionInfo, Error, event,
    ground::Ground,
    store::rows::{OutboxRow, OutboxState, StoredEvent},
};

/// An account was connected, for the first time or again.
const CONNECTED: &str = "connection.connected";
/// The credential or its authorization ends soon, and no refresh extends it.
const EXPIRING: &str = "connection.expiring";
/// The connection stopped working, and a person has to act.
const NEEDS_ATTENTION: &str = "connection.needs_attention";
/// The credential was replaced by a fresh one.
const REFRESHED: &str = "connection.refreshed";
/// The connection was removed.
const REMOVED: &str = "connection.removed";

/// The types of the messages that are sent to an [`EventReceiver`](crate::EventReceiver); `docs/spec/events.md` lists
/// them.
pub const MESSAGE_TYPES: &[&str] = &[CONNECTED, EXPIRING, NEEDS_ATTENTION, REFRESHED, REMOVED];

/// Returns the row of the message about an event, which is due at once. `None` if no message is sent about the event.
pub(super) async fn of_event(ground: &Ground, event: StoredEvent) -> Result<Option<OutboxRow>, Error> {
    // Details that another program has edited may be invalid JSON.
    let details: Value = serde_json::from_str(&event.body).unwrap_or_default();
    let Some(name) = type_of(&event.kind, &details) else { return Ok(None) };
    let body = json!({
        "type": name,
        "timestamp": Timestamp::from_seconds(event.at).to_rfc3339(),
        "data": data(ground, &event, &details).await?,
    });
    Ok(Some(OutboxRow {
        id: event.id,
        owner: event.owner,
        connection_id: event.connection_id,
        name: name.to_owned(),
        body: body.to_string(),
        state: OutboxState::Pending,
        attempts: 0,
        next_at: Some(ground.clock.now().seconds()),
        failure: None,
    }))
}

fn type_of(event: &str, details: &Value) -> Option<&'static str> {
    match event {
        event::CONNECTED | event::IMPORTED | event::REAUTHORIZED => Some(CONNECTED),
        event::CREDENTIAL_ROTATED => Some(REFRESHED),
        event::EXPIRING => Some(EXPIRING),
        event::LIVENESS_CHANGED if details["liveness"] == "failing" => Some(NEEDS_ATTENTION),
        event::REMOVED => Some(REMOVED),
        _ => None,
    }
}

/// Returns the connection of an event as it is now, or as it was when it was removed.
async fn data(ground: &Ground, event: &StoredEvent, details: &Value) -> Result<Value, Error> {
    let mut reader = ground.reader().await?;
    let row = reader.listed(event.connection_id).await?;
    let info = ground.info_of(&mut reader, row).await?;
    let last = match &info {
        Some(_) => Value::Null,
        // The last event of a connection that was removed describes it.
        None => {
            let later = reader.events_of(event.connection_id, &event.owner, event.seq - 1, i64::MAX).await?;
            let removed = later.into_iter().rev().find(|event| event.kind == event::REMOVED);
            removed.and_then(|event| serde_json::from_str(&event.body).ok()).unwrap_or_default()
        }
    };
    let text = |value: &Value| value.as_str().map(|text| DisplayText::from(text.to_owned()).to_string());
    let (kind, label, account) = match &info {
        Some(info) => (
            Some(info.kind.to_string()),
            Some(info.label.to_string()),
            json!({ "id": info.identity.account_id.to_string(), "label": info.identity.label.to_string() }),
        ),
        None => {
            let account = &last["account"];
            (
                text(&last["kind"]),
                text(&last["label"]),
                json!({ "id": text(&account["id"]), "label": text(&account["label"]) }),
            )
        }
    };
    let reason = text(&details["reason"]).map(|code| {
        let remedy = remedy(info.as_ref(), &code);
        json!({ "code": code, "remedy": remedy })
    });
    Ok(json!({
        "id": event.connection_id.to_string(),
        "owner": event.owner,
        "kind": kind,
        "label": label,
        "account": account,
        "event": event.kind,
        "number": event.seq,
        "reason": reason,
        "endsAt": text(&details["at"]),
    }))
}

/// Returns the remedy for a reason. Only the row of the connection has it, which may have another reason by now.
fn remedy(info: Option<&ConnectionInfo>, code: &str) -> Option<String> {
    let reason = info?.reason.as_ref().filter(|reason| reason.code == code)?;
    reason.remedy.as_ref().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The triggers that make events due have the names in their own texts.
    #[test]
    fn the_events_that_become_due_are_those_with_a_message() {
        for migration in [
            include_str!("../../migrations/postgres/0007_due_events.sql"),
            include_str!("../../migrations/sqlite/0007_due_events.sql"),
        ] {
            for name in event::EVENT_NAMES {
                let is_told = type_of(name, &json!({ "liveness": "failing" })).is_some();
                // The names are in the trigger, and once more for the events of an earlier version.
                let times = migration.matches(&format!("'{name}'")).count();
                assert_eq!(times, if is_told { 2 } else { 0 }, "{name}");
            }
        }
    }
}
