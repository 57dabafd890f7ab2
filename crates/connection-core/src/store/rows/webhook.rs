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
    /// The sealed bytes of the events that wait.
    pub(crate) waiting_bytes: i64,
    /// Of the last event, unless it is forgotten.
    pub(crate) last_received_at: Option<i64>,
    /// `None` while address and key were not tested; the others of the test are then, too.
    pub(crate) tested_at: Option<i64>,
    pub(crate) tested_url: Option<String>,
    pub(crate) tested_generation: Option<i64>,
    pub(crate) test_failure: Option<String>,
    /// Of the connection's current credential.
    pub(crate) generation: i64,
}

/// How a test of an address ended.
#[derive(Clone, Debug)]
pub(crate) struct TestRow {
    pub(crate) at: i64,
    /// The address, up to its secret part.
    pub(crate) url: String,
    /// Of the credential that signed; `None` where a key of the address did.
    pub(crate) generation: Option<i64>,
    /// `None` when it arrived.
    pub(crate) failure: Option<&'static str>,
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
