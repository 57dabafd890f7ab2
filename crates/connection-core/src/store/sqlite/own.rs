//! Opens a SQLite file: private, with a write-ahead log, migrated under a lock.
//!
//! Racing first starts wait for each other: sqlx does not lock SQLite migrations, so a lock file next to the database is
//! held from before the file is made until its tables are there.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    super::StoreError,
    Limits, Sqlite, bring_up,
    writer::{Connections, Writer},
};
use crate::platform;

/// How long a writer waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

pub(in super::super) async fn open(path: PathBuf, limits: Limits) -> Result<Sqlite, StoreError> {
    let place: Arc<str> = path.display().to_string().into();
    let failed = |error: sqlx::Error| StoreError::of(&error, &place);
    let lock = prepare(path.clone(), place.to_string()).await?;
    let base = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let writing = base.clone().journal_mode(SqliteJournalMode::Wal);
    let mut synced = writing.clone().synchronous(SqliteSynchronous::Full).connect().await.map_err(failed)?;
    bring_up(&mut synced, &place).await?;
    drop(lock);
    // In a write-ahead log, NORMAL syncs at checkpoints alone: a commit may be lost, the file is never broken.
    let relaxed = writing.synchronous(SqliteSynchronous::Normal).connect().await.map_err(failed)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        // The ping costs more than the read.
        .test_before_acquire(false)
        .connect_with(base.pragma("query_only", "ON"))
        .await
        .map_err(failed)?;
    let connections = Connections::Own { synced: Some(synced), relaxed: Some(relaxed) };
    let writer = Writer { limits, connections, place: place.clone() };
    Ok(Sqlite::start(writer, readers, place, false))
}

/// Makes the directory and the file, and takes the lock, which is free again when the returned file is dropped.
async fn prepare(path: PathBuf, place: String) -> Result<std::fs::File, StoreError> {
    blocking(place, move || {
        if let Some(parent) = path.parent() {
            platform::create_private_dir(parent)?;
        }
        let lock = lock(&path)?;
        // The log and its index take the mode of the file, whatever the umask.
        drop(platform::open_private(&path)?);
        Ok(lock)
    })
    .await
}

/// Waits for the lock file of a database.
pub(super) fn lock(database: &Path) -> std::io::Result<std::fs::File> {
    let mut lock = database.as_os_str().to_owned();
    lock.push(".lock");
    platform::lock_file(Path::new(&lock))
}

/// Waits on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(
    place: String,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| StoreError::io(&error, place)),
        // It neither panics nor is it aborted, except when the runtime ends.
        Err(_) => Err(StoreError::Closed),
    }
}
