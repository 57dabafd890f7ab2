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
        /// The end of a pause that the provider asked for. Unlike the time of the next verification, a claim of that
        /// verification does not change it.
        pub(crate) paused_until: Option<i64>,
        /// The number of failures in a row.
        pub(crate) failures: i64,
        /// The origin that the verification asked; `None` if it asked none.
        pub(crate) probe_origin: Option<String>,
        /// The time from which an answer of that origin makes the connection due for a verification.
        pub(crate) probe_from: Option<i64>,
    }
}
