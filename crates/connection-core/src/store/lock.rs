//! Locks on the rows that one job reads and then changes.
//!
//! SQLite has a single writer, so its jobs never overlap. On PostgreSQL, jobs run concurrently: a job that decides on
//! what it reads takes the lock first. The lock is released when the transaction ends, so it also works through a
//! pooler. A job that needs several locks takes them in the order of the variants, so that no two jobs wait for each
//! other.

use connection_contract::encode;

#[cfg(feature = "sqlite")]
use super::engine::Engine;
use super::{StoreError, Tx, engine::execute};
use crate::ids::{ConnectionId, SessionId};

/// The rows that a lock protects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock<'a> {
    /// Which programs may write. Each transaction that is checked shares it.
    Part,
    /// The connections that wait for an answer of this origin.
    Origin(&'a str),
    /// A setup session: its state, journal and inputs.
    Setup(SessionId),
    /// The properties that are unique among an owner's connections: labels, accounts, defaults.
    Owner(&'a str),
    /// The connections that share a grant at their provider, by the MAC of its account.
    ProviderGrant(&'a [u8]),
    /// One connection: its row, credentials, liveness and events.
    Connection(ConnectionId),
}

impl Tx {
    /// Takes a lock that other jobs share, as [`lock`](Self::lock) does. They wait behind this job, which therefore gives up
    /// before they notice.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] if a job holds the lock for longer, and the errors of the store.
    pub(crate) async fn lock_alone(&mut self, what: Lock<'_>) -> Result<(), StoreError> {
        const SQL: &str = "SELECT set_config('lock_timeout', '400ms', TRUE)";
        #[cfg(feature = "sqlite")]
        if matches!(self.engine(), Engine::Sqlite(_)) {
            return Ok(());
        }
        execute!(self, SQL)?;
        self.lock(what).await
    }

    /// Waits for the lock, and holds it until the end of the job.
    pub(crate) async fn lock(&mut self, what: Lock<'_>) -> Result<(), StoreError> {
        // The server hashes the name to a number. If two names have the same number, one job only waits without
        // need.
        const SQL: &str = "SELECT pg_advisory_xact_lock(hashtextextended('connections/' || CAST($1 AS TEXT), 0))";
        #[cfg(feature = "sqlite")]
        if matches!(self.engine(), Engine::Sqlite(_)) {
            return Ok(());
        }
        let name = match what {
            Lock::Part => "part/core".to_owned(),
            Lock::Origin(origin) => format!("origin/{origin}"),
            Lock::Setup(id) => format!("setup/{id}"),
            Lock::Owner(owner) => format!("owner/{owner}"),
            Lock::ProviderGrant(account) => format!("grant/{}", encode::hex(account)),
            Lock::Connection(id) => format!("connection/{id}"),
        };
        execute!(self, SQL, &name).map(drop)
    }
}
