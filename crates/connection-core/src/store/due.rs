//! Queries for due work, over all owners.
//!
//! Each query walks one index in the order of time and reads no more rows than the limit. The next call reads the
//! remaining rows. A query for kinds includes the kinds that extensions of the owners bring.

use connection_contract::Kind;

use super::{
    Reader, StoreError, Tx,
    clock::{by_clock, clocked},
    columns::{Found, row},
    engine::{Engine, all, execute, later, optional},
    extensions::{extension_of, of_kinds},
    leases::{RefreshLease, SetupLease, free},
    rows::SetupRow,
};
use crate::ids::ConnectionId;

/// Leaves out connections that are busy; see [`Busy`]. `$origin` is the column with the origin that the work asks.
macro_rules! not_busy {
    ($busy:literal, $origin:literal) => {
        concat!(
            "CASE WHEN a.kind LIKE '%/%' AND replace(",
            $busy,
            ", '\n' || a.owner || '\t', '') <> ",
            $busy,
            " THEN FALSE WHEN replace(",
            $busy,
            ", '\n' || a.owner || '\r', '') <> ",
            $busy,
            " THEN FALSE WHEN ",
            $origin,
            " IS NULL THEN replace(",
            $busy,
            ", '\n' || a.kind || ' ', '') = ",
            $busy,
            " ELSE replace(",
            $busy,
            ", '\n' || ",
            $origin,
            " || '\n', '') = ",
            $busy,
            " END"
        )
    };
}

pub(super) use not_busy;

/// The work that may not begin now, as one text to bind. None of the names has a control character, and no kind and no
/// origin has a space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Busy(String);

impl Busy {
    /// Leaves out the work of an owner.
    pub(crate) fn owner(&mut self, owner: &str) {
        self.entry(owner, '\r');
    }

    /// Leaves out the work of an owner's own kinds.
    pub(crate) fn own_kinds(&mut self, owner: &str) {
        self.entry(owner, '\t');
    }

    /// Leaves out the work that asks an origin.
    pub(crate) fn origin(&mut self, origin: &str) {
        self.entry(origin, '\n');
    }

    /// Leaves out the work of a kind whose origin is not known yet.
    pub(crate) fn unknown(&mut self, kind: &Kind) {
        self.entry(kind.as_str(), ' ');
    }

    fn entry(&mut self, name: &str, end: char) {
        self.0.push('\n');
        self.0.push_str(name);
        self.0.push(end);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

row! {
    /// A connection with due work.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct DueRow {
        pub(crate) id: ConnectionId,
        pub(crate) owner: String,
        pub(crate) kind: String,
        /// The generation of its current credential.
        pub(crate) generation: i64,
        /// The time since which the work is due, or the time at which a credential ends.
        pub(crate) at: i64,
        /// The origin that the last work of this sort asked; `None` if it is not known.
        pub(crate) origin: Option<String>,
    }
}

impl Reader {
    /// Returns credentials of these kinds that are due for a refresh and that no process is refreshing; see
    /// [`any_of`](super::any_of).
    pub(crate) async fn due_refreshes(
        &mut self,
        now: i64,
        kinds: &str,
        busy: &Busy,
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        macro_rules! due {
            ($now:literal) => {
                concat!(
                    "SELECT a.id, a.owner, a.kind, c.generation, c.refresh_at AS at, l.refresh_origin AS origin \
                     FROM connection_credential AS c \
                     JOIN connection_account AS a ON a.id = c.connection_id AND a.generation = c.generation \
                     LEFT JOIN connection_liveness AS l ON l.connection_id = c.connection_id \
                     WHERE c.state = 'current' AND c.refresh_at IS NOT NULL AND c.refresh_at <= $1 AND ",
                    free!($now, "l", "$4"),
                    " AND ",
                    of_kinds!("$2"),
                    " AND ",
                    not_busy!("$5", "l.refresh_origin"),
                    " ORDER BY c.refresh_at LIMIT $3"
                )
            };
        }
        let sql = by_clock!(self, due);
        all!(self, DueRow, sql, now, kinds, limit, RefreshLease::LONGEST, busy.as_str())
    }

    /// Returns connections of these kinds that are due for a verification.
    pub(crate) async fn due_checks(
        &mut self,
        now: i64,
        kinds: &str,
        busy: &Busy,
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        const SQL: &str = concat!(
            "SELECT a.id, a.owner, a.kind, a.generation, l.next_check_at AS at, l.probe_origin AS origin \
             FROM connection_liveness AS l JOIN connection_account AS a ON a.id = l.connection_id \
             WHERE l.next_check_at IS NOT NULL AND l.next_check_at <= $1 AND ",
            of_kinds!("$2"),
            " AND ",
            not_busy!("$4", "l.probe_origin"),
            " ORDER BY l.next_check_at LIMIT $3"
        );
        all!(self, DueRow, SQL, now, kinds, limit, busy.as_str())
    }

    /// Returns connections whose verification is planned later than `latest`.
    pub(crate) async fn checks_after(&mut self, latest: i64, limit: i64) -> Result<Vec<ConnectionId>, StoreError> {
        const SQL: &str = "SELECT connection_id FROM connection_liveness WHERE next_check_at IS NOT NULL \
                           AND next_check_at > $1 ORDER BY next_check_at DESC LIMIT $2";
        let found = all!(self, (ConnectionId,), SQL, latest, limit)?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// Returns credentials of these kinds that have ended and cannot be refreshed yet, of connections whose stored
    /// liveness is `live`.
    pub(crate) async fn ended_credentials(
        &mut self,
        now: i64,
        kinds: &str,
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        const SQL: &str = concat!(
            "SELECT a.id, a.owner, a.kind, a.generation, l.next_check_at AS at, NULL AS origin \
             FROM connection_liveness AS l JOIN connection_account AS a ON a.id = l.connection_id \
             JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
             WHERE l.next_check_at IS NOT NULL AND l.next_check_at <= $1 AND l.liveness = 'live' \
             AND c.valid_until <= $1 AND c.refresh_failures > 0 AND c.refresh_at > $1 AND ",
            of_kinds!("$2"),
            " ORDER BY l.next_check_at LIMIT $3"
        );
        all!(self, DueRow, SQL, now, kinds, limit)
    }

    /// Returns credentials of these kinds that end by `by` and whose end was not announced yet.
    pub(crate) async fn ending_credentials(
        &mut self,
        by: i64,
        kinds: &str,
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        const SQL: &str = concat!(
            "SELECT a.id, a.owner, a.kind, c.generation, c.valid_until AS at, NULL AS origin FROM connection_credential AS c \
             JOIN connection_account AS a ON a.id = c.connection_id AND a.generation = c.generation \
             WHERE c.state = 'current' AND c.announced_at IS NULL AND c.valid_until IS NOT NULL \
             AND c.valid_until <= $1 AND (a.kind NOT LIKE '%/%' OR c.refresh_at IS NULL) AND ",
            of_kinds!("$2"),
            " ORDER BY c.valid_until LIMIT $3"
        );
        all!(self, DueRow, SQL, by, kinds, limit)
    }

    /// Returns the same as [`ending_credentials`](Self::ending_credentials) for authorizations of credentials that
    /// are refreshed automatically.
    pub(crate) async fn ending_authorizations(
        &mut self,
        by: i64,
        kinds: &str,
        limit: i64,
    ) -> Result<Vec<DueRow>, StoreError> {
        const SQL: &str = concat!(
            "SELECT a.id, a.owner, a.kind, c.generation, c.authorized_until AS at, NULL AS origin FROM connection_credential AS c \
             JOIN connection_account AS a ON a.id = c.connection_id AND a.generation = c.generation \
             WHERE c.state = 'current' AND c.announced_at IS NULL AND c.authorized_until IS NOT NULL \
             AND c.authorized_until <= $1 AND ",
            of_kinds!("$2"),
            " ORDER BY c.authorized_until LIMIT $3"
        );
        all!(self, DueRow, SQL, by, kinds, limit)
    }

    /// Returns the time after `now` at which the next refresh or verification is due.
    pub(crate) async fn next_due(&mut self, now: i64) -> Result<Option<i64>, StoreError> {
        const REFRESH: &str = "SELECT refresh_at FROM connection_credential WHERE state = 'current' \
                               AND refresh_at IS NOT NULL AND refresh_at > $1 ORDER BY refresh_at LIMIT 1";
        const CHECK: &str = "SELECT next_check_at FROM connection_liveness WHERE next_check_at IS NOT NULL \
                             AND next_check_at > $1 ORDER BY next_check_at LIMIT 1";
        let refresh = optional!(self, (i64,), REFRESH, now)?;
        let check = optional!(self, (i64,), CHECK, now)?;
        Ok(refresh.into_iter().chain(check).map(|(at,)| at).min())
    }

    /// Returns sessions whose run no process holds, oldest first. Sessions that cannot be read are left out.
    pub(crate) async fn lost_setups(&mut self, now: i64, limit: i64) -> Result<Vec<SetupRow>, StoreError> {
        macro_rules! lost {
            ($now:literal) => {
                concat!(
                    "SELECT id, owner, kind, connection_id, state, step_seq, sealed_header, sealed_step, expires_at, \
                     created_at FROM connection_setup WHERE state IN ('running', 'waiting') AND state = 'running' \
                     AND expires_at > $1 AND ",
                    free!($now, "connection_setup", "$3"),
                    " ORDER BY id LIMIT $2"
                )
            };
        }
        let sql = by_clock!(self, lost);
        let found = all!(self, Found<SetupRow>, sql, now, limit, SetupLease::LONGEST)?;
        Ok(found.into_iter().filter_map(|Found(row)| row).collect())
    }
}

impl Tx {
    /// Claims a due verification by moving its time. Returns `false` if another process claimed it. The verification of a
    /// connection that is failing or offline counts as one that follows a use, so that no other one follows within five
    /// minutes.
    pub(crate) async fn claim_check(&mut self, id: ConnectionId, at: i64, next: i64) -> Result<bool, StoreError> {
        let sql = clocked!(
            self,
            "UPDATE connection_liveness SET next_check_at = $3, refusal_checked_at = \
             CASE WHEN liveness IN ('failing', 'offline') THEN ",
            " ELSE refusal_checked_at END WHERE connection_id = $1 AND next_check_at = $2"
        );
        Ok(execute!(self, sql, id.as_uuid(), at, next)? == 1)
    }

    /// Records that the coming end of a credential was announced. Returns `false` if it was announced already, or if
    /// the credential is no longer current.
    pub(crate) async fn announce(&mut self, id: ConnectionId, generation: i64, now: i64) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_credential SET announced_at = $3 \
                           WHERE connection_id = $1 AND generation = $2 AND state = 'current' AND announced_at IS NULL";
        Ok(execute!(self, SQL, id.as_uuid(), generation, now)? == 1)
    }

    /// Has the coming end of a credential announced again if an end was announced before this time.
    pub(crate) async fn forget_announcement(
        &mut self,
        id: ConnectionId,
        generation: i64,
        before: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_credential SET announced_at = NULL \
                           WHERE connection_id = $1 AND generation = $2 AND announced_at < $3";
        later!(self, SQL, id.as_uuid(), generation, before)
    }
}
