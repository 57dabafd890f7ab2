//! Queries of refreshes: plans and leases.

use super::{
    Reader, StoreError, Tx,
    clock::clocked,
    columns::row,
    engine::{Engine, execute, later, optional},
    leases::RefreshLease,
    rows::PlanRow,
    signals::Changed,
};
use crate::ids::ConnectionId;

row! {
    /// The lease of a refresh, as measured by the database's clock.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct Leased {
        /// The generation of the connection's current credential.
        pub(crate) generation: i64,
        pub(crate) owner: Option<String>,
        pub(crate) fence: i64,
        /// The seconds until the lease expires; `None` if nobody holds it.
        pub(crate) seconds_left: Option<i64>,
    }
}

impl Leased {
    pub(crate) fn is_held(&self) -> bool {
        self.seconds_left.is_some_and(|left| (1..=RefreshLease::LONGEST).contains(&left))
    }
}

impl Reader {
    /// Returns the lease of a refresh; `None` if the connection does not exist.
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
    /// Releases a lease and stores the origin that the refresh asked, if it asked one. No answer makes the connection due
    /// any longer, unless [`refresh_after_answer`](Self::refresh_after_answer) follows. Returns `false` if another owner
    /// holds the lease by now. The fence is never reset.
    pub(crate) async fn release_refresh(
        &mut self,
        id: ConnectionId,
        owner: &str,
        fence: i64,
        origin: Option<&str>,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_liveness SET lease_owner = NULL, lease_until = NULL, \
                           refresh_origin = COALESCE($4, refresh_origin), refresh_from = NULL \
                           WHERE connection_id = $1 AND lease_owner = $2 AND fence = $3";
        self.changed(Changed::Connection(id));
        Ok(execute!(self, SQL, id.as_uuid(), owner, fence, origin)? == 1)
    }

    /// Stores the origin that a refresh is about to ask.
    pub(crate) async fn set_refresh_origin(&mut self, id: ConnectionId, origin: &str) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_liveness SET refresh_origin = $2 WHERE connection_id = $1";
        later!(self, SQL, id.as_uuid(), origin)
    }

    /// Has an answer of the origin that the last refresh asked make the connection due for a refresh, from the time `from`.
    pub(crate) async fn refresh_after_answer(&mut self, id: ConnectionId, from: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_liveness SET refresh_from = $2 WHERE connection_id = $1";
        later!(self, SQL, id.as_uuid(), from)
    }

    /// Makes the current credential due for a refresh at `now`, unless it was due before. This and the next two methods
    /// leave a restored credential as it is, for which a person decides.
    pub(crate) async fn refresh_now(&mut self, id: ConnectionId, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_credential SET refresh_at = $2 WHERE connection_id = $1 \
                           AND state = 'current' AND restored IS NULL AND (refresh_at IS NULL OR refresh_at > $2)";
        self.changed(Changed::Connection(id));
        later!(self, SQL, id.as_uuid(), now)
    }

    /// Makes the current credential due for a refresh at `now` if the last attempt failed, because the obstacle is
    /// gone.
    pub(crate) async fn hasten_refresh(&mut self, id: ConnectionId, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_credential SET refresh_at = $2 WHERE connection_id = $1 \
                           AND state = 'current' AND refresh_failures > 0 AND restored IS NULL \
                           AND (refresh_at IS NULL OR refresh_at > $2)";
        self.changed(Changed::Connection(id));
        later!(self, SQL, id.as_uuid(), now)
    }

    /// Makes the current credential due at `now` at the latest and stores `reason` (JSON), because the outcome of
    /// its last refresh is unknown. A credential that its provider no longer refreshes stays as it is.
    pub(crate) async fn doubt_credential(
        &mut self,
        id: ConnectionId,
        reason: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_credential SET refresh_reason = $2, \
                           sealed_refresh_words = NULL, \
                           refresh_at = CASE WHEN refresh_at < $3 THEN refresh_at ELSE $3 END \
                           WHERE connection_id = $1 AND state = 'current' AND restored IS NULL \
                           AND (refresh_at IS NOT NULL OR refresh_failures = 0)";
        self.changed(Changed::Connection(id));
        later!(self, SQL, id.as_uuid(), reason, now)
    }

    /// Stores the plan of a credential after an attempt to refresh it, which a person requested if the credential was
    /// restored. The provider's own words stay if the reason is the same. Returns `false` if the credential does not
    /// exist.
    pub(crate) async fn set_plan(
        &mut self,
        id: ConnectionId,
        generation: i64,
        plan: &PlanRow,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_credential SET renew_at = $3, authorized_until = $4, refreshed_at = $5, \
                           refresh_at = $6, refresh_failures = $7, refresh_reason = $8, restored = NULL, \
                           sealed_refresh_words = CASE WHEN refresh_reason = $8 THEN sealed_refresh_words END \
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
