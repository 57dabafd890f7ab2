//! The open connections of the store that nobody uses.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_egress::OPERATIONS;
use sqlx::PgConnection;
use tokio::time::Instant;

use super::super::address::called;

/// The minimum time between two closings of the connections that are not in use, because of errors of the node.
const BETWEEN_CLOSINGS: Duration = Duration::from_secs(1);
/// The idle time after which a connection is closed when another one is returned.
const MAX_IDLE: Duration = Duration::from_secs(10 * 60);

/// The open connections that are not in use.
pub(super) struct Idle {
    /// The connection that was returned last is at the end.
    connections: Mutex<Vec<IdleConnection>>,
    /// The time at which an error of the node last closed them.
    closed_at: Mutex<Option<Instant>>,
    /// The name of the database for people.
    place: Arc<str>,
}

pub(super) struct IdleConnection {
    pub(super) connection: PgConnection,
    pub(super) opened_at: Instant,
    pub(super) returned_at: Instant,
}

impl Idle {
    /// Creates the list, of which the first connection may be open already.
    pub(super) fn new(open: Option<PgConnection>, place: Arc<str>) -> Self {
        let now = Instant::now();
        let open = open.map(|connection| IdleConnection { connection, opened_at: now, returned_at: now });
        Self { connections: Mutex::new(open.into_iter().collect()), closed_at: Mutex::default(), place }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<IdleConnection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the connection that was returned last.
    pub(super) fn pop(&self) -> Option<IdleConnection> {
        self.lock().pop()
    }

    pub(super) fn take_all(&self) -> Vec<IdleConnection> {
        std::mem::take(&mut *self.lock())
    }

    /// Closes the connections after an error of the node, and logs it, unless that was done a moment ago.
    pub(super) fn close_all(&self, error: &sqlx::Error) {
        let now = Instant::now();
        {
            let mut closed_at = self.closed_at.lock().unwrap_or_else(PoisonError::into_inner);
            if closed_at.is_some_and(|before| now.duration_since(before) < BETWEEN_CLOSINGS) {
                return;
            }
            *closed_at = Some(now);
        }
        let count = self.take_all().len();
        let place = called(&self.place);
        tracing::warn!(
            target: OPERATIONS,
            "a connection to {place} cannot be used any longer, so it and {count} unused ones are closed: {error}"
        );
    }

    /// Adds a connection. Returns the one that was unused for longest, if it is no longer needed.
    pub(super) fn add(&self, connection: PgConnection, opened_at: Instant) -> Option<PgConnection> {
        let now = Instant::now();
        let mut idle = self.lock();
        idle.push(IdleConnection { connection, opened_at, returned_at: now });
        let oldest = idle.first().is_some_and(|oldest| now.duration_since(oldest.returned_at) > MAX_IDLE);
        oldest.then(|| idle.remove(0).connection)
    }
}
