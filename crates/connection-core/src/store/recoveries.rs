//! Queries of connections that wait for an answer of an origin which failed them.
//!
//! The connections are walked in the order of ids, a page at a time, so that the cost of each statement is bounded. A
//! restored credential has no time of its next refresh, so no answer makes it due.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    columns::row,
    engine::{all, execute, optional},
    signals::Changed,
};
use crate::ids::ConnectionId;

/// A page of connections that an answer of an origin makes due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovery<'a> {
    pub(crate) origin: &'a str,
    /// The connection before the page.
    pub(crate) after: Uuid,
    /// The last connection of the page.
    pub(crate) last: Uuid,
    pub(crate) now: i64,
}

row! {
    /// The origins that the last verification and the last refresh of a connection asked.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct AskedOrigins {
        pub(crate) probe_origin: Option<String>,
        pub(crate) refresh_origin: Option<String>,
    }
}

impl Reader {
    /// Returns the ids after `after` of at most `limit` connections whose last refresh failed at this origin and that are
    /// due later than an answer allows.
    pub(crate) async fn waiting_refreshes(
        &mut self,
        origin: &str,
        after: Uuid,
        now: i64,
        limit: i64,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        const SQL: &str = "SELECT l.connection_id FROM connection_liveness AS l \
                           JOIN connection_credential AS c ON c.connection_id = l.connection_id \
                           AND c.state = 'current' WHERE l.refresh_origin = $1 AND l.refresh_from IS NOT NULL \
                           AND l.connection_id > $2 AND c.refresh_failures > 0 \
                           AND c.refresh_at > $3 \
                           AND c.refresh_at > l.refresh_from ORDER BY l.connection_id LIMIT $4";
        let found = all!(self, (ConnectionId,), SQL, origin, after, now, limit)?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// Returns the ids after `after` of at most `limit` connections of these kinds, or of all kinds for `None`, whose last
    /// refresh failed because the provider did not accept the application, and that are not due by the time `by`; see
    /// [`any_of`](super::any_of).
    pub(crate) async fn refused_applications(
        &mut self,
        kinds: Option<&str>,
        after: Uuid,
        by: i64,
        limit: i64,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        const SQL: &str = "SELECT c.connection_id FROM connection_credential AS c \
                           JOIN connection_account AS a ON a.id = c.connection_id AND a.generation = c.generation \
                           WHERE c.connection_id > $2 AND c.state = 'current' AND c.refresh_failures > 0 \
                           AND (c.refresh_reason LIKE '{\"code\":\"%client_refused\",%' \
                           OR c.refresh_reason LIKE '{\"code\":\"%client_expired\",%') \
                           AND (c.refresh_at IS NULL OR c.refresh_at > $3) \
                           AND ($1 = '' OR $1 LIKE '%,' || a.kind || ',%') ORDER BY c.connection_id LIMIT $4";
        let found = all!(self, (ConnectionId,), SQL, kinds.unwrap_or_default(), after, by, limit)?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// Returns the ids after `after` of at most `limit` connections of these kinds, as
    /// [`refused_applications`](Self::refused_applications) does, whose last verification found that the provider does not
    /// accept the application, and that are due for another one later than at the time `by`.
    pub(crate) async fn refused_probes(
        &mut self,
        kinds: Option<&str>,
        after: Uuid,
        by: i64,
        limit: i64,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        const SQL: &str = "SELECT l.connection_id FROM connection_liveness AS l \
                           JOIN connection_account AS a ON a.id = l.connection_id AND a.generation = l.generation \
                           WHERE l.connection_id > $2 AND l.liveness = 'failing' \
                           AND (l.reason LIKE '{\"code\":\"%client_refused\",%' \
                           OR l.reason LIKE '{\"code\":\"%client_expired\",%') AND l.next_check_at > $3 \
                           AND ($1 = '' OR $1 LIKE '%,' || a.kind || ',%') ORDER BY l.connection_id LIMIT $4";
        let found = all!(self, (ConnectionId,), SQL, kinds.unwrap_or_default(), after, by, limit)?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// Returns the ids after `after` of at most `limit` connections whose last verification failed at this origin and
    /// that are due for another one later than an answer allows. One that is due within two minutes is left as it is, because
    /// a process may be verifying it.
    pub(crate) async fn waiting_probes(
        &mut self,
        origin: &str,
        after: Uuid,
        now: i64,
        limit: i64,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        const SQL: &str = "SELECT connection_id FROM connection_liveness WHERE probe_origin = $1 \
                           AND probe_from IS NOT NULL AND connection_id > $2 AND (next_check_at IS NULL \
                           OR (next_check_at > probe_from AND next_check_at > $3 + 120)) \
                           ORDER BY connection_id LIMIT $4";
        let found = all!(self, (ConnectionId,), SQL, origin, after, now, limit)?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// Returns the origins that the last verification and the last refresh of a connection asked.
    pub(crate) async fn asked_origins(&mut self, id: ConnectionId) -> Result<AskedOrigins, StoreError> {
        const SQL: &str = "SELECT probe_origin, refresh_origin FROM connection_liveness WHERE connection_id = $1";
        let found = optional!(self, AskedOrigins, SQL, id.as_uuid())?;
        Ok(found.unwrap_or_default())
    }

    /// Returns `true` if connections of more than one owner are stored.
    pub(crate) async fn has_several_owners(&mut self) -> Result<bool, StoreError> {
        // Each of the two walks one end of an index.
        const SQL: &str = "SELECT first.owner FROM (SELECT MIN(owner) AS owner FROM connection_account) AS first \
                           JOIN (SELECT MAX(owner) AS owner FROM connection_account) AS last \
                           ON first.owner <> last.owner";
        Ok(optional!(self, (String,), SQL)?.is_some())
    }
}

impl Tx {
    /// Makes the connections of a page due for a refresh that failed at the origin, at `now` or when they may be asked
    /// again.
    pub(crate) async fn hasten_refreshes(
        &mut self,
        page: Recovery<'_>,
        ids: &[ConnectionId],
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_credential SET refresh_at = CASE WHEN l.refresh_from > $4 \
                           THEN l.refresh_from ELSE $4 END FROM connection_liveness AS l \
                           WHERE l.connection_id = connection_credential.connection_id AND l.refresh_origin = $1 \
                           AND l.refresh_from IS NOT NULL AND l.connection_id > $2 AND l.connection_id <= $3 \
                           AND connection_credential.state = 'current' AND refresh_failures > 0 \
                           AND refresh_at > $4 AND refresh_at > l.refresh_from";
        ids.iter().for_each(|id| self.changed(Changed::Connection(*id)));
        execute!(self, SQL, page.origin, page.after, page.last, page.now).map(drop)
    }

    /// Makes the connections of a page due for a verification that failed at the origin, at `now` or when they may be
    /// asked again.
    pub(crate) async fn hasten_probes(&mut self, page: Recovery<'_>) -> Result<(), StoreError> {
        // After a pause that the provider asked for, no answer makes the connection due.
        const SQL: &str = "UPDATE connection_liveness SET next_check_at = CASE WHEN probe_from > $4 \
                           AND probe_from <= $4 + 60 THEN probe_from ELSE $4 END WHERE probe_origin = $1 AND probe_from IS NOT NULL \
                           AND connection_id > $2 AND connection_id <= $3 AND (next_check_at IS NULL \
                           OR (next_check_at > probe_from AND next_check_at > $4 + 120))";
        execute!(self, SQL, page.origin, page.after, page.last, page.now).map(drop)
    }
}
