//! Numbers of rows of all owners, for the metrics of a host, and the migrations of the database.

use super::{
    Reader, StoreError,
    columns::row,
    engine::{all, optional},
    extensions::{extension_of, of_kinds},
    migrate::{APPLIED, AppliedMigration},
};

row! {
    /// The number of connections of a kind with a liveness.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct LivenessCountRow {
        pub(crate) kind: String,
        pub(crate) liveness: String,
        pub(crate) count: i64,
    }
}

row! {
    /// The numbers of rows that wait for something.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct WaitingRow {
        /// Setups that have not ended.
        pub(crate) setups: i64,
        /// Credentials that are due for a refresh.
        pub(crate) refreshes: i64,
        /// Connections that are due for a verification.
        pub(crate) checks: i64,
        /// Webhooks that no receiver has acknowledged.
        pub(crate) webhooks: i64,
        /// Requests that use something up and whose answer is not known.
        pub(crate) exchanges: i64,
    }
}

impl Reader {
    /// Returns the number of connections of each kind and liveness. It counts every row.
    pub(crate) async fn count_by_liveness(&mut self) -> Result<Vec<LivenessCountRow>, StoreError> {
        const SQL: &str = "SELECT a.kind, COALESCE(l.liveness, 'unknown') AS liveness, COUNT(*) AS count \
                           FROM connection_account AS a LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
                           GROUP BY a.kind, COALESCE(l.liveness, 'unknown')";
        all!(self, LivenessCountRow, SQL)
    }

    /// Returns the numbers of rows that wait. `renewing` and `registered` are kinds; see [`any_of`](super::any_of).
    pub(crate) async fn count_waiting(
        &mut self,
        now: i64,
        renewing: &str,
        registered: &str,
    ) -> Result<Option<WaitingRow>, StoreError> {
        const SQL: &str = concat!(
            "SELECT \
            (SELECT COUNT(*) FROM connection_setup WHERE state IN ('running', 'waiting') AND expires_at > $1) AS setups, \
            (SELECT COUNT(*) FROM connection_credential AS c \
             JOIN connection_account AS a ON a.id = c.connection_id AND a.generation = c.generation \
             WHERE c.state = 'current' AND c.refresh_at IS NOT NULL AND c.refresh_at <= $1 \
             AND ",
            of_kinds!("$2"),
            ") AS refreshes, \
            (SELECT COUNT(*) FROM connection_liveness AS l JOIN connection_account AS a ON a.id = l.connection_id \
             WHERE l.next_check_at IS NOT NULL AND l.next_check_at <= $1 AND ",
            of_kinds!("$3"),
            ") AS checks, \
            (SELECT CAST(COALESCE(SUM(waiting), 0) AS BIGINT) FROM connection_webhook_address WHERE waiting > 0) \
             AS webhooks, \
            (SELECT COUNT(*) FROM connection_exchange WHERE state = 'intent') AS exchanges"
        );
        optional!(self, WaitingRow, SQL, now, renewing, registered)
    }

    /// Returns the applied migrations, in their order.
    pub(super) async fn applied_migrations(&mut self) -> Result<Vec<AppliedMigration>, StoreError> {
        all!(self, AppliedMigration, APPLIED)
    }
}
