//! Queries of uses that a provider refused with 401, and of the verifications that follow them.
//!
//! Their times are measured by the database's clock only, because processes on several machines may disagree about the
//! time. An age below zero shows that the clock was set back, and then no limit applies.

use super::{
    Reader, StoreError, Tx,
    changes::Changed,
    clock::clocked,
    due::{DueRow, not_busy},
    engine::{Engine, all, execute, optional},
    extensions::{extension_of, of_kinds},
};
use crate::ids::ConnectionId;

/// The shortest time between two verifications of a connection that refused uses cause, in seconds.
pub(crate) const INTERVAL: i64 = 300;

impl Reader {
    /// Returns `true` if a use of the connection was refused and no verification has followed.
    pub(crate) async fn is_use_refused(&mut self, id: ConnectionId) -> Result<bool, StoreError> {
        const SQL: &str =
            "SELECT connection_id FROM connection_liveness WHERE connection_id = $1 AND refused_at IS NOT NULL";
        Ok(optional!(self, (ConnectionId,), SQL, id.as_uuid())?.is_some())
    }

    /// Returns connections of these kinds that are due for a verification because a use was refused; see
    /// [`any_of`](super::any_of).
    pub(crate) async fn due_refused_uses(
        &mut self,
        (kinds, busy): (&str, &str),
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        let sql = clocked!(
            self,
            "SELECT a.id, a.owner, a.kind, a.generation, l.refused_at AS at FROM connection_liveness AS l \
             JOIN connection_account AS a ON a.id = l.connection_id WHERE l.refused_at IS NOT NULL \
             AND (l.refusal_checked_at IS NULL OR l.refusal_checked_at > ",
            " OR l.refusal_checked_at + $3 <= ",
            concat!(") AND ", of_kinds!("$1"), " AND ", not_busy!("$4"), " ORDER BY l.refused_at LIMIT $2")
        );
        all!(self, DueRow, sql, kinds, limit, INTERVAL, busy)
    }

    /// Returns `true` if the provider, which has these kinds, asked to wait beyond `now`: at a verification of any of the
    /// owner's connections, or at a refresh of this one. A pause that begins after `now` was stored before the clock was
    /// set back, and does not count.
    pub(crate) async fn is_provider_paused(
        &mut self,
        id: ConnectionId,
        owner: &str,
        kinds: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        // If the plain column of the owner were compared, all connections of the owner would be walked instead of the
        // verifications that are planned.
        const SQL: &str = "SELECT id FROM (SELECT a.id FROM connection_liveness AS l JOIN connection_account AS a \
                           ON a.id = l.connection_id WHERE l.next_check_at IS NOT NULL AND l.next_check_at > $4 \
                           AND l.checked_at <= $4 AND l.liveness = 'offline' \
                           AND l.reason LIKE '{\"code\":\"rate_limited\"%' AND a.owner || '' = $2 \
                           AND $3 LIKE '%,' || a.kind || ',%' ORDER BY l.next_check_at LIMIT 1) AS paused \
                           UNION ALL SELECT c.connection_id FROM connection_credential AS c \
                           WHERE c.connection_id = $1 AND c.state = 'current' AND c.refresh_failures > 0 \
                           AND c.refresh_at > $4 AND c.refresh_at <= $4 + 86400 \
                           AND c.refresh_reason LIKE '{\"code\":\"rate_limited\"%' LIMIT 1";
        Ok(optional!(self, (ConnectionId,), SQL, id.as_uuid(), owner, kinds, now)?.is_some())
    }
}

impl Tx {
    /// Notes that the provider refused a use of the credential of this generation. Returns `false` if that was noted
    /// already, or if the credential is no longer the current one.
    pub(crate) async fn note_refused_use(&mut self, id: ConnectionId, generation: i64) -> Result<bool, StoreError> {
        let sql = clocked!(
            self,
            "INSERT INTO connection_liveness (connection_id, liveness, generation, refused_at) \
             SELECT a.id, 'unknown', a.generation, ",
            " FROM connection_account AS a WHERE a.id = $1 AND a.generation = $2 \
             ON CONFLICT (connection_id) DO UPDATE SET refused_at = excluded.refused_at \
             WHERE connection_liveness.refused_at IS NULL"
        );
        self.changed(Changed::Connection(id));
        Ok(execute!(self, sql, id.as_uuid(), generation)? == 1)
    }

    /// Claims the verification that follows a refused use. Returns `false` if none is due: another process has claimed
    /// it, or the last one was claimed less than [`INTERVAL`] seconds ago.
    ///
    /// The refused use stays noted until a result is stored. If the process dies before that, the verification is due
    /// again after [`INTERVAL`].
    pub(crate) async fn claim_refused_use(&mut self, id: ConnectionId) -> Result<bool, StoreError> {
        let sql = clocked!(
            self,
            "UPDATE connection_liveness SET refusal_checked_at = ",
            " WHERE connection_id = $1 AND refused_at IS NOT NULL AND (refusal_checked_at IS NULL \
             OR refusal_checked_at > ",
            " OR refusal_checked_at + $2 <= ",
            ")"
        );
        Ok(execute!(self, sql, id.as_uuid(), INTERVAL)? == 1)
    }

    /// Records that a verification followed the use that was refused at this time. A use that was refused during the
    /// verification stays noted.
    pub(crate) async fn settle_refused_use(&mut self, id: ConnectionId, refused_at: i64) -> Result<(), StoreError> {
        const SQL: &str =
            "UPDATE connection_liveness SET refused_at = NULL WHERE connection_id = $1 AND refused_at = $2";
        execute!(self, SQL, id.as_uuid(), refused_at).map(drop)
    }
}
