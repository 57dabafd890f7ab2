//! Queries of `connection_usage`, `connection_usage_snapshot` and `connection_usage_window`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    engine::{all, later, optional},
    signals::Changed,
};
use crate::ids::ConnectionId;

/// A number of a metric: the connection, the beginning of the period, the metric and the number.
type RecentUsage = (Uuid, i64, String, f64);

/// A time window that a session reported: its id, its end, and the window as JSON.
#[derive(Debug)]
pub(crate) struct ReportedWindow {
    pub(crate) metric: String,
    pub(crate) ends_at: i64,
    pub(crate) body: String,
}

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

    /// Returns the windows that sessions reported of an account and that end after `now`: the time of the report, and the
    /// window as JSON.
    pub(crate) async fn usage_windows(
        &mut self,
        id: ConnectionId,
        account: &str,
        now: i64,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        const SQL: &str = "SELECT reported_at, body FROM connection_usage_window \
                           WHERE connection_id = $1 AND account = $2 AND ends_at > $3 ORDER BY ends_at, metric";
        all!(self, (i64, String), SQL, id.as_uuid(), account, now)
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

    /// Stores a window that a session reported of an account, in place of an earlier one with the same id. A connection
    /// that is gone, or that has another account by now, has none.
    pub(crate) async fn set_usage_window(
        &mut self,
        id: ConnectionId,
        account: &str,
        at: i64,
        window: &ReportedWindow,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_usage_window \
                           (connection_id, metric, account, reported_at, ends_at, body) \
                           SELECT a.id, $2, $3, $4, $5, $6 FROM connection_account AS a \
                           WHERE a.id = $1 AND a.account_id = $3 \
                           ON CONFLICT (connection_id, metric) DO UPDATE SET account = excluded.account, \
                           reported_at = excluded.reported_at, ends_at = excluded.ends_at, body = excluded.body";
        let ReportedWindow { metric, ends_at, body } = window;
        self.changed(Changed::Usage(id));
        later!(self, SQL, id.as_uuid(), metric, account, at, ends_at, body)
    }

    /// Gives all that is stored of the usage of an account to its new id, after the id was changed at its provider.
    pub(crate) async fn move_usage(&mut self, id: ConnectionId, from: &str, to: &str) -> Result<(), StoreError> {
        const NUMBERS: &str = "UPDATE connection_usage SET account = $3 WHERE connection_id = $1 AND account = $2";
        const SNAPSHOT: &str =
            "UPDATE connection_usage_snapshot SET account = $3 WHERE connection_id = $1 AND account = $2";
        const WINDOWS: &str =
            "UPDATE connection_usage_window SET account = $3 WHERE connection_id = $1 AND account = $2";
        self.changed(Changed::Usage(id));
        later!(self, NUMBERS, id.as_uuid(), from, to)?;
        later!(self, SNAPSHOT, id.as_uuid(), from, to)?;
        later!(self, WINDOWS, id.as_uuid(), from, to)
    }

    /// Deletes a window that a session reported, because a fetch has measured it.
    pub(crate) async fn drop_usage_window(&mut self, id: ConnectionId, metric: &str) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_usage_window WHERE connection_id = $1 AND metric = $2";
        later!(self, SQL, id.as_uuid(), metric)
    }

    /// Keeps the 100 windows of a connection that were reported last and have not ended.
    pub(crate) async fn limit_usage_windows(&mut self, id: ConnectionId, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_usage_window WHERE connection_id = $1 AND (ends_at <= $2 \
                           OR metric NOT IN (SELECT w.metric FROM connection_usage_window AS w \
                           WHERE w.connection_id = $1 ORDER BY w.reported_at DESC, w.metric LIMIT 100))";
        later!(self, SQL, id.as_uuid(), now)
    }

    /// Stores the number of a metric in a period, in place of an earlier one. A connection that is gone has none, and
    /// there are at most 100 metrics in a period.
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
                           AND (SELECT COUNT(*) FROM connection_usage AS u WHERE u.connection_id = $1 \
                           AND u.at = $2 AND u.metric <> $3) < 100 \
                           ON CONFLICT (connection_id, at, metric) \
                           DO UPDATE SET account = excluded.account, value = excluded.value";
        self.changed(Changed::Usage(id));
        later!(self, SQL, id.as_uuid(), at, metric, account, value)
    }
}
