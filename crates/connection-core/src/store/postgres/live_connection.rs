//! Live connections for new transactions and for reads.
//!
//! A connection may have died since it was last used, and after a restart of the server all of them have. Before
//! anything was changed on it, this costs only another attempt.

use sqlx::{PgPool, Postgres, Transaction};
use tokio::runtime::Handle;

use super::super::engine::{Connection, is_dead};

/// The maximum number of dead connections that are replaced in a row: more than a pool has.
const MAX_STALE_CONNECTIONS: u32 = 16;

/// Begins a transaction. No statement was sent yet, so a dead connection can be replaced.
pub(super) async fn begin(
    pool: &PgPool,
    statement: &'static str,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tries = 0;
    loop {
        match pool.begin_with(statement).await {
            Err(error) if is_dead(&error) && tries < MAX_STALE_CONNECTIONS => tries += 1,
            begun => return begun,
        }
    }
}

/// Provides connections to one reader.
pub(in super::super) struct Lender {
    pool: PgPool,
    pooled: bool,
    /// The runtime on which connections live.
    runtime: Handle,
    /// The remaining number of connections to provide.
    left: u32,
}

impl Lender {
    pub(super) fn new(pool: PgPool, pooled: bool, runtime: Handle) -> Self {
        Self { pool, pooled, runtime, left: MAX_STALE_CONNECTIONS }
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
                result => return result,
            }
        }
        Err(sqlx::Error::PoolTimedOut)
    }

    async fn one(&self) -> Result<Connection, sqlx::Error> {
        let pool = self.pool.clone();
        let pooled = self.pooled;
        // Runs on a separate task: if the beginning of a transaction were dropped half-way, the next user of the
        // connection would find an open transaction.
        let connected = self.runtime.spawn(async move {
            if pooled {
                pool.begin_with("BEGIN READ ONLY").await.map(Connection::PostgresTransaction)
            } else {
                pool.acquire().await.map(Connection::Postgres)
            }
        });
        connected.await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }
}
