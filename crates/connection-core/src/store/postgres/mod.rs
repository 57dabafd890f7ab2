//! PostgreSQL: each job is a transaction of its own, on a task of its own, so that no caller who leaves can leave one open.
//!
//! Nothing here outlives a transaction on the server: locks end with it, and behind a pooler no statement is kept there.
//! So any number of nodes may share a database, directly or through a pooler in transaction mode.

mod job;
mod lend;
mod listen;
mod open;

use std::sync::Arc;

use sqlx::{PgPool, migrate::Migrator};
use tokio::{runtime::Handle, sync::RwLock};

use super::{
    StoreError,
    changes::Signals,
    engine::Reader,
    job::{Durability, Job},
    migrate,
};

use listen::Ear;

pub(super) use lend::Lender;
pub(super) use open::{migrate_at, open, open_lent};

/// A database on a server.
pub(super) struct Postgres {
    pool: PgPool,
    place: Arc<str>,
    /// Whether the pool is the host's, which closes it.
    lent: bool,
    /// Whether a pooler is between us and the server.
    pooled: bool,
    /// Whether it takes jobs. Each job reads it to its end, so that whoever writes it waits for them all.
    open: Arc<RwLock<bool>>,
    /// Where jobs run and connections live: longer than the host's runtime.
    runtime: Handle,
    ear: Ear,
}

impl Postgres {
    pub(super) fn enqueue(&self, job: Box<dyn Job>) {
        // Taken now and not on the task: a job that was queued before the end is done before the end.
        let may_run = self.open.clone().try_read_owned();
        let (open, pool, place, pooled) = (self.open.clone(), self.pool.clone(), self.place.clone(), self.pooled);
        self.runtime.spawn(async move {
            let may_run = match may_run {
                Ok(may_run) => may_run,
                // Somebody is about to close it, or did.
                Err(_) => open.read_owned().await,
            };
            if *may_run {
                job::run(&pool, place, pooled, job).await;
            } else {
                job.answer(Err(StoreError::Closed));
            }
        });
    }

    pub(super) fn place(&self) -> Arc<str> {
        self.place.clone()
    }

    pub(super) async fn reader(&self) -> Result<Reader, StoreError> {
        if self.is_closed() {
            return Err(StoreError::Closed);
        }
        let lender = Lender::new(self.pool.clone(), self.pooled, self.runtime.clone());
        Reader::lent(lender, self.place.clone()).await
    }

    /// Makes a connection beside the pool and ends it.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) async fn reached(&self) -> Result<(), StoreError> {
        open::reached(&self.pool.connect_options(), &self.place).await
    }

    pub(super) fn listen(&self, signals: &Arc<Signals>) {
        self.ear.listen(&self.runtime, signals);
    }

    /// Or about to be.
    pub(super) fn is_closed(&self) -> bool {
        !self.open.try_read().is_ok_and(|open| *open)
    }

    pub(super) async fn close(&self) {
        self.ear.close().await;
        *self.open.write().await = false;
        if !self.lent {
            self.pool.close().await;
        }
    }
}

/// How a transaction begins: whatever the settings of server, database and role say, so that what must be on the disk is,
/// and never waiting for another for ever. Local to the transaction, which a pooler hands on.
fn beginning(durability: Durability) -> &'static str {
    match durability {
        Durability::Synced => {
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout TO '10s'; \
             SET LOCAL synchronous_commit TO on"
        }
        Durability::Relaxed => {
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout TO '10s'; \
             SET LOCAL synchronous_commit TO off"
        }
    }
}

pub(super) fn migrator() -> Migrator {
    migrate::ours(sqlx::migrate!("migrations/postgres"))
}
