//! PostgreSQL: each job is a separate transaction on a separate task, so that a caller who leaves cannot leave one
//! open.
//!
//! Nothing outlives a transaction on the server: locks end with it, and no statement is prepared on a connection
//! through a pooler. Any number of nodes may therefore share a database, directly or through a pooler in transaction
//! mode.

mod connections;
mod job;
mod lender;
mod listen;
mod open;

use std::{sync::Arc, time::Duration};

use sqlx::migrate::Migrator;
use tokio::sync::RwLock;

use super::{
    StoreError,
    engine::Reader,
    job::{Durability, Job},
    migrate,
    signals::{ObservedVersion, Signals},
};

use crate::Clock;
use connections::Connections;
use listen::NotificationListener;

pub(super) use connections::LentConnection;
pub(super) use lender::Lender;
pub(super) use open::{migrate_at, open, open_host_pool, read_only};

/// A database on a server.
pub(super) struct Postgres {
    connections: Connections,
    place: Arc<str>,
    /// `true` if a pooler is between this program and the server.
    pooled: bool,
    /// `true` while jobs are accepted. Each job holds a read lock until it ends, so a writer of this value waits
    /// for all jobs.
    open: Arc<RwLock<bool>>,
    ear: NotificationListener,
}

impl Postgres {
    pub(super) fn enqueue(&self, job: Box<dyn Job>) {
        // The lock is taken here and not on the task, so that a job that was queued before the store is closed also
        // runs before that.
        let may_run = self.open.clone().try_read_owned();
        let open = self.open.clone();
        let connections = self.connections.clone();
        let place = self.place.clone();
        let pooled = self.pooled;
        self.connections.runtime().spawn(async move {
            let may_run = match may_run {
                Ok(may_run) => may_run,
                // The store is about to be closed, or was closed.
                Err(_) => open.read_owned().await,
            };
            if *may_run {
                job::run(&connections, place, pooled, job).await;
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
        let lender = Lender::new(self.connections.clone(), self.pooled);
        Reader::from_lender(lender, self.place.clone()).await
    }

    /// Connects once, beside the others, and disconnects.
    ///
    /// # Errors
    ///
    /// The reason why the server cannot be reached.
    pub(super) async fn reached(&self) -> Result<(), StoreError> {
        open::reached(&self.connections.options(), &self.place).await
    }

    pub(super) fn listen(&self, signals: &Arc<Signals>) {
        self.ear.listen(self.connections.runtime(), signals);
    }

    /// Returns `None`. A server sends notifications and has no version to compare.
    pub(super) async fn version(&self, _: &dyn Clock, _: Duration) -> Option<ObservedVersion> {
        None
    }

    /// Returns `true` if the store was closed or is about to be.
    pub(super) fn is_closed(&self) -> bool {
        !self.open.try_read().is_ok_and(|open| *open)
    }

    pub(super) async fn close(&self) {
        self.ear.close().await;
        *self.open.write().await = false;
        self.connections.close().await;
    }
}

/// Returns the statements that begin a transaction. They override the settings of server, database and role, so that a
/// synced job waits for the disk and no job waits for a lock for ever. They apply only to the transaction, because a
/// pooler gives the connection to other clients afterwards.
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
    migrate::configured(migrate::embedded!("postgres": "0001_store",))
}
