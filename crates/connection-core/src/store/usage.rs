//! Queries of `connection_usage`.

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute},
};
use crate::ids::ConnectionId;

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
}

impl Tx {
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
        execute!(self, SQL, id.as_uuid(), at, metric, account, value).map(drop)
    }

    /// Deletes the numbers of a connection before a time.
    pub(crate) async fn purge_usage(&mut self, id: ConnectionId, before: i64) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_usage WHERE connection_id = $1 AND at < $2";
        execute!(self, SQL, id.as_uuid(), before).map(drop)
    }
}
