//! Where a connection receives webhooks, and what it has received.

use uuid::Uuid;

use crate::{ids::ConnectionId, seal::Sealed};

/// A row of `connection_webhook_address`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct AddressRow {
    /// `None` while it is switched off, as `sealed` is.
    pub(crate) token_hash: Option<Vec<u8>>,
    pub(crate) sealed: Option<Sealed>,
    pub(crate) revision: i64,
    pub(crate) next_number: i64,
    pub(crate) waiting: i64,
    /// Of the last event, unless it is forgotten.
    pub(crate) last_received_at: Option<i64>,
}

/// Whose an address is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct FoundAddress {
    #[sqlx(try_from = "Uuid")]
    pub(crate) connection_id: ConnectionId,
    pub(crate) owner: String,
}

/// An event that is to be stored; its number is given then.
#[derive(Clone, Debug)]
pub(crate) struct WebhookRow {
    pub(crate) id: Uuid,
    pub(crate) connection_id: ConnectionId,
    pub(crate) digest: [u8; 32],
    pub(crate) received_at: i64,
    pub(crate) sealed: Sealed,
}

/// An event whose turn it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct WaitingRow {
    pub(crate) id: Uuid,
    #[sqlx(try_from = "Uuid")]
    pub(crate) connection_id: ConnectionId,
    pub(crate) owner: String,
    pub(crate) kind: String,
    pub(crate) number: i64,
    pub(crate) received_at: i64,
    pub(crate) sealed: Sealed,
}
