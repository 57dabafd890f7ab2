//! Queries of what is due, over all owners. Each walks one index in the order of time, and takes no more than it is asked
//! for: what is not served now is served by the next look.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    clock::clocked,
    engine::{Engine, all, execute, optional},
    refreshes::LONGEST_LEASE,
    rows::{FoundSetup, SetupRow},
};
use crate::ids::ConnectionId;

/// A connection that something is due for.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct DueRow {
    #[sqlx(try_from = "Uuid")]
    pub(crate) id: ConnectionId,
    pub(crate) owner: String,
    pub(crate) kind: String,
    /// Of its current credential.
    pub(crate) generation: i64,
    /// Since when it is due; of a credential that ends, when it does.
    pub(crate) at: i64,
}

impl Reader {
    /// Credentials of these kinds to be renewed that nobody is at; see [`any_of`](super::any_of).
    pub(crate) async fn due_refreshes(&mut self, now: i64, kinds: &str, limit: i64) -> Result<Vec<DueRow>, StoreError> {
        let sql = clocked!(
            self,
            "SELECT a.id, a.owner, a.kind, c.generation, c.refresh_at AS at FROM connection_credential AS c \
             JOIN connection_account AS a ON a.id = c.connection_id AND a.generation = c.generation \
             LEFT JOIN connection_liveness AS l ON l.connection_id = c.connection_id \
             WHERE c.state = 'current' AND c.refresh_at IS NOT NULL AND c.refresh_at <= $1 \
             AND $2 LIKE '%,' || a.kind || ',%' AND (l.lease_until IS NULL OR l.lease_until <= ",
            " OR l.lease_until - $4 > ",
            ") ORDER BY c.refresh_at LIMIT $3"
        );
        all!(self, DueRow, sql, now, kinds, limit, LONGEST_LEASE)
    }

    /// Connections of these kinds that are to be looked at again.
    pub(crate) async fn due_checks(&mut self, now: i64, kinds: &str, limit: i64) -> Result<Vec<DueRow>, StoreError> {
        const SQL: &str = "SELECT a.id, a.owner, a.kind, a.generation, l.next_check_at AS at \
                           FROM connection_liveness AS l JOIN connection_account AS a ON a.id = l.connection_id \
                           WHERE l.next_check_at IS NOT NULL AND l.next_check_at <= $1 \
                           AND $2 LIKE '%,' || a.kind || ',%' ORDER BY l.next_check_at LIMIT $3";
        all!(self, DueRow, SQL, now, kinds, limit)
    }

    /// Credentials of these kinds that have ended and cannot be renewed yet, of connections that are live by what is known.
    pub(crate) async fn ended_credentials(
        &mut self,
        now: i64,
        kinds: &str,
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        const SQL: &str = "SELECT a.id, a.owner, a.kind, a.generation, l.next_check_at AS at \
                           FROM connection_liveness AS l JOIN connection_account AS a ON a.id = l.connection_id \
                           JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
                           WHERE l.next_check_at IS NOT NULL AND l.next_check_at <= $1 AND l.liveness = 'live' \
                           AND c.valid_until <= $1 AND c.refresh_failures > 0 AND c.refresh_at > $1 \
                           AND $2 LIKE '%,' || a.kind || ',%' ORDER BY l.next_check_at LIMIT $3";
        all!(self, DueRow, SQL, now, kinds, limit)
    }

    /// Credentials of these kinds that end by then, which was not told yet.
    pub(crate) async fn ending_credentials(
        &mut self,
        by: i64,
        kinds: &str,
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        const SQL: &str = "SELECT a.id, a.owner, a.kind, c.generation, c.valid_until AS at \
                           FROM connection_credential AS c \
                           JOIN connection_account AS a ON a.id = c.connection_id AND a.generation = c.generation \
                           WHERE c.state = 'current' AND c.announced_at IS NULL AND c.valid_until IS NOT NULL \
                           AND c.valid_until <= $1 AND $2 LIKE '%,' || a.kind || ',%' ORDER BY c.valid_until LIMIT $3";
        all!(self, DueRow, SQL, by, kinds, limit)
    }

    /// As [`ending_credentials`](Self::ending_credentials), of the authorizations behind those that renew by themselves.
    pub(crate) async fn ending_authorizations(
        &mut self,
        by: i64,
        kinds: &str,
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        const SQL: &str = "SELECT a.id, a.owner, a.kind, c.generation, c.authorized_until AS at \
                           FROM connection_credential AS c \
                           JOIN connection_account AS a ON a.id = c.connection_id AND a.generation = c.generation \
                           WHERE c.state = 'current' AND c.announced_at IS NULL AND c.authorized_until IS NOT NULL \
                           AND c.authorized_until <= $1 AND $2 LIKE '%,' || a.kind || ',%' \
                           ORDER BY c.authorized_until LIMIT $3";
        all!(self, DueRow, SQL, by, kinds, limit)
    }

    /// When the next credential is to be renewed, or connection looked at, behind `now`.
    pub(crate) async fn next_due(&mut self, now: i64) -> Result<Option<i64>, StoreError> {
        const REFRESH: &str = "SELECT refresh_at FROM connection_credential WHERE state = 'current' \
                               AND refresh_at IS NOT NULL AND refresh_at > $1 ORDER BY refresh_at LIMIT 1";
        const CHECK: &str = "SELECT next_check_at FROM connection_liveness WHERE next_check_at IS NOT NULL \
                             AND next_check_at > $1 ORDER BY next_check_at LIMIT 1";
        let refresh = optional!(self, (i64,), REFRESH, now)?;
        let check = optional!(self, (i64,), CHECK, now)?;
        Ok(refresh.into_iter().chain(check).map(|(at,)| at).min())
    }

    /// Sessions whose run nobody holds, oldest first; one that cannot be read is left out.
    pub(crate) async fn lost_setups(&mut self, now: i64, limit: i64) -> Result<Vec<SetupRow>, StoreError> {
        const SQL: &str = "SELECT id, owner, kind, connection_id, state, step_seq, sealed_header, sealed_step, \
                           lease_owner, lease_until, expires_at, created_at FROM connection_setup \
                           WHERE state IN ('running', 'waiting') AND state = 'running' AND expires_at > $1 \
                           AND (lease_until IS NULL OR lease_until <= $1) ORDER BY id LIMIT $2";
        let found = all!(self, FoundSetup, SQL, now, limit)?;
        Ok(found.into_iter().filter_map(|FoundSetup(row)| row).collect())
    }
}

impl Tx {
    /// Takes a look that is due, by moving its time: `false` when another process did.
    pub(crate) async fn claim_check(&mut self, id: ConnectionId, at: i64, next: i64) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_liveness SET next_check_at = $3 \
                           WHERE connection_id = $1 AND next_check_at = $2";
        Ok(execute!(self, SQL, id.as_uuid(), at, next)? == 1)
    }

    /// Notes that it was told of: `false` when somebody did, or it is not the current one any more.
    pub(crate) async fn announce(&mut self, id: ConnectionId, generation: i64, now: i64) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_credential SET announced_at = $3 \
                           WHERE connection_id = $1 AND generation = $2 AND state = 'current' AND announced_at IS NULL";
        Ok(execute!(self, SQL, id.as_uuid(), generation, now)? == 1)
    }
}
