//! Queries of `connection_exchange`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    clock::clocked,
    engine::{Engine, all, execute, optional},
    rows::{BootTime, ExchangeFound, ExchangeRow, ExchangeState, Sent},
};
use crate::{
    exchange::{ExchangeKey, Scope},
    ids::{ConnectionId, SessionId},
    seal::Sealed,
};

impl Scope {
    const fn ids(self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Connection(id) => (Some(id.as_uuid()), None),
            Self::Session(id) => (None, Some(id.as_uuid())),
        }
    }
}

/// What is unclear again.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(crate) struct Reopened {
    /// The number of attempts before the last one.
    pub(crate) replays: i64,
    /// Seconds since the first one.
    pub(crate) unclear_for: i64,
}

impl Reader {
    pub(crate) async fn exchange(&mut self, key: ExchangeKey) -> Result<Option<ExchangeRow>, StoreError> {
        const SQL: &str = "SELECT key, connection_id, session_id, node_id, process_id, begun_at, sent_at, seen_at, \
                           concluded_at, retry_after, replays, sealed \
                           FROM connection_exchange WHERE key = $1";
        let found = optional!(self, ExchangeFound, SQL, &key.as_bytes()[..])?;
        found.map(|found| found.row().ok_or_else(|| self.corrupt_exchange())).transpose()
    }

    /// When that boot first saw that an attempt is over, in seconds of the boot.
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

    /// The attempts for connections that a process of this node sent and nobody has concluded, those with the oldest signs
    /// of life first.
    pub(crate) async fn open_exchanges(&mut self, node: &str, limit: i64) -> Result<Vec<ExchangeRow>, StoreError> {
        const SQL: &str = "SELECT key, connection_id, session_id, node_id, process_id, begun_at, sent_at, seen_at, \
                           concluded_at, retry_after, replays, sealed \
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

    /// The processes that an exchange names.
    pub(crate) async fn exchange_processes(&mut self) -> Result<Vec<String>, StoreError> {
        let found = all!(self, (String,), "SELECT DISTINCT process_id FROM connection_exchange")?;
        Ok(found.into_iter().map(|(process,)| process).collect())
    }
}

impl Tx {
    /// Notes what is about to be sent; `false` when it is noted already.
    pub(crate) async fn insert_exchange(&mut self, row: &ExchangeRow) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_exchange \
                           (key, connection_id, session_id, node_id, process_id, begun_at, sent_at, seen_at, \
                           concluded_at, retry_after, state, replays, sealed) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (key) DO NOTHING";
        let (connection, session) = row.scope.ids();
        let state = if row.sealed.is_some() { ExchangeState::Answered } else { ExchangeState::Intent };
        let Sent { node_id, process_id, begun_at, at, seen_at, concluded_at, retry_after, replays } = &row.sent;
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
            &row.sealed
        )?;
        Ok(inserted == 1)
    }

    /// Puts who sends it now in the place of who sent it; `false` when it is not as `from` says any more.
    pub(crate) async fn resend_exchange(
        &mut self,
        key: ExchangeKey,
        from: &Sent,
        to: &Sent,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_exchange SET node_id = $5, process_id = $6, sent_at = $7, \
                           begun_at = $8, seen_at = $9, concluded_at = $10, retry_after = $11, \
                           replays = $12 \
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
            to.replays
        )?;
        Ok(changed == 1)
    }

    /// Notes that nobody sends it any more, from now on, since when as the database's clock has it, and when this boot saw
    /// that; `None` when it is not as `sent` says any more.
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

    /// Notes a sign of life of the process that sent it, as of now by the database's clock, while it is as `sent` says.
    pub(crate) async fn renew_exchange_sign(&mut self, key: ExchangeKey, sent: &Sent) -> Result<(), StoreError> {
        let sql = clocked!(
            self,
            "UPDATE connection_exchange SET seen_at = ",
            " WHERE key = $1 AND state = 'intent' AND process_id = $2 AND sent_at = $3 AND replays = $4 \
             AND concluded_at IS NULL"
        );
        execute!(self, sql, &key.as_bytes()[..], &sent.process_id, sent.at, sent.replays).map(drop)
    }

    /// Takes an answer away that nobody could read, of at least the attempt of that number: what was sent is unclear from
    /// now on. `None` when there is no such answer.
    pub(crate) async fn reopen_exchange(
        &mut self,
        key: ExchangeKey,
        least: i64,
        seen: &BootTime,
    ) -> Result<Option<Reopened>, StoreError> {
        let sql = clocked!(
            self,
            "UPDATE connection_exchange SET state = 'intent', sealed = NULL, retry_after = 0, concluded_at = ",
            " WHERE key = $1 AND state = 'answered' AND replays >= $2 \
             RETURNING replays, concluded_at - begun_at AS unclear_for"
        );
        let reopened = optional!(self, Reopened, sql, &key.as_bytes()[..], least)?;
        if let Some(Reopened { replays, .. }) = reopened {
            self.note_first_look(key, replays, seen).await?;
        }
        Ok(reopened)
    }

    /// In place of all looks before.
    pub(super) async fn note_first_look(
        &mut self,
        key: ExchangeKey,
        attempt: i64,
        seen: &BootTime,
    ) -> Result<(), StoreError> {
        execute!(self, "DELETE FROM connection_exchange_look WHERE key = $1", &key.as_bytes()[..])?;
        self.note_look(key, attempt, seen).await
    }

    /// Notes when this boot first saw that an attempt is over, in place of what it noted of that before.
    pub(crate) async fn note_look(
        &mut self,
        key: ExchangeKey,
        attempt: i64,
        seen: &BootTime,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_exchange_look (key, attempt, boot_id, boot_seconds) \
                           SELECT key, replays, CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM connection_exchange \
                           WHERE key = $1 AND replays = $2 AND state = 'intent' \
                           ON CONFLICT (key, attempt, boot_id) DO UPDATE SET boot_seconds = excluded.boot_seconds";
        execute!(self, SQL, &key.as_bytes()[..], attempt, &seen.boot_id, seen.seconds).map(drop)
    }

    /// Records the answer. The first one counts: `false` when there is one, or nothing is noted any more.
    pub(crate) async fn answer_exchange(&mut self, key: ExchangeKey, answer: &Sealed) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_exchange SET state = 'answered', sealed = $2 \
                           WHERE key = $1 AND state = 'intent'";
        Ok(execute!(self, SQL, &key.as_bytes()[..], answer)? == 1)
    }

    /// Takes back the note of what was not sent, if it is still that one.
    pub(crate) async fn delete_intent(&mut self, key: ExchangeKey, sent: &Sent) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_exchange WHERE key = $1 AND state = 'intent' AND process_id = $2 \
                           AND sent_at = $3 AND replays = $4";
        Ok(execute!(self, SQL, &key.as_bytes()[..], &sent.process_id, sent.at, sent.replays)? == 1)
    }

    /// Records the answer to what nothing is noted of.
    pub(crate) async fn insert_answer(
        &mut self,
        key: ExchangeKey,
        scope: Scope,
        answer: &Sealed,
    ) -> Result<bool, StoreError> {
        let sent = Sent::first(None, String::new(), 0);
        self.insert_exchange(&ExchangeRow { key, scope, sent, sealed: Some(answer.clone()) }).await
    }

    /// Deletes answers, with what was made of them; what has none stays. Whether one of them is to what was sent twice.
    pub(crate) async fn settle_exchanges(&mut self, keys: &[ExchangeKey]) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_exchange WHERE key = $1 AND state = 'answered' RETURNING replays";
        let mut is_replayed = false;
        for key in keys {
            let settled = optional!(self, (i64,), SQL, &key.as_bytes()[..])?;
            is_replayed |= settled.is_some_and(|(replays,)| replays > 0);
        }
        Ok(is_replayed)
    }

    /// All of a connection.
    pub(crate) async fn delete_connection_exchanges(&mut self, connection: ConnectionId) -> Result<(), StoreError> {
        execute!(self, "DELETE FROM connection_exchange WHERE connection_id = $1", connection.as_uuid()).map(drop)
    }
}
