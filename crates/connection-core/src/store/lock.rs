//! What one job at a time may look at and then change.
//!
//! SQLite has one writer, so a job is alone anyway. On PostgreSQL jobs run side by side: a job that decides by what it
//! reads takes the lock of what it reads first; it is free again when its transaction ends, so a pooler in between does no
//! harm. Who needs several takes them in the order of the variants, so that no two wait for each other.

use super::{
    StoreError, Tx,
    engine::{Engine, execute},
};
use crate::ids::{ConnectionId, SessionId};

/// What is decided about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock<'a> {
    /// A setup session: its state, journal and inputs.
    Setup(SessionId),
    /// What must be unique among an owner's connections: labels, accounts, defaults.
    Owner(&'a str),
    /// One connection: its row, credentials, liveness and events.
    Connection(ConnectionId),
}

impl Tx {
    /// Waits until no other job holds it, and holds it to the end of this one.
    pub(crate) async fn lock(&mut self, what: Lock<'_>) -> Result<(), StoreError> {
        // The server makes a number of the name. Two names with one number wait for each other without need, and that
        // is all.
        const SQL: &str = "SELECT pg_advisory_xact_lock(hashtextextended('connections/' || CAST($1 AS TEXT), 0))";
        if matches!(self.engine(), Engine::Sqlite(_)) {
            return Ok(());
        }
        let name = match what {
            Lock::Setup(id) => format!("setup/{id}"),
            Lock::Owner(owner) => format!("owner/{owner}"),
            Lock::Connection(id) => format!("connection/{id}"),
        };
        execute!(self, SQL, name).map(drop)
    }
}
