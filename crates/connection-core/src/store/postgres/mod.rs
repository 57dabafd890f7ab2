//! PostgreSQL: each job is a separate transaction on a separate task, so that a caller who leaves cannot leave one
//! open.
//!
//! Nothing outlives a transaction on the server: locks end with it, and no statement is prepared on a connection
//! through a pooler. Any number of nodes may therefore share a database, directly or through a pooler in transaction
//! mode.

mod connections;
mod idle;
mod job;
mod lender;
mod listen;
#[cfg(feature = "sqlite")]
mod move_target;
mod open;
mod permits;
mod requirements;

use std::{sync::Arc, time::Duration};

use sqlx::migrate::Migrator;
use tokio::sync::RwLock;

use super::{
    StoreError,
    engine::Reader,
    job::{Durability, Job},
    migrate,
    part::{Admission, Program},
    signals::{ObservedVersion, Signals},
};

use crate::Clock;
use connections::Connections;
use listen::NotificationListener;

pub(super) use connections::{LentConnection, answered};
pub(super) use lender::Lender;
#[cfg(feature = "sqlite")]
pub(crate) use move_target::{Arrival, MoveTarget, TargetState};
pub(super) use open::{migrate_at, open, open_host_pool, read_only};
pub(super) use requirements::lacking;

/// A database on a server.
pub(super) struct Postgres {
    connections: Connections,
    place: Arc<str>,
    program: &'static Program,
    /// `true` if a pooler is between this program and the server.
    pooled: bool,
    /// `true` if the server tells its timeline.
    has_timeline: bool,
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
        let (program, pooled) = (self.program, self.pooled);
        self.connections.runtime().spawn(async move {
            let may_run = match may_run {
                Ok(may_run) => may_run,
                // The store is about to be closed, or was closed.
                Err(_) => open.read_owned().await,
            };
            if *may_run {
                job::run(&connections, program, place, pooled, job).await;
            } else {
                job.answer(Err(StoreError::Closed));
            }
        });
    }

    pub(super) fn notices_promotions(&self) -> bool {
        self.has_timeline
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

    /// Returns `true` if a connection is held a minute after the deadline of what it waits for.
    pub(super) fn is_stuck(&self) -> bool {
        self.connections.is_stuck()
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

/// Limits the time of a statement, and of a transaction whose client says nothing, on the server, so that the locks of
/// a client that has vanished are released.
macro_rules! limits {
    () => {
        "; SET LOCAL statement_timeout TO '12s'; SET LOCAL idle_in_transaction_session_timeout TO '15s'"
    };
}

/// Begins a transaction that waits for the disk as `$synchronous` says.
macro_rules! begin {
    ($synchronous:literal) => {
        concat!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout TO '10s'",
            crate::store::postgres::limits!(),
            "; SET LOCAL synchronous_commit TO ",
            $synchronous
        )
    };
}

pub(super) use begin;
pub(super) use limits;

/// Begins a transaction that only reads.
const BEGIN_READ_ONLY: &str = concat!("BEGIN READ ONLY", limits!());

/// Returns the statements that begin a transaction. They override the settings of server, database and role, so that a
/// synced job waits for the disk and no job waits for a lock for ever. They apply only to the transaction, because a
/// pooler gives the connection to other clients afterwards.
fn beginning(program: &Program, admission: Admission, durability: Durability) -> &'static str {
    match (admission, durability) {
        (Admission::Checked, Durability::Synced) => program.begin_synced,
        (Admission::Checked, Durability::Relaxed) => program.begin_relaxed,
        (Admission::Always, Durability::Synced) => begin!("on"),
        (Admission::Always, Durability::Relaxed) => begin!("off"),
    }
}

pub(super) fn migrator(program: &Program) -> Migrator {
    migrate::configured(
        &migrate::embedded!(
            "postgres": "0001_store", "0002_provider_words", "0003_presence", "0004_moves", "0005_part", "0006_signs",
            "0007_refused_by", "0008_waiting", "0009_outbox_order", "0010_presence_program",
        ),
        program.more,
    )
}
