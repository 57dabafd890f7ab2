//! A request that spends something, such as a refresh token.

use uuid::Uuid;

use super::{row, stored_words};
use crate::{
    ids::{ConnectionId, SessionId},
    store::{ExchangeKey, ExchangeScope, Sealed},
};

stored_words! {
    /// The progress of a request that spends something.
    ExchangeState in "connection_exchange.state" {
        /// The request was sent, or is about to be.
        Intent = "intent",
        /// The answer of the provider is recorded.
        Answered = "answered",
    }
}

/// Time, in seconds, for which an answer is kept that a plugin could not read although it may hold a token.
pub(crate) const UNREADABLE_KEPT: i64 = 30 * 86_400;

/// A row of `connection_exchange`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExchangeRow {
    pub(crate) key: ExchangeKey,
    pub(crate) scope: ExchangeScope,
    pub(crate) sent: Sent,
    /// The answer, if it is recorded.
    pub(crate) sealed: Option<Sealed>,
}

/// The sender of an attempt and its times, by the database's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The node of the sender; `None` if its other processes could not prove that the sender has ended.
    pub(crate) node_id: Option<String>,
    pub(crate) process_id: String,
    /// The name of the sender's machine, if its system has one.
    pub(crate) machine: Option<String>,
    /// The time of the first attempt. This attempt is the first one or repeats it.
    pub(crate) begun_at: i64,
    pub(crate) at: i64,
    /// The last sign of life of the sending process while the exchange is open. Initially the same as `at`.
    pub(crate) seen_at: i64,
    /// The time since which it is known that no process sends the request any longer. Without an answer, the answer
    /// is lost. With an answer, the plugin could not read it, and it is kept since then.
    pub(crate) concluded_at: Option<i64>,
    /// The pause that the provider requested, in seconds.
    pub(crate) retry_after: i64,
    /// The number of attempts before this one.
    pub(crate) replays: i64,
}

impl Sent {
    /// Creates the first attempt, by this process on a machine without a name.
    pub(crate) const fn first(node_id: Option<String>, process_id: String, at: i64) -> Self {
        Self {
            node_id,
            process_id,
            machine: None,
            begun_at: at,
            at,
            seen_at: at,
            concluded_at: None,
            retry_after: 0,
            replays: 0,
        }
    }

    /// Returns `true` if the attempt had an answer that could not be read and is kept no longer at `now`. `sealed` is
    /// the answer, if the row still has it.
    pub(crate) fn is_answer_ended(&self, sealed: Option<&Sealed>, now: i64) -> bool {
        let is_old = |at: i64| at.saturating_add(UNREADABLE_KEPT) <= now;
        match sealed {
            Some(_) => self.concluded_at.is_some_and(is_old),
            // The end of the answer took the name of the process away.
            None => self.process_id.is_empty(),
        }
    }

    /// Returns `true` if both are the same attempt, whatever is known of its end.
    pub(crate) fn is_same_attempt(&self, other: &Self) -> bool {
        (&self.process_id, self.at, self.replays) == (&other.process_id, other.at, other.replays)
    }
}

/// A time since the boot of a machine, which cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootTime {
    pub(crate) boot_id: String,
    /// The seconds since the boot.
    pub(crate) seconds: i64,
}

row! {
    /// The row as the engines read it.
    pub(in super::super) struct Found {
        key: Vec<u8>,
        connection_id: Option<Uuid>,
        session_id: Option<Uuid>,
        node_id: Option<String>,
        process_id: String,
        begun_at: i64,
        sent_at: i64,
        seen_at: i64,
        concluded_at: Option<i64>,
        retry_after: i64,
        replays: i64,
        sealed: Option<Sealed>,
        machine: Option<String>,
    }
}

impl Found {
    /// Returns `None` for a row that this program cannot have written.
    pub(in super::super) fn row(self) -> Option<ExchangeRow> {
        let scope = match (self.connection_id, self.session_id) {
            (Some(id), None) => ExchangeScope::Connection(ConnectionId::from(id)),
            (None, Some(id)) => ExchangeScope::Session(SessionId::from(id)),
            _ => return None,
        };
        Some(ExchangeRow {
            key: ExchangeKey::from_bytes(self.key.try_into().ok()?),
            scope,
            sent: Sent {
                node_id: self.node_id,
                process_id: self.process_id,
                machine: self.machine,
                begun_at: self.begun_at,
                at: self.sent_at,
                seen_at: self.seen_at,
                concluded_at: self.concluded_at,
                retry_after: self.retry_after,
                replays: self.replays,
            },
            sealed: self.sealed,
        })
    }
}
