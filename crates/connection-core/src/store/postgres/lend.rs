//! Connections that live, for transactions that begin and for reads.
//!
//! A connection may have died since it was last used, and so may the next: after a restart of the server, all. As long as
//! nothing was changed by it, that costs another try and no more.

use sqlx::{PgPool, Postgres, Transaction};
use tokio::runtime::Handle;

use super::super::engine::{Connection, is_dead};

/// More than a pool has.
const MOST: u32 = 16;

/// Begins a transaction. Nothing was asked yet, so that it may begin anew.
pub(super) async fn begin(
    pool: &PgPool,
    statement: &'static str,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tries = 0;
    loop {
        match pool.begin_with(statement).await {
            Err(error) if is_dead(&error) && tries < MOST => tries += 1,
            begun => return begun,
        }
    }
}

/// Lends one reader its connections.
pub(in super::super) struct Lender {
    pool: PgPool,
    pooled: bool,
    /// Where connections live.
    runtime: Handle,
    /// How many more it lends.
    left: u32,
}

impl Lender {
    pub(super) fn new(pool: PgPool, pooled: bool, runtime: Handle) -> Self {
        Self { pool, pooled, runtime, left: MOST }
    }

    /// Whether a pooler is between us and the server.
    pub(in super::super) fn is_pooled(&self) -> bool {
        self.pooled
    }

    pub(in super::super) async fn lend(&mut self) -> Result<Connection, sqlx::Error> {
        while self.left > 0 {
            self.left -= 1;
            match self.one().await {
                Err(error) if is_dead(&error) && self.left > 0 => {}
                lent => return lent,
            }
        }
        Err(sqlx::Error::PoolTimedOut)
    }

    async fn one(&self) -> Result<Connection, sqlx::Error> {
        let (pool, pooled) = (self.pool.clone(), self.pooled);
        // On a task of its own: a transaction whose beginning is dropped half-way would be found open by the next.
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
