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

/// Limits the waits of a transaction for locks on which other programs wait behind it. It gives up before they notice,
/// and before the server looks for a deadlock, which it does after a second.
pub(super) const SHORT_WAIT: &str = "SELECT set_config('lock_timeout', '400ms', TRUE)";

/// The maximum number of short waits in a row. Together, they (24 seconds) are longer than the server keeps the
/// transaction of a process that was stopped (15 seconds).
const MAX_SHORT_WAITS: u32 = 60;

/// Counts the short waits of work that begins again after each of them.
#[derive(Debug, Default)]
pub(crate) struct ShortWaits {
    ended: u32,
}

impl ShortWaits {
    /// Returns `true` if the work that ended with this error waited in vain and may begin again.
    pub(crate) fn may_repeat(&mut self, error: &StoreError) -> bool {
        self.ended += 1;
        matches!(error, StoreError::Busy { .. }) && self.ended < MAX_SHORT_WAITS
    }
}

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
        #[cfg(feature = "sqlite")]
        if matches!(self.engine(), Engine::Sqlite(_)) {
            return Ok(());
        }
        execute!(self, SHORT_WAIT)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_waits_have_an_end_and_other_errors_are_not_repeated() {
        let busy = StoreError::Busy { place: "postgres://db:5432/app".to_owned() };
        let mut waits = ShortWaits::default();
        let repeated = (0..100).take_while(|_| waits.may_repeat(&busy)).count();
        assert_eq!(repeated, 59);
        assert!(!ShortWaits::default().may_repeat(&StoreError::Closed));
    }
}
