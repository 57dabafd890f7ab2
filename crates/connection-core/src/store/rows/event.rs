//! What happened to a connection.

use uuid::Uuid;

use crate::ids::ConnectionId;

/// What is to be recorded; its number and chain are given when it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventRow {
    pub(crate) id: Uuid,
    pub(crate) owner: String,
    pub(crate) connection_id: ConnectionId,
    pub(crate) at: i64,
    pub(crate) kind: String,
    /// JSON, without secrets.
    pub(crate) body: String,
}

/// A row of `connection_event`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct StoredEvent {
    pub(crate) id: Uuid,
    pub(crate) owner: String,
    #[sqlx(try_from = "Uuid")]
    pub(crate) connection_id: ConnectionId,
    /// From 1, without gaps, per connection.
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) chain: Vec<u8>,
}
