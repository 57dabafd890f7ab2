//! Provides connections to a reader, also in place of one that has died.
//!
//! A connection may have died since it was last used, and after a restart of the server all of them have. A statement
//! that only reads runs once more, on a new one, and so does the beginning of a transaction that only reads.

use super::{
    super::engine::{Connection, is_of_node},
    BEGIN_READ_ONLY,
    connections::{Connections, LentConnection, Wanted},
};

/// Provides connections to one reader.
pub(in super::super) struct Lender {
    connections: Connections,
    pooled: bool,
    /// The number of connections that were replaced.
    replaced: u32,
}

impl Lender {
    pub(super) fn new(connections: Connections, pooled: bool) -> Self {
        Self { connections, pooled, replaced: 0 }
    }

    /// Returns `true` if a pooler is between this program and the server.
    pub(in super::super) fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// Lends the first connection.
    pub(in super::super) async fn lend(&mut self) -> Result<Connection, sqlx::Error> {
        match self.one(Wanted::Any).await {
            Err(error) if is_of_node(&error) => self.replace(&error).await,
            lent => lent.map(Connection::Postgres),
        }
    }

    /// Lends another connection in place of one that had this error.
    pub(in super::super) async fn replace(&mut self, error: &sqlx::Error) -> Result<Connection, sqlx::Error> {
        let max_replaced = self.connections.max_replaced(error);
        while self.replaced < max_replaced {
            self.replaced += 1;
            match self.one(Wanted::New).await {
                Err(error) if is_of_node(&error) && self.replaced < max_replaced => {}
                lent => return lent.map(Connection::Postgres),
            }
        }
        Err(sqlx::Error::PoolTimedOut)
    }

    async fn one(&self, wanted: Wanted) -> Result<LentConnection, sqlx::Error> {
        let connections = self.connections.clone();
        let pooled = self.pooled;
        // Connections live on the runtime of the store, which may not be the caller's.
        let connected = self.connections.runtime().spawn(async move {
            let mut connection = connections.lend(wanted).await?;
            if pooled {
                connection.begin(BEGIN_READ_ONLY).await?;
            }
            Ok::<_, sqlx::Error>(connection)
        });
        connected.await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }
}
