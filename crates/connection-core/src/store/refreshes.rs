//! Queries of what renews credentials: plans, leases, and what is due.
//!
//! A lease is judged by the database's clock alone: processes on several machines may disagree about the time.

use super::{
    Reader, StoreError, Tx,
    changes::Changed,
    clock::clocked,
    engine::{Engine, execute, optional},
    rows::PlanRow,
};
use crate::ids::ConnectionId;

/// How long a lease holds, in seconds: longer than its holder needs.
pub(crate) const LEASE: i64 = 50;
/// More than a lease may have left, in seconds, when the clock was not set: it counts in whole seconds, and is moved by a
/// little now and then. What has still longer to run was given before the clock was set back, and is none.
pub(super) const LONGEST_LEASE: i64 = LEASE + 5;

/// Who renews a credential now, as the database's clock has it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Leased {
    /// The connection's current one.
    pub(crate) generation: i64,
    pub(crate) owner: Option<String>,
    pub(crate) fence: i64,
    /// Seconds until it runs out; `None` when nobody holds it.
    pub(crate) seconds_left: Option<i64>,
}

impl Leased {
    pub(crate) fn is_held(&self) -> bool {
        self.seconds_left.is_some_and(|left| (1..=LONGEST_LEASE).contains(&left))
    }
}

impl Reader {
    /// `None` when there is no such connection.
    pub(crate) async fn refresh_lease(&mut self, id: ConnectionId) -> Result<Option<Leased>, StoreError> {
        let sql = clocked!(
            self,
            "SELECT a.generation, l.lease_owner AS owner, COALESCE(l.fence, 0) AS fence, l.lease_until - ",
            " AS seconds_left FROM connection_account AS a \
             LEFT JOIN connection_liveness AS l ON l.connection_id = a.id WHERE a.id = $1"
        );
        optional!(self, Leased, sql, id.as_uuid())
    }
}

impl Tx {
    /// Lets `owner` alone renew this credential for [`LEASE`] seconds: the fence of its lease. `None` when another one holds
    /// it, or the credential is not the current one any more.
    pub(crate) async fn lease_refresh(
        &mut self,
        id: ConnectionId,
        generation: i64,
        owner: &str,
    ) -> Result<Option<i64>, StoreError> {
        let sql = clocked!(
            self,
            "INSERT INTO connection_liveness (connection_id, liveness, generation, lease_owner, lease_until, fence) \
             SELECT a.id, 'unknown', a.generation, CAST($3 AS TEXT), ",
            " + $4, 1 FROM connection_account AS a WHERE a.id = $1 AND a.generation = $2 \
             ON CONFLICT (connection_id) DO UPDATE SET lease_owner = excluded.lease_owner, \
             lease_until = excluded.lease_until, fence = connection_liveness.fence + 1 \
             WHERE connection_liveness.lease_until IS NULL OR connection_liveness.lease_until <= ",
            " OR connection_liveness.lease_until - $5 > ",
            " RETURNING fence"
        );
        let leased = optional!(self, (i64,), sql, id.as_uuid(), generation, owner, LEASE, LONGEST_LEASE)?;
        Ok(leased.map(|(fence,)| fence))
    }

    /// Gives a lease back: `false` when it is another's by now. Its fence stays for ever.
    pub(crate) async fn release_refresh(
        &mut self,
        id: ConnectionId,
        owner: &str,
        fence: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_liveness SET lease_owner = NULL, lease_until = NULL \
                           WHERE connection_id = $1 AND lease_owner = $2 AND fence = $3";
        self.changed(Changed::Connection(id));
        Ok(execute!(self, SQL, id.as_uuid(), owner, fence)? == 1)
    }

    /// The current credential is due from `now` on, if it was not before.
    pub(crate) async fn refresh_now(&mut self, id: ConnectionId, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_credential SET refresh_at = $2 WHERE connection_id = $1 \
                           AND state = 'current' AND (refresh_at IS NULL OR refresh_at > $2)";
        self.changed(Changed::Connection(id));
        execute!(self, SQL, id.as_uuid(), now).map(drop)
    }

    /// What held up the renewal of the current credential is over: it is tried again from `now` on, if it failed before.
    pub(crate) async fn hasten_refresh(&mut self, id: ConnectionId, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_credential SET refresh_at = $2 WHERE connection_id = $1 \
                           AND state = 'current' AND refresh_failures > 0 \
                           AND (refresh_at IS NULL OR refresh_at > $2)";
        self.changed(Changed::Connection(id));
        execute!(self, SQL, id.as_uuid(), now).map(drop)
    }

    /// Nobody knows any more what became of the last attempt to renew the current credential: it is due from `now` on, and
    /// `reason` (JSON) is noted beside it. A credential that its provider renews no more stays as it is.
    pub(crate) async fn doubt_credential(
        &mut self,
        id: ConnectionId,
        reason: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_credential SET refresh_reason = $2, \
                           refresh_at = CASE WHEN refresh_at < $3 THEN refresh_at ELSE $3 END \
                           WHERE connection_id = $1 AND state = 'current' \
                           AND (refresh_at IS NOT NULL OR refresh_failures = 0)";
        self.changed(Changed::Connection(id));
        execute!(self, SQL, id.as_uuid(), reason, now).map(drop)
    }

    /// Of a credential that is there.
    pub(crate) async fn set_plan(
        &mut self,
        id: ConnectionId,
        generation: i64,
        plan: &PlanRow,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_credential SET renew_at = $3, authorized_until = $4, refreshed_at = $5, \
                           refresh_at = $6, refresh_failures = $7, refresh_reason = $8 \
                           WHERE connection_id = $1 AND generation = $2";
        self.changed(Changed::Connection(id));
        let changed = execute!(
            self,
            SQL,
            id.as_uuid(),
            generation,
            plan.renew_at,
            plan.authorized_until,
            plan.refreshed_at,
            plan.refresh_at,
            plan.refresh_failures,
            &plan.refresh_reason
        )?;
        Ok(changed == 1)
    }
}
