//! The messages for the operator: the events that are sent, and their texts.

use connection_contract::{DisplayText, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::EventReceiver;
use crate::{
    ConnectionInfo, Error, Tags, event,
    ground::Ground,
    store::{
        StoreError, Tx,
        rows::{OutboxRow, OutboxState, StoredEvent},
    },
};

/// A request about which a person was asked is over: it was answered by the provider, refused, or not sent.
const APPROVAL_CLOSED: &str = "approval.closed";
/// A person is asked about a request of an agent.
const APPROVAL_REQUESTED: &str = "approval.requested";
/// An account was connected, for the first time or again.
const CONNECTED: &str = "connection.connected";
/// The credential or its authorization ends soon, and no refresh extends it.
const EXPIRING: &str = "connection.expiring";
/// The connection stopped working, and a person has to act.
const NEEDS_ATTENTION: &str = "connection.needs_attention";
/// The connection works again after a person had to act.
const RECOVERED: &str = "connection.recovered";
/// The credential was replaced by a fresh one.
const REFRESHED: &str = "connection.refreshed";
/// The connection was removed.
const REMOVED: &str = "connection.removed";

/// The types of the messages that are sent to an [`EventReceiver`](crate::EventReceiver); `docs/spec/events.md` lists
/// them.
pub const MESSAGE_TYPES: &[&str] =
    &[APPROVAL_CLOSED, APPROVAL_REQUESTED, CONNECTED, EXPIRING, NEEDS_ATTENTION, RECOVERED, REFRESHED, REMOVED];

/// An event that is due, with what its messages say.
pub(super) struct Draft {
    pub(super) event: StoredEvent,
    details: Value,
    data: Value,
    /// The address of the host for the person who has to act.
    url: Option<String>,
    /// The id of a second message about the event.
    second: Uuid,
    now: i64,
}

impl Draft {
    /// Reads what the messages about an event say. `None` if no message is sent about the event.
    pub(super) async fn of(
        ground: &Ground,
        receiver: &EventReceiver,
        event: StoredEvent,
    ) -> Result<Option<Self>, Error> {
        // Details that another program has edited may be invalid JSON.
        let details: Value = serde_json::from_str(&event.body).unwrap_or_default();
        if type_of(&event.kind, &details).is_none() && attention_of(&event.kind, &details).is_none() {
            return Ok(None);
        }
        let data = data(ground, &event, &details).await?;
        let kind = data["kind"].as_str().unwrap_or_default();
        let url = receiver.attention_url().map(|url| url.of(&event.connection_id.to_string(), &event.owner, kind));
        let second = ground.ids.next();
        let now = ground.clock.now().seconds();
        Ok(Some(Self { event, details, data, url, second, now }))
    }

    /// Returns the rows of the messages, which are due at once, and notes whether the connection now needs a person. The
    /// transaction has taken the event.
    pub(super) async fn messages(&self, tx: &mut Tx) -> Result<Vec<OutboxRow>, StoreError> {
        let change = self.change_of_attention(tx).await?;
        let own = type_of(&self.event.kind, &self.details).into_iter();
        let ids = [self.event.id, self.second];
        Ok(own.chain(change).zip(ids).map(|(name, id)| self.row(name, id)).collect())
    }

    /// Returns the message about the beginning or the end of a time in which the connection needs a person.
    ///
    /// The events of a connection may be collected in another order than that of their numbers. An event that comes
    /// after a later one changes nothing.
    async fn change_of_attention(&self, tx: &mut Tx) -> Result<Option<&'static str>, StoreError> {
        let Some(attention) = attention_of(&self.event.kind, &self.details) else { return Ok(None) };
        let id = self.event.connection_id;
        let (number, was_needed) = tx.attention(id).await?.unwrap_or_default();
        if number >= self.event.seq {
            return Ok(None);
        }
        let is_needed = match attention {
            Attention::Needed => true,
            Attention::Over => false,
            Attention::Unchanged => was_needed,
        };
        tx.set_attention(id, self.event.seq, is_needed).await?;
        Ok(match (was_needed, is_needed) {
            (false, true) => Some(NEEDS_ATTENTION),
            (true, false) => Some(RECOVERED),
            _ => None,
        })
    }

    fn row(&self, name: &str, id: Uuid) -> OutboxRow {
        let mut data = self.data.clone();
        let url = self.url.as_ref().filter(|_| [APPROVAL_REQUESTED, EXPIRING, NEEDS_ATTENTION].contains(&name));
        data["url"] = json!(url);
        let timestamp = Timestamp::from_seconds(self.event.at).to_rfc3339();
        OutboxRow {
            id,
            owner: self.event.owner.clone(),
            connection_id: self.event.connection_id,
            name: name.to_owned(),
            body: json!({ "type": name, "timestamp": timestamp, "data": data }).to_string(),
            state: OutboxState::Pending,
            attempts: 0,
            next_at: Some(self.now),
            failure: None,
        }
    }
}

/// Returns the type of the message that is sent about each event of this name.
fn type_of(event: &str, details: &Value) -> Option<&'static str> {
    match event {
        event::APPROVAL_REQUESTED => Some(APPROVAL_REQUESTED),
        // After an approval, the end of the request follows.
        event::APPROVAL_DECIDED => Some(APPROVAL_CLOSED).filter(|_| details["state"] == "refused"),
        event::APPROVAL_ENDED | event::APPROVAL_LAPSED => Some(APPROVAL_CLOSED),
        event::CONNECTED | event::IMPORTED | event::REAUTHORIZED => Some(CONNECTED),
        event::CREDENTIAL_ROTATED => Some(REFRESHED),
        event::EXPIRING => Some(EXPIRING),
        event::REMOVED => Some(REMOVED),
        _ => None,
    }
}

/// The statement of an event about whether the connection needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attention {
    /// A person has to act.
    Needed,
    /// The connection works.
    Over,
    /// The provider cannot be reached, which says nothing.
    Unchanged,
}

fn attention_of(event: &str, details: &Value) -> Option<Attention> {
    if ![event::LIVENESS_CHANGED, event::REAUTHORIZED, event::ROLLED_BACK].contains(&event) {
        return None;
    }
    Some(match details["liveness"].as_str() {
        Some("failing") => Attention::Needed,
        _ if details[event::TO_CHOOSE] == true => Attention::Needed,
        Some("live") => Attention::Over,
        _ => Attention::Unchanged,
    })
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
    let (kind, label, account, tags) = match &info {
        Some(info) => (
            Some(info.kind.to_string()),
            Some(info.label.to_string()),
            json!({ "id": info.identity.account_id.to_string(), "label": info.identity.label.to_string() }),
            info.tags.clone(),
        ),
        None => {
            let account = &last["account"];
            (
                text(&last["kind"]),
                text(&last["label"]),
                json!({ "id": text(&account["id"]), "label": text(&account["label"]) }),
                Tags::of_stored(Some(&last["tags"].to_string())),
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
        "tags": tags.to_json(),
        "event": event.kind,
        "number": event.seq,
        "reason": reason,
        "endsAt": text(&details["at"]),
        "approval": approval(&event.kind, details),
    }))
}

/// Returns what a message about an approval says of it. It holds nothing of the request but its method.
fn approval(event: &str, details: &Value) -> Value {
    if details["approval"].is_null() {
        return Value::Null;
    }
    let state = match event {
        event::APPROVAL_REQUESTED => &json!("waiting"),
        event::APPROVAL_LAPSED => &json!("lapsed"),
        _ => &details["state"],
    };
    json!({
        "id": details["approval"], "agent": details["agent"], "rule": details["rule"], "method": details["method"],
        "state": state, "endsAt": details["endsAt"].as_i64().map(|at| Timestamp::from_seconds(at).to_rfc3339()),
    })
}

/// Returns the remedy for a reason. Only the row of the connection has it, which may have another reason by now.
fn remedy(info: Option<&ConnectionInfo>, code: &str) -> Option<String> {
    let reason = info?.reason.as_ref().filter(|reason| reason.code == code)?;
    reason.remedy.as_ref().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_needed_for_what_fails_and_for_a_choice_and_not_while_a_provider_is_unreachable() {
        let of = |event: &str, details: Value| attention_of(event, &details);
        let changed = event::LIVENESS_CHANGED;
        assert_eq!(of(changed, json!({ "liveness": "failing" })), Some(Attention::Needed));
        assert_eq!(of(changed, json!({ "liveness": "offline", "toChoose": true })), Some(Attention::Needed));
        assert_eq!(of(changed, json!({ "liveness": "offline" })), Some(Attention::Unchanged));
        assert_eq!(of(changed, json!({ "liveness": "unknown" })), Some(Attention::Unchanged));
        assert_eq!(of(event::ROLLED_BACK, json!({ "liveness": "live" })), Some(Attention::Over));
        assert_eq!(of(event::REAUTHORIZED, json!({ "liveness": "live" })), Some(Attention::Over));
        assert_eq!(of(event::CONNECTED, json!({ "liveness": "live" })), None);
    }

    /// The triggers that make events due have the names in their own texts.
    #[test]
    fn the_events_that_become_due_are_those_with_a_message() {
        for migration in [
            include_str!("../../migrations/postgres/0001_store.sql"),
            include_str!("../../migrations/sqlite/0001_store.sql"),
        ] {
            let (_, names) = migration.split_once("NEW.kind IN (").unwrap();
            let (names, _) = names.split_once(')').unwrap();
            for name in event::EVENT_NAMES {
                let details = json!({ "liveness": "failing", "state": "refused" });
                let is_told = type_of(name, &details).is_some() || attention_of(name, &details).is_some();
                let times = names.matches(&format!("'{name}'")).count();
                assert_eq!(times, usize::from(is_told), "{name}");
            }
        }
    }
}
