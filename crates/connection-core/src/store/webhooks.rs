//! Queries of `connection_webhook_address` and `connection_webhook`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    clock::by_clock,
    engine::{Engine, all, execute, later, optional},
    leases::WebhookLease,
    rows::{AddressRow, FoundAddress, TestRow, WaitingRow, WebhookRow},
    signals::Changed,
};
use crate::{ids::ConnectionId, store::Sealed};

/// Selects an event to deliver: the first event of a connection that nobody has acknowledged, unless it is leased
/// or was set aside.
///
/// Events that were never leased come first, then the one whose lease ended longest ago, then the oldest. An event
/// that no consumer acknowledges therefore does not delay those of other connections. `$3` and `$4` limit the query to
/// a connection and a kind. SQLite keeps the order of a `CROSS JOIN`, so the query begins with the inboxes in which an
/// event waits, not with all connections.
macro_rules! turn {
    ($now:literal) => {
        concat!(
            "SELECT w.id, w.connection_id, a.owner, a.kind, w.number, w.received_at, w.sealed \
             FROM connection_webhook_address AS d CROSS JOIN connection_account AS a CROSS JOIN connection_webhook AS w \
             WHERE d.waiting > 0 AND a.id = d.connection_id AND w.connection_id = d.connection_id AND w.number = \
             (SELECT MIN(h.number) FROM connection_webhook AS h \
             WHERE h.connection_id = d.connection_id AND h.acknowledged_at IS NULL \
             AND (h.lease_until IS NULL OR h.lease_until < 9223372036854775807)) \
             AND a.owner = $1 AND ",
            $crate::store::leases::free!($now, "w", "$2"),
            " AND ($3 IS NULL OR d.connection_id = $3) AND (CAST($4 AS TEXT) IS NULL OR a.kind = $4) \
             ORDER BY COALESCE(w.lease_until, 0), w.received_at, w.id LIMIT 1"
        )
    };
}

#[cfg(all(test, feature = "workspace-tests"))]
pub(super) use turn;

/// The end of a lease that never ends, which marks an event that was set aside.
const SET_ASIDE: i64 = i64::MAX;

impl Reader {
    pub(crate) async fn webhook_address(&mut self, id: ConnectionId) -> Result<Option<AddressRow>, StoreError> {
        const SQL: &str = "SELECT d.token_hash, d.sealed, d.revision, d.next_number, d.waiting, d.waiting_bytes, \
                           (SELECT w.received_at \
                           FROM connection_webhook AS w WHERE w.connection_id = d.connection_id \
                           ORDER BY w.number DESC LIMIT 1) AS last_received_at, \
                           d.tested_at, d.tested_url, d.tested_generation, d.test_failure, a.generation \
                           FROM connection_webhook_address AS d \
                           JOIN connection_account AS a ON a.id = d.connection_id WHERE d.connection_id = $1";
        optional!(self, AddressRow, SQL, id.as_uuid())
    }

    /// Returns the connection with this address, among those of all owners.
    pub(crate) async fn find_webhook_address(&mut self, hash: &[u8; 32]) -> Result<Option<FoundAddress>, StoreError> {
        const SQL: &str = "SELECT d.connection_id, a.owner FROM connection_webhook_address AS d \
                           JOIN connection_account AS a ON a.id = d.connection_id WHERE d.token_hash = $1";
        optional!(self, FoundAddress, SQL, &hash[..])
    }

    /// Returns the event to deliver next.
    pub(crate) async fn webhook_turn(
        &mut self,
        owner: &str,
        connection: Option<ConnectionId>,
        kind: Option<&str>,
    ) -> Result<Option<WaitingRow>, StoreError> {
        let sql = by_clock!(self, turn);
        let connection = connection.map(ConnectionId::as_uuid);
        optional!(self, WaitingRow, sql, owner, WebhookLease::LONGEST, connection, kind)
    }

    /// Returns the events of a connection that nobody has acknowledged, with numbers after `after`, claimed or not.
    pub(crate) async fn waiting_webhooks(
        &mut self,
        id: ConnectionId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<WaitingRow>, StoreError> {
        const SQL: &str = "SELECT w.id, w.connection_id, a.owner, a.kind, w.number, w.received_at, w.sealed \
                           FROM connection_webhook AS w JOIN connection_account AS a ON a.id = w.connection_id \
                           WHERE w.connection_id = $1 AND w.acknowledged_at IS NULL AND w.number > $2 \
                           ORDER BY w.number LIMIT $3";
        all!(self, WaitingRow, SQL, id.as_uuid(), after, limit)
    }

    /// Returns the number of sealed bytes of an event; 0 if its content was deleted.
    async fn webhook_bytes(&mut self, id: Uuid) -> Result<i64, StoreError> {
        const SQL: &str = "SELECT CAST(LENGTH(sealed) AS BIGINT) FROM connection_webhook \
                           WHERE id = $1 AND sealed IS NOT NULL";
        Ok(optional!(self, (i64,), SQL, id)?.map_or(0, |(bytes,)| bytes))
    }

    /// Returns `true` if an event with this digest was stored.
    pub(crate) async fn has_webhook(&mut self, id: ConnectionId, digest: &[u8; 32]) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT number FROM connection_webhook WHERE connection_id = $1 AND digest = $2";
        let found = optional!(self, (i64,), SQL, id.as_uuid(), &digest[..])?;
        Ok(found.is_some())
    }
}

impl Tx {
    /// Inserts the first address of a connection. Returns `false` if there is a row already.
    pub(crate) async fn insert_webhook_address(
        &mut self,
        id: ConnectionId,
        hash: &[u8; 32],
        sealed: &Sealed,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_webhook_address (connection_id, token_hash, sealed, revision) \
                           VALUES ($1, $2, $3, 1) ON CONFLICT (connection_id) DO NOTHING";
        Ok(execute!(self, SQL, id.as_uuid(), &hash[..], sealed)? == 1)
    }

    /// Replaces the address that was read with `revision` by one that was sealed for the next revision; `None`
    /// removes it. Returns `false` if it was changed meanwhile.
    pub(crate) async fn set_webhook_address(
        &mut self,
        id: ConnectionId,
        revision: i64,
        fresh: Option<(&[u8; 32], &Sealed)>,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_webhook_address SET token_hash = $3, sealed = $4, revision = revision + 1 \
                           WHERE connection_id = $1 AND revision = $2";
        let (hash, sealed) = fresh.unzip();
        Ok(execute!(self, SQL, id.as_uuid(), revision, hash.map(|hash| &hash[..]), sealed)? == 1)
    }

    /// Stores the result of a test, in place of the previous one. Returns `false` if the address or its keys
    /// changed since they were read with `revision`.
    pub(crate) async fn set_webhook_test(
        &mut self,
        id: ConnectionId,
        revision: i64,
        test: &TestRow,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_webhook_address SET tested_at = $3, tested_url = $4, \
                           tested_generation = $5, test_failure = $6 WHERE connection_id = $1 AND revision = $2";
        let TestRow { at, url, generation, failure } = test;
        Ok(execute!(self, SQL, id.as_uuid(), revision, *at, url.as_str(), *generation, *failure)? == 1)
    }

    /// Deletes the result of the last test, if there is one.
    pub(crate) async fn forget_webhook_test(&mut self, id: ConnectionId) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_webhook_address SET tested_at = NULL, tested_url = NULL, \
                           tested_generation = NULL, test_failure = NULL \
                           WHERE connection_id = $1 AND tested_at IS NOT NULL";
        later!(self, SQL, id.as_uuid())
    }

    /// Stores an event with that number, after the others of its connection. Returns `false` if an event with the
    /// same digest is stored.
    pub(crate) async fn insert_webhook(&mut self, row: &WebhookRow, number: i64) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_webhook (id, connection_id, number, digest, received_at, sealed) \
                           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (connection_id, digest) DO NOTHING";
        const COUNT: &str = "UPDATE connection_webhook_address SET next_number = $2 + 1, waiting = waiting + 1, \
                             waiting_bytes = waiting_bytes + $3 WHERE connection_id = $1";
        let WebhookRow { id, connection_id, digest, received_at, sealed } = row;
        let connection = connection_id.as_uuid();
        let bytes = i64::try_from(sealed.as_bytes().len()).unwrap_or(i64::MAX);
        if execute!(self, SQL, *id, connection, number, &digest[..], *received_at, sealed)? != 1 {
            return Ok(false);
        }
        self.changed(Changed::Webhook(*connection_id));
        later!(self, COUNT, connection, number, bytes)?;
        Ok(true)
    }

    /// Deletes the content of an event and keeps its digest. Returns `false` if it was acknowledged before, or if
    /// its connection was removed.
    pub(crate) async fn acknowledge_webhook(
        &mut self,
        id: Uuid,
        connection: ConnectionId,
        now: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_webhook SET acknowledged_at = $2, sealed = NULL, lease_owner = NULL, \
                           lease_until = NULL WHERE id = $1 AND acknowledged_at IS NULL \
                           AND (lease_until IS NULL OR lease_until < $3)";
        let bytes = self.webhook_bytes(id).await?;
        match execute!(self, SQL, id, now, SET_ASIDE)? {
            1 => self.waits_no_more(connection, bytes).await.map(|()| true),
            _ => Ok(false),
        }
    }

    /// Sets an event aside that cannot be opened, so that later events can follow. Returns `false` if it was
    /// acknowledged or set aside before.
    pub(crate) async fn set_webhook_aside(&mut self, id: Uuid, connection: ConnectionId) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_webhook SET lease_until = $2 \
                           WHERE id = $1 AND acknowledged_at IS NULL AND lease_until < $2";
        let bytes = self.webhook_bytes(id).await?;
        match execute!(self, SQL, id, SET_ASIDE)? {
            1 => self.waits_no_more(connection, bytes).await.map(|()| true),
            _ => Ok(false),
        }
    }

    async fn waits_no_more(&mut self, connection: ConnectionId, bytes: i64) -> Result<(), StoreError> {
        const COUNT: &str = "UPDATE connection_webhook_address SET waiting = waiting - 1, waiting_bytes = \
                             CASE WHEN waiting_bytes > $2 THEN waiting_bytes - $2 ELSE 0 END WHERE connection_id = $1";
        self.changed(Changed::Webhook(connection));
        later!(self, COUNT, connection.as_uuid(), bytes)
    }

    /// Deletes the event with this digest if it was acknowledged by `by`, or received by then and set aside, so that the
    /// digest no longer counts.
    pub(crate) async fn forget_webhook(
        &mut self,
        id: ConnectionId,
        digest: &[u8; 32],
        by: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_webhook WHERE connection_id = $1 AND digest = $2 \
                           AND (acknowledged_at <= $3 OR (lease_until = $4 AND received_at <= $3))";
        later!(self, SQL, id.as_uuid(), &digest[..], by, SET_ASIDE)
    }
}
