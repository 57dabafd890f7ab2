//! SQLite: a single writer that commits queued jobs together, and several readers.

mod changed;
mod copy;
mod host_pool;
#[cfg(feature = "postgres")]
mod move_source;
mod open_files;
mod own_pool;
mod read_only;
mod readers;
mod replaced;
mod swap;
mod together;
mod version;
mod waiting;
mod writer;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, SqliteConnection, migrate::Migrator};
use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, mpsc},
    task::JoinHandle,
};

use super::{
    StoreError,
    engine::Reader,
    job::Job,
    migrate,
    part::{OLDEST, Program},
    signals::ObservedVersion,
};
use open_files::OpenFiles;
use readers::Readers;
use version::Versions;
use writer::Writer;

use crate::Clock;

pub(super) use changed::changed;
pub(super) use copy::{Checked, Use, check, copy, forget_move};
pub(super) use host_pool::open as open_lent;
#[cfg(feature = "postgres")]
pub(super) use move_source::Lines;
#[cfg(feature = "postgres")]
pub(crate) use move_source::MoveSource;
pub(super) use own_pool::{blocking, lock, open, sibling_path};
pub(super) use read_only::{read_only, read_only_of};
pub(super) use readers::LentReader;
pub(super) use replaced::Replaced;
pub(super) use swap::{Prepared, clear, draft};
pub(super) use together::Together;
#[cfg(test)]
#[cfg(feature = "workspace-tests")]
pub(super) use waiting::Before;
pub(super) use writer::Limits;

/// An open SQLite database, with its readers and the queue of its writer.
pub(super) struct Sqlite {
    readers: Readers,
    files: Arc<OpenFiles>,
    place: Arc<str>,
    /// `true` after the store was closed. It is read without a lock at each use of a connection.
    closed: AtomicBool,
    /// `None` after the store was closed.
    queue: Mutex<Option<mpsc::UnboundedSender<Box<dyn Job>>>>,
    writer: AsyncMutex<Option<JoinHandle<()>>>,
    versions: Versions,
}

impl Sqlite {
    /// Starts the writer on the runtime of the caller.
    fn start(writer: Writer, readers: Readers, place: Arc<str>) -> Self {
        let (sender, queue) = mpsc::unbounded_channel();
        let files = writer.files.clone();
        let task = Handle::current().spawn(writer.run(queue));
        let queue = Mutex::new(Some(sender));
        let writer = AsyncMutex::new(Some(task));
        let versions = Versions::new(readers.options(), files.clone());
        Self { readers, files, place, closed: AtomicBool::new(false), queue, writer, versions }
    }

    pub(super) fn enqueue(&self, job: Box<dyn Job>) {
        if let Some(queue) = self.queue().as_ref() {
            // If the writer is gone, the job is dropped, and with it the sender of the answer.
            drop(queue.send(job));
        }
    }

    pub(super) fn place(&self) -> Arc<str> {
        self.place.clone()
    }

    pub(super) async fn reader(&self) -> Result<Reader, StoreError> {
        // A pool of the host may still be open after the store was closed.
        if self.is_closed() {
            return Err(StoreError::Closed);
        }
        let connection = self.readers.lend(&self.files).await?;
        Ok(Reader::new(connection, self.place.clone()))
    }

    /// Compares the files of the database with those at their paths.
    ///
    /// # Errors
    ///
    /// [`StoreError::Displaced`].
    pub(super) fn check_files(&self) -> Result<(), StoreError> {
        // The end of the last connection deletes the log.
        if self.is_closed() { Ok(()) } else { self.files.check() }
    }

    /// Returns an error if a comparison has found other files.
    ///
    /// # Errors
    ///
    /// [`StoreError::Displaced`].
    pub(super) fn refuse_displaced(&self) -> Result<(), StoreError> {
        self.files.refuse_displaced()
    }

    pub(super) async fn version(&self, clock: &dyn Clock, age: Duration) -> Option<ObservedVersion> {
        self.versions.version(clock, age).await
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        drop(self.queue().take());
        self.versions.close().await;
        // The lock is held while waiting, so that a second caller waits, too.
        let mut writer = self.writer.lock().await;
        if let Some(task) = writer.as_mut() {
            // The handle is removed only afterwards, so that the next caller still waits if this future is dropped. An
            // error means that the writer panicked, and there is nothing to wait for.
            task.await.unwrap_or_default();
            *writer = None;
        }
        self.readers.close().await;
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Option<mpsc::UnboundedSender<Box<dyn Job>>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns `true` if the file has a write-ahead log and exactly the tables of this program. If it cannot be read,
/// [`bring_up`] finds the reason.
///
/// # Errors
///
/// [`StoreError::Unreleased`] for a file of an unreleased build, and [`StoreError::ProgramTooOld`]. Nothing is written to
/// the file before.
async fn is_current(connection: &mut SqliteConnection, program: &Program, place: &str) -> Result<bool, StoreError> {
    let Ok((journal,)) = sqlx::query_as::<_, (String,)>("PRAGMA journal_mode").fetch_one(&mut *connection).await else {
        return Ok(false);
    };
    let applied = sqlx::query_as::<_, (i64, Vec<u8>, String)>(migrate::APPLIED).fetch_all(&mut *connection).await;
    let applied: Vec<_> = applied.unwrap_or_default().into_iter().map(Into::into).collect();
    let migrator = migrator(program);
    migrate::refuse_unreleased(&applied, &migrator, place)?;
    if !migrate::are_all(&applied, &migrator) {
        return Ok(false);
    }
    refuse_too_old(connection, program, place).await?;
    Ok(journal == "wal")
}

/// Refuses a database that only newer programs may write.
async fn refuse_too_old(connection: &mut SqliteConnection, program: &Program, place: &str) -> Result<(), StoreError> {
    let oldest = sqlx::query_as::<_, (i64,)>(OLDEST).fetch_optional(connection).await;
    let oldest = oldest.map_err(|error| StoreError::of(&error, place))?;
    migrate::refuse_too_old(oldest, program, place)
}

/// Migrates the tables in one transaction, so that a crash or a table of another program leaves all or nothing. The
/// caller holds the lock file: without it, of two concurrent starts one could have read the tables before they
/// existed.
async fn bring_up(connection: &mut SqliteConnection, program: &Program, place: &str) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| StoreError::of(&error, place);
    // A file that cannot be written can still be opened for reading; this statement detects it.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    migrate::run(&migrator(program), &mut *transaction, place).await?;
    refuse_too_old(&mut transaction, program, place).await?;
    transaction.commit().await.map_err(failed)
}

pub(super) fn migrator(program: &Program) -> Migrator {
    migrate::configured(
        &migrate::embedded!(
            "sqlite": "0001_store", "0002_provider_words", "0003_presence", "0004_moves", "0005_part", "0006_signs",
            "0007_refused_by", "0008_waiting", "0009_outbox_order", "0010_presence_program",
        ),
        program.more,
    )
}
