//! Queries of `connection_outbox` and `connection_outbox_position`.
//!
//! An event is in the table before it is sent, so that it is sent after a restart, too. A row stays until its event is
//! before the position, so that no process adds the event again.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute, later, optional},
    rows::{OutboxRow, OutboxState},
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
    /// Returns the position up to which all events are in the table; `None` if none was ever sent.
    pub(crate) async fn outbox_position(&mut self) -> Result<Option<Uuid>, StoreError> {
        const SQL: &str = "SELECT event_id FROM connection_outbox_position";
        Ok(optional!(self, (Uuid,), SQL)?.map(|(id,)| id))
    }

    pub(crate) async fn outbox(&mut self, id: Uuid) -> Result<Option<OutboxRow>, StoreError> {
        optional!(self, OutboxRow, outbox!("id = $1"), id)
    }

    /// Returns the events that are due, those that have waited longest first.
    pub(crate) async fn due_outbox(&mut self, now: i64, limit: i64) -> Result<Vec<OutboxRow>, StoreError> {
        all!(self, OutboxRow, outbox!("next_at <= $1 ORDER BY next_at LIMIT $2"), now, limit)
    }

    /// Returns the events that were not delivered, of one owner or of all owners, newest first.
    pub(crate) async fn undelivered_outbox(
        &mut self,
        owner: Option<&str>,
        before: Uuid,
        limit: i64,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        const ALL: &str = outbox!("state <> 'delivered' AND id < $1 ORDER BY id DESC LIMIT $2");
        const OF_OWNER: &str = outbox!("state <> 'delivered' AND owner = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
        match owner {
            None => all!(self, OutboxRow, ALL, before, limit),
            Some(owner) => all!(self, OutboxRow, OF_OWNER, owner, before, limit),
        }
    }
}

impl Tx {
    /// Sets the position. The caller holds the lock of the table.
    pub(crate) async fn set_outbox_position(&mut self, id: Uuid) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_outbox_position (only_row, event_id) VALUES (1, $1) \
                           ON CONFLICT (only_row) DO UPDATE SET event_id = excluded.event_id";
        later!(self, SQL, id)
    }

    /// Adds an event, unless it is in the table already. The caller holds the lock of the table.
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

    /// Begins an attempt, and lets no other process begin one before `until`. Returns `false` if another process did so
    /// since the row was read.
    pub(crate) async fn claim_outbox(&mut self, id: Uuid, attempts: i64, until: i64) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_outbox SET attempts = attempts + 1, next_at = $3 \
                           WHERE id = $1 AND attempts = $2 AND state = 'pending'";
        Ok(execute!(self, SQL, id, attempts, until)? == 1)
    }

    /// Records that the receiver accepted an event.
    pub(crate) async fn deliver_outbox(&mut self, id: Uuid) -> Result<(), StoreError> {
        const SQL: &str =
            "UPDATE connection_outbox SET state = 'delivered', next_at = NULL, failure = NULL WHERE id = $1";
        later!(self, SQL, id)
    }

    /// Records that the attempt with this number failed, and when the next one begins. Without a next one, the event has
    /// failed.
    pub(crate) async fn fail_outbox(
        &mut self,
        id: Uuid,
        attempt: i64,
        next_at: Option<i64>,
        failure: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_outbox SET state = $3, next_at = $4, failure = $5 \
                           WHERE id = $1 AND attempts = $2 AND state = 'pending'";
        let state = if next_at.is_some() { OutboxState::Pending } else { OutboxState::Failed };
        later!(self, SQL, id, attempt, state.as_str(), next_at, failure)
    }

    /// Makes an event due that was not delivered, as if it had never been sent.
    pub(crate) async fn retry_outbox(&mut self, id: Uuid, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_outbox SET state = 'pending', attempts = 0, next_at = $2 \
                           WHERE id = $1 AND state <> 'delivered'";
        later!(self, SQL, id, now)
    }

    /// Deletes events in this state that are older than the given one.
    pub(crate) async fn delete_outbox(&mut self, state: OutboxState, before: Uuid) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_outbox WHERE state = $1 AND id < $2";
        later!(self, SQL, state.as_str(), before)
    }
}
