//! The result of the last measurement of a connection.

use super::row;
use crate::ids::ConnectionId;

row! {
    /// A row of `connection_liveness`, without its lease.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct LivenessRow {
        pub(crate) connection_id: ConnectionId,
        pub(crate) liveness: String,
        /// The reason why the connection is not live, as JSON.
        pub(crate) reason: Option<String>,
        /// The generation of the credential that was measured.
        pub(crate) generation: i64,
        pub(crate) checked_at: Option<i64>,
        pub(crate) next_check_at: Option<i64>,
        /// The number of failures in a row.
        pub(crate) failures: i64,
    }
}
