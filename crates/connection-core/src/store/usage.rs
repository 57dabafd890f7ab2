//! Queries of `connection_usage` and `connection_usage_snapshot`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    changes::Changed,
    engine::{all, later, optional},
};
use crate::ids::ConnectionId;

/// A number of a metric: the connection, the beginning of the period, the metric and the number.
type RecentUsage = (Uuid, i64, String, f64);

/// Selects the numbers since a time, found by the time: few of an owner's connections have some. The order makes
/// SQLite use the index of the time even if its statistics say that most rows are recent.
const RECENT: &str = "SELECT u.connection_id, u.at, u.metric, u.value FROM connection_usage AS u \
                      WHERE u.at >= $2 AND (SELECT a.owner FROM connection_account AS a \
                      WHERE a.id = u.connection_id) = $1 ORDER BY u.at";

impl Reader {
    /// Returns the numbers of an account since a time: the beginning of the period, the metric and the number, oldest
    /// first.
    pub(crate) async fn usage(
        &mut self,
        id: ConnectionId,
        account: &str,
        since: i64,
    ) -> Result<Vec<(i64, String, f64)>, StoreError> {
        const SQL: &str = "SELECT at, metric, value FROM connection_usage \
                           WHERE connection_id = $1 AND account = $2 AND at >= $3 ORDER BY at, metric";
        all!(self, (i64, String, f64), SQL, id.as_uuid(), account, since)
    }

    /// Returns the numbers of all connections of an owner since a time.
    pub(crate) async fn recent_usage(&mut self, owner: &str, since: i64) -> Result<Vec<RecentUsage>, StoreError> {
        all!(self, RecentUsage, RECENT, owner, since)
    }

    /// Returns the same as [`recent_usage`](Self::recent_usage) for one connection.
    pub(crate) async fn recent_usage_of(
        &mut self,
        id: ConnectionId,
        owner: &str,
        since: i64,
    ) -> Result<Vec<RecentUsage>, StoreError> {
        const SQL: &str = "SELECT u.connection_id, u.at, u.metric, u.value FROM connection_usage AS u \
                           WHERE u.connection_id = $1 AND u.at >= $3 AND (SELECT a.owner \
                           FROM connection_account AS a WHERE a.id = u.connection_id) = $2";
        all!(self, RecentUsage, SQL, id.as_uuid(), owner, since)
    }

    /// Returns the usage of an account that any process fetched last: the time of the fetch, and the snapshot as JSON.
    pub(crate) async fn usage_snapshot(
        &mut self,
        id: ConnectionId,
        account: &str,
    ) -> Result<Option<(i64, String)>, StoreError> {
        const SQL: &str =
            "SELECT fetched_at, snapshot FROM connection_usage_snapshot WHERE connection_id = $1 AND account = $2";
        optional!(self, (i64, String), SQL, id.as_uuid(), account)
    }
}

impl Tx {
    /// Stores the usage of an account in place of an earlier one. A connection that is gone has none.
    pub(crate) async fn set_usage_snapshot(
        &mut self,
        id: ConnectionId,
        account: &str,
        at: i64,
        snapshot: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_usage_snapshot (connection_id, account, fetched_at, snapshot) \
                           SELECT a.id, $2, $3, $4 FROM connection_account AS a WHERE a.id = $1 \
                           ON CONFLICT (connection_id) DO UPDATE SET account = excluded.account, \
                           fetched_at = excluded.fetched_at, snapshot = excluded.snapshot";
        self.changed(Changed::Usage(id));
        later!(self, SQL, id.as_uuid(), account, at, snapshot)
    }

    /// Stores the number of a metric in a period, in place of an earlier one. A connection that is gone has none.
    pub(crate) async fn set_usage(
        &mut self,
        id: ConnectionId,
        at: i64,
        metric: &str,
        account: &str,
        value: f64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_usage (connection_id, at, metric, account, value) \
                           SELECT a.id, $2, $3, $4, $5 FROM connection_account AS a WHERE a.id = $1 \
                           ON CONFLICT (connection_id, at, metric) \
                           DO UPDATE SET account = excluded.account, value = excluded.value";
        self.changed(Changed::Usage(id));
        later!(self, SQL, id.as_uuid(), at, metric, account, value)
    }

    /// Deletes the numbers of a connection before a time.
    pub(crate) async fn purge_usage(&mut self, id: ConnectionId, before: i64) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_usage WHERE connection_id = $1 AND at < $2";
        later!(self, SQL, id.as_uuid(), before)
    }
}
