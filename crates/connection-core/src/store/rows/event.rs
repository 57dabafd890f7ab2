//! The record of what happened to a connection.

use uuid::Uuid;

use super::row;
use crate::ids::ConnectionId;

/// The statement of an event about the row of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowClaim {
    /// The row is as the previous event says.
    Same,
    /// The row is described as it is now. If no event described the row before, only the first event of a connection
    /// may state this.
    Made,
    /// The row is described as it is now, in place of what the previous event says.
    Row,
    /// The credential is another one; everything else is as the previous event says.
    Credential,
    /// The connection is removed for ever.
    Removed,
}

/// The state of a connection's row according to its newest event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The generation of the current credential; 0 after the connection was removed.
    pub(crate) generation: i64,
    /// A MAC over the other columns that matter; empty after the connection was removed.
    pub(crate) facts: Vec<u8>,
}

impl Standing {
    /// The state after the removal of a connection, or if its events were edited.
    pub(crate) const REMOVED: Self = Self { generation: 0, facts: Vec::new() };
}

/// An event to record. It gets its number and chain when it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventRow {
    pub(crate) id: Uuid,
    pub(crate) owner: String,
    pub(crate) connection_id: ConnectionId,
    pub(crate) at: i64,
    pub(crate) kind: String,
    /// The details of the event, as JSON without secrets.
    pub(crate) body: String,
    /// The statement about the row of the connection.
    pub(crate) says: RowClaim,
}

row! {
    /// A row of `connection_event`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct StoredEvent {
        pub(crate) id: Uuid,
        pub(crate) owner: String,
        pub(crate) connection_id: ConnectionId,
        /// The number of the event: from 1, without gaps, per connection.
        pub(crate) seq: i64,
        pub(crate) at: i64,
        pub(crate) kind: String,
        pub(crate) body: String,
        pub(crate) chain: Vec<u8>,
        /// As in [`Standing`]; `None` in an event from before this column existed.
        pub(crate) generation: Option<i64>,
        pub(crate) facts: Option<Vec<u8>>,
    }
}

impl StoredEvent {
    pub(crate) fn standing(&self) -> Option<Standing> {
        Some(Standing { generation: self.generation?, facts: self.facts.clone()? })
    }
}

row! {
    /// The newest event of a connection, and the chain of the one before it.
    #[derive(Clone, Debug)]
    pub(crate) struct NewestEvent {
        pub(crate) event: StoredEvent,
        /// `None` if there is no event before it.
        pub(crate) before: Option<Vec<u8>>,
    }
}
