//! Queries of `connection_liveness`.

use super::{
    Reader, StoreError, Tx,
    engine::{execute, optional},
    rows::LivenessRow,
};
use crate::ids::ConnectionId;

impl Reader {
    pub(crate) async fn liveness(&mut self, id: ConnectionId) -> Result<Option<LivenessRow>, StoreError> {
        const SQL: &str = "SELECT connection_id, liveness, reason, generation, checked_at, next_check_at, failures \
                           FROM connection_liveness WHERE connection_id = $1";
        optional!(self, LivenessRow, SQL, id.as_uuid())
    }
}

impl Tx {
    /// Has somebody look at it by then.
    pub(crate) async fn check_by(&mut self, id: ConnectionId, at: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_liveness SET next_check_at = $2 WHERE connection_id = $1 \
                           AND (next_check_at IS NULL OR next_check_at > $2)";
        execute!(self, SQL, id.as_uuid(), at).map(drop)
    }

    /// Writes what was seen, unless a newer credential was measured in between: `false` then. What was seen of the
    /// credential that the account names counts in any case, so that an edited account does not stay live.
    pub(crate) async fn upsert_liveness(&mut self, row: &LivenessRow) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_liveness (connection_id, liveness, reason, generation, checked_at, \
                           next_check_at, failures) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                           ON CONFLICT (connection_id) DO UPDATE SET liveness = excluded.liveness, \
                           reason = excluded.reason, generation = excluded.generation, \
                           checked_at = excluded.checked_at, next_check_at = excluded.next_check_at, \
                           failures = excluded.failures \
                           WHERE connection_liveness.generation <= excluded.generation OR excluded.generation = \
                           (SELECT a.generation FROM connection_account AS a WHERE a.id = excluded.connection_id)";
        let changed = execute!(
            self,
            SQL,
            row.connection_id.as_uuid(),
            &row.liveness,
            &row.reason,
            row.generation,
            row.checked_at,
            row.next_check_at,
            row.failures
        )?;
        Ok(changed == 1)
    }
}
