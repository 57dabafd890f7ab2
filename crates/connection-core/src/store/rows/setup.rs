//! A setup session, and the endpoints of its callbacks.

use super::{row, stored_words};
use crate::{
    ids::{ConnectionId, SessionId},
    store::Sealed,
};

stored_words! {
    /// The state of a session.
    SetupState in "connection_setup.state" {
        /// A run of the session is active, or was lost.
        Running = "running",
        /// The session waits for an input or a time.
        Waiting = "waiting",
        /// The session ended with a connection.
        Done = "done",
        /// The session ended without a connection.
        Failed = "failed",
        /// The session was cancelled.
        Cancelled = "cancelled",
    }
}

row! {
    /// A row of `connection_setup`.
    #[derive(Clone, Debug)]
    pub(crate) struct SetupRow {
        pub(crate) id: SessionId,
        pub(crate) owner: String,
        pub(crate) kind: String,
        /// The id of the connection that the session creates or changes.
        pub(crate) connection_id: ConnectionId,
        pub(crate) state: SetupState,
        pub(crate) step_seq: i64,
        /// The sealed header: the seed, the configuration and other data that every run needs.
        pub(crate) sealed_header: Option<Sealed>,
        /// The sealed step that waits for an input, or the sealed outcome.
        pub(crate) sealed_step: Option<Sealed>,
        pub(crate) expires_at: i64,
        pub(crate) created_at: i64,
    }
}

impl SetupRow {
    /// Returns `true` for an open session, and for one that has ended and whose outcome is still kept. Another one counts
    /// as deleted.
    pub(crate) fn is_kept(&self, now: i64) -> bool {
        matches!(self.state, SetupState::Running | SetupState::Waiting) || self.expires_at > now
    }
}

row! {
    /// A row of `connection_endpoint`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct EndpointRow {
        pub(crate) token_hash: Vec<u8>,
        pub(crate) owner: String,
        pub(crate) session_id: SessionId,
        /// `None` until its single use.
        pub(crate) used_at: Option<i64>,
        pub(crate) expires_at: i64,
    }
}
