//! Queries of `connection_use`, the record of use.
//!
//! A page of uses walks the index of one column, in the order of time. Nothing here signals a change: a use wakes no
//! waiter and drops no cached row.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute, later, optional},
    rows::{UseEntryRow, UseRow},
};
use crate::ids::{AccessTokenId, ConnectionId};

/// The maximum number of entries whose texts one transaction erases.
pub(crate) const ERASED_AT_ONCE: i64 = 1000;

/// The index that a page walks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UsesBy {
    Owner,
    /// The text of the column.
    Grantee(String),
    Token(AccessTokenId),
    Connection(ConnectionId),
    Rule(String),
    /// The outcome of the end. Pages are in the order of ends.
    Outcome(String),
}

/// The part of an index that a page walks, newest first: from the position `before` on, and not before `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UsesRange {
    /// The time and the id of the use after the page.
    pub(crate) before: (i64, Uuid),
    pub(crate) from: i64,
    pub(crate) limit: i64,
}

macro_rules! uses {
    ($entry:literal, $of:literal) => {
        concat!(
            "SELECT b.use_id, b.commitment, b.mark, b.salt, b.entry, b.at, \
             e.use_id AS e_use_id, e.commitment AS e_commitment, e.mark AS e_mark, e.salt AS e_salt, \
             e.entry AS e_entry, e.at AS e_at FROM connection_use AS b ",
            $entry,
            " JOIN connection_use AS e ON e.use_id = b.use_id AND e.part = 'ended' WHERE b.part = 'began' AND ",
            $of
        )
    };
    ($of:literal) => {
        concat!(
            uses!("LEFT", $of),
            " AND (b.at, b.use_id) < ($1, $2) AND b.at >= $3 ORDER BY b.at DESC, b.use_id DESC LIMIT $4"
        )
    };
}

pub(super) const OF_OWNER: &str = uses!("b.owner = $5");
pub(super) const OF_GRANTEE: &str = uses!("b.owner = $5 AND b.grantee = $6");
pub(super) const OF_TOKEN: &str = uses!("b.owner || '' = $5 AND b.token_id = $6");
pub(super) const OF_CONNECTION: &str = uses!("b.owner || '' = $5 AND b.connection_id = $6");
pub(super) const OF_RULE: &str = uses!("b.owner = $5 AND b.rule = $6");
pub(super) const OF_OUTCOME: &str = concat!(
    uses!("", "e.owner = $5 AND e.outcome = $6 AND b.owner || '' = $5"),
    " AND (e.at, e.use_id) < ($1, $2) AND e.at >= $3 ORDER BY e.at DESC, e.use_id DESC LIMIT $4"
);

impl Reader {
    /// Returns uses of an owner, newest first.
    pub(crate) async fn uses(&mut self, owner: &str, by: &UsesBy, range: UsesRange) -> Result<Vec<UseRow>, StoreError> {
        let UsesRange { before: (at, id), from, limit } = range;
        match by {
            UsesBy::Owner => all!(self, UseRow, OF_OWNER, at, id, from, limit, owner),
            UsesBy::Grantee(grantee) => all!(self, UseRow, OF_GRANTEE, at, id, from, limit, owner, grantee),
            UsesBy::Token(token) => all!(self, UseRow, OF_TOKEN, at, id, from, limit, owner, token.as_uuid()),
            UsesBy::Connection(connection) => {
                all!(self, UseRow, OF_CONNECTION, at, id, from, limit, owner, connection.as_uuid())
            }
            UsesBy::Rule(rule) => all!(self, UseRow, OF_RULE, at, id, from, limit, owner, rule),
            UsesBy::Outcome(outcome) => all!(self, UseRow, OF_OUTCOME, at, id, from, limit, owner, outcome),
        }
    }

    /// Returns the use with this id.
    pub(crate) async fn use_of(&mut self, owner: &str, id: Uuid) -> Result<Vec<UseRow>, StoreError> {
        const SQL: &str = uses!("LEFT", "b.use_id = $2 AND b.owner || '' = $1");
        all!(self, UseRow, SQL, owner, id)
    }
}

impl Tx {
    /// Appends an entry.
    pub(crate) async fn append_use(&mut self, row: &UseEntryRow) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_use (use_id, part, commitment, mark, salt, entry, at, owner, \
                           grantee, token_id, connection_id, rule, outcome) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                           ON CONFLICT (use_id, part) DO NOTHING";
        later!(
            self,
            SQL,
            row.use_id,
            row.part,
            &row.commitment[..],
            &row.mark[..],
            &row.salt[..],
            &row.entry,
            row.at,
            &row.owner,
            &row.grantee,
            row.token.map(AccessTokenId::as_uuid),
            row.connection.map(ConnectionId::as_uuid),
            &row.rule,
            row.outcome
        )
    }

    /// Erases the texts of at most [`ERASED_AT_ONCE`] entries from before a time, of one owner or of all. Returns their
    /// number. The commitments stay.
    pub(crate) async fn erase_uses(&mut self, owner: Option<&str>, before: i64) -> Result<u64, StoreError> {
        /// Selects the first entry that is not erased, in the order of the index.
        macro_rules! end {
            ($which:literal) => {
                concat!(
                    "SELECT at, use_id FROM connection_use WHERE ",
                    $which,
                    "at < $1 ORDER BY at, use_id LIMIT 1 OFFSET $2"
                )
            };
        }
        macro_rules! erase {
            ($which:literal) => {
                concat!(
                    "UPDATE connection_use SET salt = NULL, entry = NULL, at = NULL, owner = NULL, grantee = NULL, \
                     token_id = NULL, connection_id = NULL, rule = NULL, outcome = NULL WHERE ",
                    $which,
                    "at IS NOT NULL AND at <= $1 AND (at, use_id) < ($1, $2)"
                )
            };
        }
        const END: &str = end!("");
        const END_OF_OWNER: &str = end!("owner = $3 AND ");
        const ERASE: &str = erase!("");
        const ERASE_OF_OWNER: &str = erase!("owner = $3 AND ");
        let end = match owner {
            None => optional!(self, (i64, Uuid), END, before, ERASED_AT_ONCE)?,
            Some(owner) => optional!(self, (i64, Uuid), END_OF_OWNER, before, ERASED_AT_ONCE, owner)?,
        };
        let (at, id) = end.unwrap_or((before, Uuid::nil()));
        match owner {
            None => execute!(self, ERASE, at, id),
            Some(owner) => execute!(self, ERASE_OF_OWNER, at, id, owner),
        }
    }
}
