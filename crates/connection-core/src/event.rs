//! The names of events, and the functions that record them.
//!
//! An event is written in the transaction of the change that it records.

use serde_json::Value;

use crate::{
    ConnectionId, IdGenerator,
    guard::{self, RowError},
    keys::Sealer,
    store::{
        StandingRow, StoreError, Tx,
        rows::{AccountRow, EventRow, RowClaim},
    },
};

/// A request about which a person is asked was sent, and the provider answered or the answer was lost.
pub(crate) const APPROVAL_ENDED: &str = "approval_ended";
/// A request about which a person was asked can no longer be sent.
pub(crate) const APPROVAL_LAPSED: &str = "approval_lapsed";
/// A person approved or refused a request.
pub(crate) const APPROVAL_DECIDED: &str = "approval_decided";
/// A person is asked about a request.
pub(crate) const APPROVAL_REQUESTED: &str = "approval_requested";
/// The provider gave the account of the connection another name, or its kind found a lasting id for it.
pub(crate) const ACCOUNT_RENAMED: &str = "account_renamed";
/// A person let a rule that asks pass some requests for a while.
pub(crate) const AGENT_WIDENED: &str = "agent_widened";
/// A person allowed an agent to use the connection.
pub(crate) const AGENT_GRANTED: &str = "agent_granted";
/// An agent may no longer use the connection.
pub(crate) const AGENT_REVOKED: &str = "agent_revoked";
/// A setup created the connection.
pub(crate) const CONNECTED: &str = "connected";
/// The credential was replaced by a fresh one.
pub(crate) const CREDENTIAL_ROTATED: &str = "credential_rotated";
/// The credential or its authorization ends soon, and no refresh extends it.
pub(crate) const EXPIRING: &str = "expiring";
/// A person allowed an extension to use the connection.
pub(crate) const EXTENSION_GRANTED: &str = "extension_granted";
/// An extension may no longer use the connection.
pub(crate) const EXTENSION_REVOKED: &str = "extension_revoked";
/// An extension used the connection. Earlier versions recorded it, which had no record of use.
pub(crate) const EXTENSION_USED: &str = "extension_used";
/// A person froze the connection, or an agent that may use it.
pub(crate) const FROZEN: &str = "frozen";
/// The account, the scopes or the expiry changed.
pub(crate) const FACTS_CHANGED: &str = "facts_changed";
/// The connection was created from data of another program.
pub(crate) const IMPORTED: &str = "imported";
/// A person accepted the new terms of the connection's kind.
pub(crate) const KIND_ACCEPTED: &str = "kind_accepted";
/// The liveness or its reason changed.
pub(crate) const LIVENESS_CHANGED: &str = "liveness_changed";
/// The credential could not be refreshed. Recorded when the result differs from that of the attempt before.
pub(crate) const NOT_RENEWED: &str = "not_renewed";
/// A re-authorization replaced the credential.
pub(crate) const REAUTHORIZED: &str = "reauthorized";
/// The connection became the default of its provider, or is no longer the default.
pub(crate) const DEFAULT_CHANGED: &str = "default_changed";
/// The connection was removed. Its events stay.
pub(crate) const REMOVED: &str = "removed";
/// A person changed the label of the connection.
pub(crate) const RENAMED: &str = "renamed";
/// The connection was restored with its database from a backup.
pub(crate) const RESTORED: &str = "restored";
/// The previous credential was restored.
pub(crate) const ROLLED_BACK: &str = "rolled_back";
/// A named secret was handed out.
pub(crate) const SECRET_RELEASED: &str = "secret_released";

/// The host changed the tags of the connection.
pub(crate) const TAGS_CHANGED: &str = "tags_changed";
/// A person thawed the connection, or an agent that may use it.
pub(crate) const THAWED: &str = "thawed";
/// The connection was given an address for webhooks.
pub(crate) const WEBHOOK_ENABLED: &str = "webhook_enabled";
/// The address for webhooks was switched off.
pub(crate) const WEBHOOK_DISABLED: &str = "webhook_disabled";
/// The provider announced the key that signs webhooks.
pub(crate) const WEBHOOK_KEY_TOLD: &str = "webhook_key_told";
/// The key that signs webhooks was replaced or is awaited, or a former key ended.
pub(crate) const WEBHOOK_KEY_CHANGED: &str = "webhook_key_changed";

/// The member of [`LIVENESS_CHANGED`] that is `true` if refreshing an offline connection was tried for so long that a
/// person must choose between waiting and authorizing again.
pub(crate) const TO_CHOOSE: &str = "toChoose";

/// The names of all events; `docs/spec/words.md` lists them.
pub const EVENT_NAMES: &[&str] = &[
    ACCOUNT_RENAMED,
    AGENT_GRANTED,
    AGENT_REVOKED,
    AGENT_WIDENED,
    APPROVAL_DECIDED,
    APPROVAL_ENDED,
    APPROVAL_LAPSED,
    APPROVAL_REQUESTED,
    CONNECTED,
    CREDENTIAL_ROTATED,
    DEFAULT_CHANGED,
    EXPIRING,
    EXTENSION_GRANTED,
    EXTENSION_REVOKED,
    EXTENSION_USED,
    FACTS_CHANGED,
    FROZEN,
    IMPORTED,
    KIND_ACCEPTED,
    LIVENESS_CHANGED,
    NOT_RENEWED,
    REAUTHORIZED,
    REMOVED,
    RENAMED,
    RESTORED,
    ROLLED_BACK,
    SECRET_RELEASED,
    TAGS_CHANGED,
    THAWED,
    WEBHOOK_DISABLED,
    WEBHOOK_ENABLED,
    WEBHOOK_KEY_CHANGED,
    WEBHOOK_KEY_TOLD,
];

/// Returns an event of that time. The body holds no secret.
pub(crate) fn at(
    at: i64,
    ids: &dyn IdGenerator,
    owner: &str,
    connection_id: ConnectionId,
    kind: &str,
    body: Value,
) -> EventRow {
    let owner = owner.to_owned();
    let kind = kind.to_owned();
    let says = claim_of(&kind);
    EventRow { id: ids.next(), owner, connection_id, at, kind, body: body.to_string(), says }
}

/// Returns what an event of this name says about the row of its connection. The event is appended in the transaction
/// that wrote the row.
fn claim_of(kind: &str) -> RowClaim {
    match kind {
        CONNECTED | IMPORTED => RowClaim::Made,
        CREDENTIAL_ROTATED => RowClaim::Credential,
        ACCOUNT_RENAMED | DEFAULT_CHANGED | KIND_ACCEPTED | REAUTHORIZED | RENAMED | ROLLED_BACK => RowClaim::Row,
        REMOVED => RowClaim::Removed,
        _ => RowClaim::Same,
    }
}

/// Returns the reason why the row of a connection is refused. A change checks this before it writes, because its event
/// vouches for the whole row.
pub(crate) async fn refusal(
    tx: &mut Tx,
    sealer: &Sealer,
    account: &AccountRow,
) -> Result<Option<RowError>, StoreError> {
    let row = tx.standing(account.id).await?;
    Ok(row.and_then(|row| guard::refused(sealer, &row)))
}

/// Appends the event after the connection's last one.
pub(crate) async fn append(tx: &mut Tx, sealer: &Sealer, event: &EventRow) -> Result<(), StoreError> {
    tx.append_event(event, &|bytes| guard::connection_event_mac(sealer, bytes)).await
}

/// Appends the event of a change of a row that this job has read or inserted. `row` has the change.
pub(crate) async fn append_row_change(
    tx: &mut Tx,
    sealer: &Sealer,
    event: &EventRow,
    row: &StandingRow,
) -> Result<(), StoreError> {
    tx.append_row_change(event, row, &|bytes| guard::connection_event_mac(sealer, bytes)).await
}

/// Returns the details of a removal for a reader, with the outcomes of earlier versions in the words of today.
///
/// `done` also stood for a kind that sent nothing, so it says nothing about the provider. With `skipped`, no request
/// was sent.
pub(crate) fn removal_details(body: String) -> String {
    let Ok(Value::Object(mut details)) = serde_json::from_str(&body) else { return body };
    let mut is_former = false;
    for name in ["teardown", "previous"] {
        let word = match details.get(name).and_then(Value::as_str) {
            Some("done") => "not_known",
            Some("skipped") => "not_revoked",
            _ => continue,
        };
        details.insert(name.to_owned(), word.into());
        is_former = true;
    }
    if is_former { Value::Object(details).to_string() } else { body }
}
