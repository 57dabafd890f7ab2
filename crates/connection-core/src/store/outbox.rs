//! Queries of `connection_event_due`, `connection_event_receiver` and `connection_outbox`.
//!
//! A trigger adds an event to the first table in the transaction that records the event, while the second table has a
//! row that is not too old. The message about an event is in the third table until the receiver has accepted it, so
//! that the message is sent after a restart, too.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    clock::{by_clock, clocked},
    engine::{Engine, all, execute, later, optional},
    leases::{OutboxLease, free},
    rows::{OutboxRow, OutboxState, StoredEvent},
};

macro_rules! outbox {
    ($rest:literal) => {
        concat!(
            "SELECT id, owner, connection_id, name, body, state, attempts, next_at, failure FROM connection_outbox WHERE ",
            $rest
        )
    };
}

impl Reader {
    /// Returns the time at which a process last collected events, and the time now, both in seconds of the database's
    /// clock; `None` if no process ever did.
    pub(crate) async fn event_receiver(&mut self) -> Result<Option<(i64, i64)>, StoreError> {
        let sql = clocked!(self, "SELECT collected_at, ", " AS now FROM connection_event_receiver");
        optional!(self, (i64, i64), sql)
    }

    /// Returns events of all owners whose messages are not in the outbox yet.
    pub(crate) async fn due_events(&mut self, limit: i64) -> Result<Vec<StoredEvent>, StoreError> {
        const SQL: &str = "SELECT e.id, e.owner, e.connection_id, e.seq, e.at, e.kind, e.body, e.chain, e.generation, \
                           e.facts FROM connection_event_due AS d JOIN connection_event AS e ON e.id = d.event_id \
                           WHERE d.event_id > $1 ORDER BY d.event_id LIMIT $2";
        all!(self, StoredEvent, SQL, Uuid::nil(), limit)
    }

    pub(crate) async fn outbox(&mut self, id: Uuid) -> Result<Option<OutboxRow>, StoreError> {
        optional!(self, OutboxRow, outbox!("id = $1"), id)
    }

    /// Returns the messages that are due and that no process sends, those that have waited longest first. Messages
    /// that are due at the same time are in the order of their ids.
    pub(crate) async fn due_outbox(&mut self, now: i64, limit: i64) -> Result<Vec<OutboxRow>, StoreError> {
        macro_rules! due {
            ($now:literal) => {
                concat!(
                    outbox!("next_at <= $1 AND "),
                    free!($now, "connection_outbox", "$3"),
                    " ORDER BY next_at, id LIMIT $2"
                )
            };
        }
        let sql = by_clock!(self, due);
        all!(self, OutboxRow, sql, now, limit, OutboxLease::LONGEST)
    }

    /// Returns the messages that were not delivered, of one owner or of all owners, newest first.
    pub(crate) async fn undelivered_outbox(
        &mut self,
        owner: Option<&str>,
        before: Uuid,
        limit: i64,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        const ALL: &str = outbox!("id < $1 ORDER BY id DESC LIMIT $2");
        const OF_OWNER: &str = outbox!("owner = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
        match owner {
            None => all!(self, OutboxRow, ALL, before, limit),
            Some(owner) => all!(self, OutboxRow, OF_OWNER, owner, before, limit),
        }
    }
}

impl Tx {
    /// Records that this process collects events now.
    pub(crate) async fn record_collection(&mut self) -> Result<(), StoreError> {
        let sql = clocked!(
            self,
            "INSERT INTO connection_event_receiver (only_row, collected_at) VALUES (1, ",
            ") ON CONFLICT (only_row) DO UPDATE SET collected_at = excluded.collected_at"
        );
        execute!(self, sql).map(drop)
    }

    /// Takes an event whose message is to be added. Returns `false` if another process has taken it.
    pub(crate) async fn take_due_event(&mut self, id: Uuid) -> Result<bool, StoreError> {
        Ok(execute!(self, "DELETE FROM connection_event_due WHERE event_id = $1", id)? == 1)
    }

    /// Adds the message about an event that this job has taken.
    pub(crate) async fn insert_outbox(&mut self, row: &OutboxRow) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_outbox (id, owner, connection_id, name, body, state, attempts, \
                           next_at, failure) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
        later!(
            self,
            SQL,
            row.id,
            &row.owner,
            row.connection_id.as_uuid(),
            &row.name,
            &row.body,
            row.state.as_str(),
            row.attempts,
            row.next_at,
            &row.failure
        )
    }

    /// Makes the messages due whose time is after `latest`.
    pub(crate) async fn hasten_outbox(&mut self, now: i64, latest: i64) -> Result<(), StoreError> {
        later!(self, "UPDATE connection_outbox SET next_at = $1 WHERE next_at > $2", now, latest)
    }

    /// Deletes a message that the receiver accepted.
    pub(crate) async fn deliver_outbox(&mut self, id: Uuid) -> Result<(), StoreError> {
        later!(self, "DELETE FROM connection_outbox WHERE id = $1", id)
    }

    /// Records that the attempt with this number failed, and when the next one begins. Without a next one, the message
    /// has failed.
    pub(crate) async fn fail_outbox(
        &mut self,
        id: Uuid,
        attempt: i64,
        next_at: Option<i64>,
        failure: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_outbox SET state = $3, next_at = $4, failure = $5, lease_owner = NULL, \
                           lease_until = NULL WHERE id = $1 AND attempts = $2 AND state = 'pending'";
        let state = if next_at.is_some() { OutboxState::Pending } else { OutboxState::Failed };
        later!(self, SQL, id, attempt, state.as_str(), next_at, failure)
    }

    /// Makes a message due that was not delivered, as if it had never been sent.
    pub(crate) async fn retry_outbox(&mut self, id: Uuid, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_outbox SET state = 'pending', attempts = 0, next_at = $2, \
                           lease_owner = NULL, lease_until = NULL WHERE id = $1";
        later!(self, SQL, id, now)
    }
}
