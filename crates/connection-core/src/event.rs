//! The record of what happened to a connection, written in the transaction of the change itself.

use serde_json::Value;

use crate::{
    ConnectionId, IdGenerator,
    guard::{self, RowError},
    registry::Shared,
    seal::Sealer,
    store::{
        StoreError, Tx,
        rows::{AccountRow, EventRow, Says},
    },
};

/// It was made.
pub(crate) const CONNECTED: &str = "connected";
/// Its credential was replaced by a fresh one.
pub(crate) const CREDENTIAL_ROTATED: &str = "credential_rotated";
/// What it works by ends soon, and no refresh saves it.
pub(crate) const EXPIRING: &str = "expiring";
/// An extension may use it, as a person said.
pub(crate) const EXTENSION_GRANTED: &str = "extension_granted";
/// An extension may use it no more.
pub(crate) const EXTENSION_REVOKED: &str = "extension_revoked";
/// An extension used it.
pub(crate) const EXTENSION_USED: &str = "extension_used";
/// Its account, scopes or expiry are others than before.
pub(crate) const FACTS_CHANGED: &str = "facts_changed";
/// It was made elsewhere, and taken over.
pub(crate) const IMPORTED: &str = "imported";
/// Its liveness, or the reason for it, is another than before.
pub(crate) const LIVENESS_CHANGED: &str = "liveness_changed";
/// Its credential could not be renewed; told when that ends otherwise than the try before.
pub(crate) const NOT_RENEWED: &str = "not_renewed";
/// Another credential took the place of its own, by a setup.
pub(crate) const REAUTHORIZED: &str = "reauthorized";
/// It became the default of its provider, or is it no more.
pub(crate) const DEFAULT_CHANGED: &str = "default_changed";
/// It was removed.
pub(crate) const REMOVED: &str = "removed";
/// It has another label.
pub(crate) const RENAMED: &str = "renamed";
/// Its previous credential is its own again.
pub(crate) const ROLLED_BACK: &str = "rolled_back";
/// A named secret was handed out.
pub(crate) const SECRET_RELEASED: &str = "secret_released";

/// It was given an address for webhooks.
pub(crate) const WEBHOOK_ENABLED: &str = "webhook_enabled";
/// Its address for webhooks was switched off.
pub(crate) const WEBHOOK_DISABLED: &str = "webhook_disabled";
/// Its provider has told the key that signs webhooks.
pub(crate) const WEBHOOK_KEY_TOLD: &str = "webhook_key_told";
/// Another key signs its webhooks from now on, is waited for, or a former one ended.
pub(crate) const WEBHOOK_KEY_CHANGED: &str = "webhook_key_changed";

/// The names of all events; `docs/spec/words.md` lists them.
pub const EVENT_NAMES: &[&str] = &[
    CONNECTED,
    CREDENTIAL_ROTATED,
    DEFAULT_CHANGED,
    EXPIRING,
    EXTENSION_GRANTED,
    EXTENSION_REVOKED,
    EXTENSION_USED,
    FACTS_CHANGED,
    IMPORTED,
    LIVENESS_CHANGED,
    NOT_RENEWED,
    REAUTHORIZED,
    REMOVED,
    RENAMED,
    ROLLED_BACK,
    SECRET_RELEASED,
    WEBHOOK_DISABLED,
    WEBHOOK_ENABLED,
    WEBHOOK_KEY_CHANGED,
    WEBHOOK_KEY_TOLD,
];

/// An event of now. The body holds no secret.
pub(crate) fn new(shared: &Shared, owner: &str, connection_id: ConnectionId, kind: &str, body: Value) -> EventRow {
    at(shared.clock.now().seconds(), &*shared.ids, owner, connection_id, kind, body)
}

/// As [`new`], where only the transaction knows what it is.
pub(crate) fn at(
    at: i64,
    ids: &dyn IdGenerator,
    owner: &str,
    connection_id: ConnectionId,
    kind: &str,
    body: Value,
) -> EventRow {
    let (owner, kind) = (owner.to_owned(), kind.to_owned());
    let says = says(&kind);
    EventRow { id: ids.next(), owner, connection_id, at, kind, body: body.to_string(), says }
}

/// Returns what an event of that name says of the row of its connection. The event is appended in the transaction that wrote the row.
fn says(kind: &str) -> Says {
    match kind {
        CONNECTED | IMPORTED => Says::Made,
        CREDENTIAL_ROTATED => Says::Credential,
        DEFAULT_CHANGED | REAUTHORIZED | RENAMED | ROLLED_BACK => Says::Row,
        REMOVED => Says::Removed,
        _ => Says::Same,
    }
}

/// Returns why the row of a connection is refused. A change asks before it writes, because its event vouches for the whole row.
pub(crate) async fn refusal(
    tx: &mut Tx,
    sealer: &Sealer,
    account: &AccountRow,
) -> Result<Option<RowError>, StoreError> {
    let row = tx.standing(account.id).await?;
    Ok(row.and_then(|row| guard::refused(sealer, &row)))
}

/// Records it behind the connection's last one.
pub(crate) async fn append(tx: &mut Tx, sealer: &Sealer, event: &EventRow) -> Result<(), StoreError> {
    tx.append_event(event, &|bytes| mac(sealer, bytes)).await
}

/// What links an event to the one before.
pub(crate) fn mac(sealer: &Sealer, bytes: &[u8]) -> [u8; 32] {
    sealer.mac("connections/event/v1", bytes)
}
