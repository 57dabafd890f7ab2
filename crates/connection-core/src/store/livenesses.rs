//! Queries of `connection_liveness`.

use super::{
    Reader, StoreError, Tx,
    engine::{execute, later, optional},
    rows::{ListedRow, LivenessRow},
};
use crate::ids::ConnectionId;

/// A measurement that found what is already stored.
pub(crate) struct Unchanged<'a> {
    /// The row as it was read before the measurement.
    pub(crate) row: &'a ListedRow,
    /// The names of the secrets in its credential, as JSON.
    pub(crate) secret_names: &'a str,
    /// The new text of the reason, as JSON. Its code is the one that is stored.
    pub(crate) reason: Option<&'a str>,
    /// Time at which the measurement began.
    pub(crate) began: i64,
    pub(crate) now: i64,
    /// The number of results in a row that are not live, with this one.
    pub(crate) failures: i64,
    pub(crate) next_check_at: Option<i64>,
    pub(crate) paused_until: Option<i64>,
    pub(crate) probe_origin: Option<&'a str>,
    pub(crate) probe_from: Option<i64>,
}

pub(super) const CONFIRM: &str = "UPDATE connection_liveness SET checked_at = $6, reason = $7, next_check_at = $8, \
     sealed_words = CASE WHEN reason = $7 THEN sealed_words END, failures = $18, \
     probe_origin = COALESCE($15, probe_origin), probe_from = $16, paused_until = $17 \
     WHERE connection_id = $1 AND generation = $2 AND liveness = $3 AND reason IS NOT DISTINCT FROM $4 \
     AND NOT (checked_at IS NOT NULL AND checked_at > $5 AND checked_at <= $6) \
     AND EXISTS (SELECT 1 FROM connection_account AS a JOIN connection_credential AS c \
     ON c.connection_id = a.id AND c.generation = a.generation AND c.state = 'current' \
     WHERE a.id = $1 AND a.generation = $2 AND a.revision = $9 AND c.secret_names = $10 \
     AND c.granted_scopes IS NOT DISTINCT FROM $11 AND c.valid_until IS NOT DISTINCT FROM $12 \
     AND c.authorized_until IS NOT DISTINCT FROM $13 AND c.refresh_reason IS NOT DISTINCT FROM $14)";

impl Reader {
    pub(crate) async fn liveness(&mut self, id: ConnectionId) -> Result<Option<LivenessRow>, StoreError> {
        const SQL: &str = "SELECT connection_id, liveness, reason, generation, checked_at, next_check_at, \
                           paused_until, failures, probe_origin, probe_from FROM connection_liveness WHERE connection_id = $1";
        optional!(self, LivenessRow, SQL, id.as_uuid())
    }
}

impl Tx {
    /// Stores the time of a measurement that found what is already stored. Returns `false` and writes nothing if the
    /// row is no longer the one that was read, or if another measurement was stored since this one began.
    ///
    /// One statement compares and writes, so the caller needs no lock.
    pub(crate) async fn confirm_liveness(&mut self, found: &Unchanged<'_>) -> Result<bool, StoreError> {
        let Unchanged { row, secret_names, reason, began, now, next_check_at, paused_until, .. } = found;
        let Unchanged { failures, probe_origin, probe_from, .. } = found;
        let ListedRow { account, liveness, granted_scopes, valid_until, authorized_until, refresh_reason, .. } = row;
        let changed = execute!(
            self,
            CONFIRM,
            account.id.as_uuid(),
            account.generation,
            liveness,
            &row.reason,
            began,
            now,
            reason,
            next_check_at,
            account.revision,
            secret_names,
            granted_scopes,
            valid_until,
            authorized_until,
            refresh_reason,
            probe_origin,
            probe_from,
            paused_until,
            failures
        )?;
        Ok(changed == 1)
    }

    /// Makes the connection due for a verification at the time `at`, or earlier if it already is.
    pub(crate) async fn check_by(&mut self, id: ConnectionId, at: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_liveness SET next_check_at = $2 WHERE connection_id = $1 \
                           AND (next_check_at IS NULL OR next_check_at > $2)";
        later!(self, SQL, id.as_uuid(), at)
    }

    /// Stores a measurement. Returns `false` if a newer credential was measured in between. A measurement of the
    /// credential that the account names is always stored, so that an edited account does not stay live. A use that was
    /// refused is no longer noted for another credential than the one that was refused. The provider's own words stay
    /// if the credential and the reason are the same.
    pub(crate) async fn upsert_liveness(&mut self, row: &LivenessRow) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_liveness (connection_id, liveness, reason, generation, checked_at, \
                           next_check_at, failures, probe_origin, probe_from, paused_until) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                           ON CONFLICT (connection_id) DO UPDATE SET liveness = excluded.liveness, \
                           reason = excluded.reason, generation = excluded.generation, \
                           sealed_words = CASE WHEN connection_liveness.generation = excluded.generation \
                           AND connection_liveness.reason = excluded.reason \
                           THEN connection_liveness.sealed_words END, \
                           checked_at = excluded.checked_at, next_check_at = excluded.next_check_at, \
                           failures = excluded.failures, probe_origin = COALESCE(excluded.probe_origin, \
                           connection_liveness.probe_origin), probe_from = excluded.probe_from, \
                           paused_until = excluded.paused_until, refused_at = CASE WHEN connection_liveness.generation \
                           = excluded.generation THEN connection_liveness.refused_at END \
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
            row.failures,
            &row.probe_origin,
            row.probe_from,
            row.paused_until
        )?;
        Ok(changed == 1)
    }
}
