//! Queries of uses that a provider refused with 401, or that succeeded although their connections are failing, and of the
//! verifications that follow them.
//!
//! Their times are measured by the database's clock only, because processes on several machines may disagree about the
//! time. An age below zero shows that the clock was set back, and then no limit applies.

use super::{
    Reader, StoreError, Tx,
    clock::clocked,
    due::{Busy, DueRow, not_busy},
    engine::{Engine, all, execute, optional},
    extensions::{extension_of, of_kinds},
    signals::Changed,
};
use crate::ids::ConnectionId;

/// The shortest time between two verifications of a connection that refused uses cause, in seconds.
pub(crate) const INTERVAL: i64 = 300;
/// The same for a connection whose credential is a password, because tries lock accounts.
const PASSWORD_INTERVAL: i64 = 3_600;

impl Reader {
    /// Returns `true` if a use of the connection was refused and no verification has followed.
    pub(crate) async fn is_use_refused(&mut self, id: ConnectionId) -> Result<bool, StoreError> {
        const SQL: &str =
            "SELECT connection_id FROM connection_liveness WHERE connection_id = $1 AND refused_at IS NOT NULL";
        Ok(optional!(self, (ConnectionId,), SQL, id.as_uuid())?.is_some())
    }

    /// Returns connections of these kinds, some of which have `passwords`, that are due for a verification because a use
    /// was refused; see [`any_of`](super::any_of).
    pub(crate) async fn due_refused_uses(
        &mut self,
        kinds: &str,
        passwords: &str,
        busy: &Busy,
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        let sql = clocked!(
            self,
            "SELECT a.id, a.owner, a.kind, a.generation, l.refused_at AS at, l.probe_origin AS origin \
             FROM connection_liveness AS l \
             JOIN connection_account AS a ON a.id = l.connection_id WHERE l.refused_at IS NOT NULL \
             AND (l.refusal_checked_at IS NULL OR l.refusal_checked_at > ",
            " OR l.refusal_checked_at + CASE WHEN $5 LIKE '%,' || a.kind || ',%' THEN CAST($6 AS BIGINT) \
             ELSE CAST($3 AS BIGINT) END <= ",
            concat!(
                ") AND ",
                of_kinds!("$1"),
                " AND ",
                not_busy!("$4", "l.probe_origin"),
                " ORDER BY l.refused_at LIMIT $2"
            )
        );
        all!(self, DueRow, sql, kinds, limit, INTERVAL, busy.as_str(), passwords, PASSWORD_INTERVAL)
    }

    /// Returns `true` if the provider asked this connection to wait beyond `now`, at its last verification or refresh. A
    /// pause that begins after `now` was stored before the clock was set back, and does not count.
    pub(crate) async fn is_paused(&mut self, id: ConnectionId, now: i64) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT connection_id FROM connection_liveness WHERE connection_id = $1 \
                           AND paused_until > $2 AND checked_at <= $2 \
                           UNION ALL SELECT connection_id FROM connection_credential \
                           WHERE connection_id = $1 AND state = 'current' AND refresh_failures > 0 \
                           AND refresh_at > $2 AND refresh_at <= $2 + 86400 \
                           AND refresh_reason LIKE '{\"code\":\"rate_limited\"%' LIMIT 1";
        Ok(optional!(self, (ConnectionId,), SQL, id.as_uuid(), now)?.is_some())
    }
}

impl Tx {
    /// Notes that the provider refused a use of the credential of this generation, with this answer if there was one.
    /// Returns `false` if that was noted already, or if the credential is no longer the current one.
    pub(crate) async fn note_refused_use(
        &mut self,
        id: ConnectionId,
        generation: i64,
        refused_by: Option<&str>,
    ) -> Result<bool, StoreError> {
        let sql = clocked!(
            self,
            "INSERT INTO connection_liveness (connection_id, liveness, generation, refused_at, refused_by) \
             SELECT a.id, 'unknown', a.generation, ",
            ", CAST($3 AS TEXT) FROM connection_account AS a WHERE a.id = $1 AND a.generation = $2 \
             ON CONFLICT (connection_id) DO UPDATE SET refused_at = excluded.refused_at, \
             refused_by = excluded.refused_by \
             WHERE connection_liveness.refused_at IS NULL"
        );
        self.changed(Changed::Connection(id));
        Ok(execute!(self, sql, id.as_uuid(), generation, refused_by)? == 1)
    }

    /// Claims the verification that follows a refused use. Returns `false` if none is due: another process has claimed
    /// it, or the last one was claimed less than [`INTERVAL`] seconds ago, or [`PASSWORD_INTERVAL`] seconds ago if the
    /// verification sends a password.
    ///
    /// The refused use stays noted until a result is stored. If the process dies before that, the verification is due
    /// again after that time.
    pub(crate) async fn claim_refused_use(&mut self, id: ConnectionId, has_password: bool) -> Result<bool, StoreError> {
        let interval = if has_password { PASSWORD_INTERVAL } else { INTERVAL };
        let sql = clocked!(
            self,
            "UPDATE connection_liveness SET refusal_checked_at = ",
            " WHERE connection_id = $1 AND refused_at IS NOT NULL AND (refusal_checked_at IS NULL \
             OR refusal_checked_at > ",
            " OR refusal_checked_at + $2 <= ",
            ")"
        );
        Ok(execute!(self, sql, id.as_uuid(), interval)? == 1)
    }

    /// Records that a verification followed the use that was refused at this time. A use that was refused during the
    /// verification stays noted.
    pub(crate) async fn settle_refused_use(&mut self, id: ConnectionId, refused_at: i64) -> Result<(), StoreError> {
        const SQL: &str =
            "UPDATE connection_liveness SET refused_at = NULL WHERE connection_id = $1 AND refused_at = $2";
        execute!(self, SQL, id.as_uuid(), refused_at).map(drop)
    }
}
