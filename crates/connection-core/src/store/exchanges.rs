//! Queries of `connection_exchange`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    clock::clocked,
    columns::row,
    engine::{Engine, all, execute, later, optional},
    rows::{BootTime, ExchangeFound, ExchangeRow, ExchangeState, Sent, UNREADABLE_KEPT},
};
use crate::{
    ids::ConnectionId,
    store::{ExchangeKey, ExchangeScope, Sealed},
};

impl ExchangeScope {
    const fn ids(self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Connection(id) => (Some(id.as_uuid()), None),
            Self::Session(id) => (None, Some(id.as_uuid())),
        }
    }
}

row! {
    /// An exchange whose outcome is unknown again.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Reopened {
        /// The number of attempts before the last one.
        pub(crate) replays: i64,
        /// The seconds since the first attempt.
        pub(crate) unclear_for: i64,
    }
}

impl Reader {
    pub(crate) async fn exchange(&mut self, key: ExchangeKey) -> Result<Option<ExchangeRow>, StoreError> {
        const SQL: &str = "SELECT key, connection_id, session_id, node_id, process_id, begun_at, sent_at, seen_at, \
                           concluded_at, retry_after, replays, sealed, machine \
                           FROM connection_exchange WHERE key = $1";
        let found = optional!(self, ExchangeFound, SQL, &key.as_bytes()[..])?;
        found.map(|found| found.row().ok_or_else(|| self.corrupt_exchange())).transpose()
    }

    /// Returns the time at which that boot first found that an attempt was over, in seconds since the boot.
    pub(crate) async fn exchange_look(
        &mut self,
        key: ExchangeKey,
        attempt: i64,
        boot_id: &str,
    ) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "SELECT boot_seconds FROM connection_exchange_look \
                           WHERE key = $1 AND attempt = $2 AND boot_id = $3";
        let found = optional!(self, (i64,), SQL, &key.as_bytes()[..], attempt, boot_id)?;
        Ok(found.map(|(seconds,)| seconds))
    }

    /// Returns the attempts for connections that a process of this node sent and that nobody has concluded. Those
    /// with the oldest signs of life come first.
    pub(crate) async fn open_exchanges(&mut self, node: &str, limit: i64) -> Result<Vec<ExchangeRow>, StoreError> {
        const SQL: &str = "SELECT key, connection_id, session_id, node_id, process_id, begun_at, sent_at, seen_at, \
                           concluded_at, retry_after, replays, sealed, machine \
                           FROM connection_exchange \
                           WHERE node_id = $1 AND state = 'intent' AND concluded_at IS NULL \
                           AND connection_id IS NOT NULL ORDER BY seen_at LIMIT $2";
        let found = all!(self, ExchangeFound, SQL, node, limit)?;
        found.into_iter().map(|found| found.row().ok_or_else(|| self.corrupt_exchange())).collect()
    }

    fn corrupt_exchange(&self) -> StoreError {
        StoreError::Corrupt {
            place: self.place.to_string(),
            detail: "a row of connection_exchange is not one that this program writes".into(),
        }
    }

    /// Returns the processes that exchanges and leases of refreshes name.
    pub(crate) async fn named_processes(&mut self) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "SELECT process_id FROM connection_exchange UNION \
                           SELECT lease_owner FROM connection_liveness WHERE lease_owner IS NOT NULL";
        let found = all!(self, (String,), SQL)?;
        Ok(found.into_iter().map(|(process,)| process).collect())
    }
}

impl Tx {
    /// Records a request that is about to be sent. Returns `false` if it is recorded already.
    pub(crate) async fn insert_exchange(&mut self, row: &ExchangeRow) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_exchange \
                           (key, connection_id, session_id, node_id, process_id, begun_at, sent_at, seen_at, \
                           concluded_at, retry_after, state, replays, sealed, machine) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
                           ON CONFLICT (key) DO NOTHING";
        let (connection, session) = row.scope.ids();
        let state = if row.sealed.is_some() { ExchangeState::Answered } else { ExchangeState::Intent };
        let Sent { node_id, process_id, machine, begun_at, at, seen_at, concluded_at, retry_after, replays } =
            &row.sent;
        let key = &row.key.as_bytes()[..];
        let inserted = execute!(
            self,
            SQL,
            key,
            connection,
            session,
            node_id,
            process_id,
            begun_at,
            at,
            seen_at,
            concluded_at,
            retry_after,
            state.as_str(),
            replays,
            &row.sealed,
            machine
        )?;
        Ok(inserted == 1)
    }

    /// Replaces the sender `from` by the sender `to`. Returns `false` if the row no longer is as `from` says.
    pub(crate) async fn resend_exchange(
        &mut self,
        key: ExchangeKey,
        from: &Sent,
        to: &Sent,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_exchange SET node_id = $5, process_id = $6, sent_at = $7, \
                           begun_at = $8, seen_at = $9, concluded_at = $10, retry_after = $11, \
                           replays = $12, machine = $13 \
                           WHERE key = $1 AND state = 'intent' AND process_id = $2 AND sent_at = $3 AND replays = $4";
        let key = &key.as_bytes()[..];
        let changed = execute!(
            self,
            SQL,
            key,
            &from.process_id,
            from.at,
            from.replays,
            &to.node_id,
            &to.process_id,
            to.at,
            to.begun_at,
            to.seen_at,
            to.concluded_at,
            to.retry_after,
            to.replays,
            &to.machine
        )?;
        Ok(changed == 1)
    }

    /// Records that no process is sending the request any longer, and when this boot found that. Returns the time by
    /// the database's clock, or `None` if the row no longer is as `sent` says.
    pub(crate) async fn conclude_exchange(
        &mut self,
        key: ExchangeKey,
        sent: &Sent,
        retry_after: i64,
        seen: &BootTime,
    ) -> Result<Option<i64>, StoreError> {
        let sql = clocked!(
            self,
            "UPDATE connection_exchange SET retry_after = $5, concluded_at = ",
            " WHERE key = $1 AND state = 'intent' AND process_id = $2 AND sent_at = $3 AND replays = $4 \
             AND concluded_at IS NULL RETURNING concluded_at"
        );
        let bytes = &key.as_bytes()[..];
        let concluded = optional!(self, (i64,), sql, bytes, &sent.process_id, sent.at, sent.replays, retry_after)?;
        if concluded.is_some() {
            self.note_first_look(key, sent.replays, seen).await?;
        }
        Ok(concluded.map(|(at,)| at))
    }

    /// Records a sign of life of the sending process, at the current time of the database's clock, while the row is
    /// as `sent` says.
    pub(crate) async fn renew_exchange_sign(&mut self, key: ExchangeKey, sent: &Sent) -> Result<(), StoreError> {
        let sql = clocked!(
            self,
            "UPDATE connection_exchange SET seen_at = ",
            " WHERE key = $1 AND state = 'intent' AND process_id = $2 AND sent_at = $3 AND replays = $4 \
             AND concluded_at IS NULL"
        );
        later!(self, sql, &key.as_bytes()[..], &sent.process_id, sent.at, sent.replays)
    }

    /// Keeps an answer that could not be read, and records since when it is kept. Returns its attempt, or `None` if
    /// there is no answer.
    pub(crate) async fn set_answer_aside(
        &mut self,
        key: ExchangeKey,
        seen: &BootTime,
    ) -> Result<Option<Sent>, StoreError> {
        let sql = clocked!(
            self,
            "UPDATE connection_exchange SET retry_after = 0, concluded_at = ",
            " WHERE key = $1 AND state = 'answered' AND concluded_at IS NULL RETURNING replays"
        );
        if let Some((replays,)) = optional!(self, (i64,), sql, &key.as_bytes()[..])? {
            self.note_first_look(key, replays, seen).await?;
        }
        Ok(self.exchange(key).await?.filter(|row| row.sealed.is_some()).map(|row| row.sent))
    }

    /// Deletes the exchanges of a connection whose answers were set aside at least [`UNREADABLE_KEPT`] seconds ago and are
    /// kept no longer, so that their tokens may be sent again.
    pub(crate) async fn forget_ended_answers(&mut self, connection: ConnectionId) -> Result<(), StoreError> {
        let sql = clocked!(
            self,
            "DELETE FROM connection_exchange WHERE connection_id = $1 AND concluded_at + $2 <= ",
            " AND (state = 'answered' OR process_id = '')"
        );
        later!(self, sql, connection.as_uuid(), UNREADABLE_KEPT)
    }

    /// Removes an answer that says nothing about the token, if it belongs to the attempt `least` or a later one. The
    /// outcome of the request is unknown from then on, and `process` found that. Returns `None` if there is no such answer.
    pub(crate) async fn reopen_exchange(
        &mut self,
        key: ExchangeKey,
        least: i64,
        process: &str,
        seen: &BootTime,
    ) -> Result<Option<Reopened>, StoreError> {
        let sql = clocked!(
            self,
            "UPDATE connection_exchange SET state = 'intent', sealed = NULL, process_id = $3, retry_after = 0, \
             concluded_at = ",
            " WHERE key = $1 AND state = 'answered' AND replays >= $2 \
             RETURNING replays, concluded_at - begun_at AS unclear_for"
        );
        let reopened = optional!(self, Reopened, sql, &key.as_bytes()[..], least, process)?;
        if let Some(Reopened { replays, .. }) = reopened {
            self.note_first_look(key, replays, seen).await?;
        }
        Ok(reopened)
    }

    /// Records when this boot first found that an attempt was over, and deletes all earlier records of the exchange.
    pub(super) async fn note_first_look(
        &mut self,
        key: ExchangeKey,
        attempt: i64,
        seen: &BootTime,
    ) -> Result<(), StoreError> {
        later!(self, "DELETE FROM connection_exchange_look WHERE key = $1", &key.as_bytes()[..])?;
        self.note_look(key, attempt, seen).await
    }

    /// Records when this boot found that an attempt was over, in place of its earlier record.
    pub(crate) async fn note_look(
        &mut self,
        key: ExchangeKey,
        attempt: i64,
        seen: &BootTime,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_exchange_look (key, attempt, boot_id, boot_seconds) \
                           SELECT key, replays, CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM connection_exchange \
                           WHERE key = $1 AND replays = $2 AND (state = 'intent' OR concluded_at IS NOT NULL) \
                           ON CONFLICT (key, attempt, boot_id) DO UPDATE SET boot_seconds = excluded.boot_seconds";
        later!(self, SQL, &key.as_bytes()[..], attempt, &seen.boot_id, seen.seconds)
    }

    /// Records the answer. The first one counts: returns `false` if there is one already, or if nothing is recorded
    /// any longer.
    pub(crate) async fn answer_exchange(&mut self, key: ExchangeKey, answer: &Sealed) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_exchange SET state = 'answered', sealed = $2, concluded_at = NULL \
                           WHERE key = $1 AND state = 'intent'";
        Ok(execute!(self, SQL, &key.as_bytes()[..], answer)? == 1)
    }

    /// Deletes the record of a request that was not sent, if the row still is as `sent` says.
    pub(crate) async fn delete_intent(&mut self, key: ExchangeKey, sent: &Sent) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_exchange WHERE key = $1 AND state = 'intent' AND process_id = $2 \
                           AND sent_at = $3 AND replays = $4";
        Ok(execute!(self, SQL, &key.as_bytes()[..], &sent.process_id, sent.at, sent.replays)? == 1)
    }

    /// Records the answer to a request that is not recorded.
    pub(crate) async fn insert_answer(
        &mut self,
        key: ExchangeKey,
        scope: ExchangeScope,
        answer: &Sealed,
    ) -> Result<bool, StoreError> {
        let sent = Sent::first(None, String::new(), 0);
        self.insert_exchange(&ExchangeRow { key, scope, sent, sealed: Some(answer.clone()) }).await
    }

    /// Deletes answers whose results are being stored. Exchanges without an answer stay. Returns `true` if one of
    /// the answers is to a request that was sent more than once.
    pub(crate) async fn settle_exchanges(&mut self, keys: &[ExchangeKey]) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_exchange WHERE key = $1 AND state = 'answered' RETURNING replays";
        let mut is_replayed = false;
        for key in keys {
            let settled = optional!(self, (i64,), SQL, &key.as_bytes()[..])?;
            is_replayed |= settled.is_some_and(|(replays,)| replays > 0);
        }
        Ok(is_replayed)
    }

    /// Deletes an exchange whose answer is lost, because a credential is stored that replaces its token.
    pub(crate) async fn forget_unanswered(&mut self, key: ExchangeKey) -> Result<(), StoreError> {
        const SQL: &str =
            "DELETE FROM connection_exchange WHERE key = $1 AND state = 'intent' AND concluded_at IS NOT NULL";
        later!(self, SQL, &key.as_bytes()[..])
    }

    /// Deletes all exchanges of a connection.
    pub(crate) async fn delete_connection_exchanges(&mut self, connection: ConnectionId) -> Result<(), StoreError> {
        later!(self, "DELETE FROM connection_exchange WHERE connection_id = $1", connection.as_uuid())
    }
}
