//! Provides connections to a reader, also in place of one that has died.
//!
//! A connection may have died since it was last used, and after a restart of the server all of them have. A statement
//! that only reads runs again on another one.

use super::{
    super::engine::{Connection, is_dead},
    connections::{Connections, LentConnection, MAX_STALE_CONNECTIONS},
};

/// Provides connections to one reader.
pub(in super::super) struct Lender {
    connections: Connections,
    pooled: bool,
    /// The remaining number of connections to provide.
    left: u32,
}

impl Lender {
    pub(super) fn new(connections: Connections, pooled: bool) -> Self {
        Self { connections, pooled, left: MAX_STALE_CONNECTIONS }
    }

    /// Returns `true` if a pooler is between this program and the server.
    pub(in super::super) fn is_pooled(&self) -> bool {
        self.pooled
    }

    pub(in super::super) async fn lend(&mut self) -> Result<Connection, sqlx::Error> {
        while self.left > 0 {
            self.left -= 1;
            match self.one().await {
                Err(error) if is_dead(&error) && self.left > 0 => {}
                result => return result.map(Connection::Postgres),
            }
        }
        Err(sqlx::Error::PoolTimedOut)
    }

    async fn one(&self) -> Result<LentConnection, sqlx::Error> {
        let connections = self.connections.clone();
        let pooled = self.pooled;
        // Connections live on the runtime of the store, which may not be the caller's.
        let connected = self.connections.runtime().spawn(async move {
            if pooled { connections.begin("BEGIN READ ONLY").await } else { connections.lend().await }
        });
        connected.await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }
}
