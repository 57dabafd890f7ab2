//! Requests of agents about which a person is asked, and the widenings of grants.

use super::{Marked, row, stored_words};
use crate::{
    ids::{AgentId, ApprovalId, ConnectionId},
    store::Sealed,
};

stored_words! {
    /// The state of an approval.
    StoredState in "connection_approval.state" {
        /// A person has not answered.
        Waiting = "waiting",
        /// A person approved the request, and it was not sent.
        Approved = "approved",
        /// A process sends the request.
        Executing = "executing",
        /// The provider answered.
        Answered = "answered",
        /// A person refused the request.
        Refused = "refused",
        /// The request can no longer be sent.
        Lapsed = "lapsed",
        /// The request may have been sent, and there is no answer.
        Unknown = "unknown",
    }
}

row! {
    /// A row of `connection_approval`, without its sealed values.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ApprovalRow {
        pub(crate) id: ApprovalId,
        pub(crate) owner: String,
        pub(crate) agent_id: AgentId,
        pub(crate) connection_id: ConnectionId,
        pub(crate) kind: String,
        pub(crate) state: StoredState,
        /// A MAC over what makes two requests of an agent equal.
        pub(crate) same: Vec<u8>,
        /// What is asked, who answered and how it ended, as JSON.
        pub(crate) facts: String,
        pub(crate) created_at: i64,
        /// The end of the time in which the request may be sent.
        pub(crate) ends_at: i64,
        pub(crate) changed_at: i64,
        pub(crate) fetched_at: Option<i64>,
        pub(crate) lease_until: Option<i64>,
        pub(crate) marked: Marked,
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
        pub(crate) marked: Marked,
    }
}

/// The sealed values of an approval.
pub(crate) type SealedOfApproval = (Option<Sealed>, Option<Sealed>);
