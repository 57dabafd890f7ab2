//! A message that is sent to the address of the operator.

use uuid::Uuid;

use super::{row, stored_words};
use crate::ids::ConnectionId;

stored_words! {
    /// The state of a message. A message that the receiver accepted has no row.
    OutboxState in "connection_outbox.state" {
        /// The last attempt failed, and no other follows.
        Failed = "failed",
        /// No attempt was made yet, or the last one failed and another follows.
        Pending = "pending",
    }
}

row! {
    /// A row of `connection_outbox`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct OutboxRow {
        /// The id of the event, which is also the `webhook-id` of the message.
        pub(crate) id: Uuid,
        pub(crate) owner: String,
        pub(crate) connection_id: ConnectionId,
        /// The type of the message, one of `MESSAGE_TYPES`.
        pub(crate) name: String,
        pub(crate) body: String,
        pub(crate) state: OutboxState,
        /// The number of attempts that were begun.
        pub(crate) attempts: i64,
        pub(crate) next_at: Option<i64>,
        /// The reason why the last attempt failed.
        pub(crate) failure: Option<String>,
    }
}

impl OutboxRow {
    /// Returns `false` for a message that failed and is older than the oldest one that is kept. It counts as deleted.
    pub(crate) fn is_kept(&self, oldest_kept: Uuid) -> bool {
        self.state != OutboxState::Failed || self.id >= oldest_kept
    }
}
