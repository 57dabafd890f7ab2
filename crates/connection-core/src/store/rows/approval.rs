//! Requests of agents about which a person is asked, and the widenings of grants.

use super::{StoredMark, row, stored};
use crate::{
    approval_state::ApprovalState,
    ids::{AgentId, ApprovalId, ConnectionId},
    store::{ApprovalLease, Sealed},
};

stored!(ApprovalState in "connection_approval.state");

row! {
    /// A row of `connection_approval`, without its sealed values.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ApprovalRow {
        pub(crate) id: ApprovalId,
        pub(crate) owner: String,
        pub(crate) agent_id: AgentId,
        pub(crate) connection_id: ConnectionId,
        pub(crate) kind: String,
        pub(crate) state: ApprovalState,
        /// A MAC over what makes two requests of an agent equal.
        pub(crate) same: Vec<u8>,
        /// What is asked, who answered and how it ended, as JSON.
        pub(crate) facts: String,
        pub(crate) created_at: i64,
        /// The end of the time in which the request may be sent.
        pub(crate) ends_at: i64,
        pub(crate) changed_at: i64,
        pub(crate) fetched_at: Option<i64>,
        /// The seconds until the lease of its execution expires; `None` if no process executes it.
        pub(crate) seconds_left: Option<i64>,
        pub(crate) marked: StoredMark,
    }
}

impl ApprovalRow {
    /// Returns `true` while a process executes the request.
    pub(crate) fn is_held(&self) -> bool {
        self.seconds_left.is_some_and(|left| (1..=ApprovalLease::LONGEST).contains(&left))
    }
}

row! {
    /// A row of `connection_widening`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct WideningRow {
        pub(crate) owner: String,
        pub(crate) agent_id: AgentId,
        pub(crate) connection_id: ConnectionId,
        pub(crate) matched: Vec<u8>,
        /// The revision of the grant in its mark.
        pub(crate) revision: i64,
        pub(crate) facts: String,
        pub(crate) created_at: i64,
        pub(crate) ends_at: i64,
        pub(crate) requests: i64,
        pub(crate) taken: i64,
        pub(crate) marked: StoredMark,
    }
}

/// The sealed values of an approval.
pub(crate) type SealedOfApproval = (Option<Sealed>, Option<Sealed>);
