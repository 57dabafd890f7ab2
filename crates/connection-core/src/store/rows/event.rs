//! What happened to a connection.

use uuid::Uuid;

use crate::ids::ConnectionId;

/// What an event says of the row of its connection from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// What the event before it says.
    Same,
    /// What the row is by now. Only the first event of a connection says so of a row about which nothing was said.
    Made,
    /// What the row is by now, in place of what the event before it says.
    Row,
    /// Another credential; everything else is as the event before it says.
    Credential,
    /// That the connection is gone, for ever.
    Removed,
}

/// How the row of a connection stands, as its newest event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The current credential; 0 once the connection is removed.
    pub(crate) generation: i64,
    /// A MAC over the other columns that decide something; empty once the connection is removed.
    pub(crate) facts: Vec<u8>,
}

impl Standing {
    /// That of a connection that is removed, or of one whose events were edited.
    pub(crate) const REMOVED: Self = Self { generation: 0, facts: Vec::new() };
}

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
    /// What it says of the row of the connection.
    pub(crate) says: Says,
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
    /// As in [`Standing`]; `None` in an event from before events said so.
    pub(crate) generation: Option<i64>,
    pub(crate) facts: Option<Vec<u8>>,
}

impl StoredEvent {
    pub(crate) fn standing(&self) -> Option<Standing> {
        Some(Standing { generation: self.generation?, facts: self.facts.clone()? })
    }
}

/// The newest event of a connection, and the chain of the one before it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct NewestEvent {
    #[sqlx(flatten)]
    pub(crate) event: StoredEvent,
    /// `None` where there is none before it.
    pub(crate) before: Option<Vec<u8>>,
}
