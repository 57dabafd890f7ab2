//! Opens a SQLite file: private, with a write-ahead log, migrated under a lock.
//!
//! Racing first starts wait for each other: sqlx does not lock SQLite migrations, so a lock file next to the database is
//! held from before the file is made until its tables are there.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, SqliteConnection, SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::StoreError;
use crate::platform;

/// How long a writer waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

pub(super) struct Opened {
    pub(super) synced: SqliteConnection,
    pub(super) relaxed: SqliteConnection,
    pub(super) readers: SqlitePool,
}

pub(super) async fn open(path: &Path, place: &str) -> Result<Opened, StoreError> {
    let failed = |error: sqlx::Error| StoreError::of(&error, place);
    let lock = prepare(path.to_owned(), place.to_owned()).await?;
    let base = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let writing = base.clone().journal_mode(SqliteJournalMode::Wal);
    let mut synced = writing.clone().synchronous(SqliteSynchronous::Full).connect().await.map_err(failed)?;
    // A file that cannot be written is opened all the same, to read.
    for statement in ["BEGIN IMMEDIATE", "ROLLBACK"] {
        sqlx::query(statement).execute(&mut synced).await.map_err(failed)?;
    }
    migrate(&mut synced, place).await?;
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
    Ok(Opened { synced, relaxed, readers })
}

/// Makes the directory and the file, and takes the lock, which is free again when the returned file is dropped.
async fn prepare(path: PathBuf, place: String) -> Result<std::fs::File, StoreError> {
    let prepared = tokio::task::spawn_blocking(move || {
        if let Some(parent) = path.parent() {
            platform::create_private_dir(parent)?;
        }
        let mut lock = OsString::from(path.as_os_str());
        lock.push(".lock");
        let lock = platform::lock_file(Path::new(&lock))?;
        // The log and its index take the mode of the file, whatever the umask.
        drop(platform::open_private(&path)?);
        Ok(lock)
    });
    match prepared.await {
        Ok(result) => result.map_err(|error: std::io::Error| StoreError::io(&error, place)),
        // It neither panics nor is it aborted, except when the runtime ends.
        Err(_) => Err(StoreError::Closed),
    }
}

async fn migrate(connection: &mut SqliteConnection, place: &str) -> Result<(), StoreError> {
    let place = place.to_owned();
    let migrator = migrator();
    // What `run` calls: the future of `run` itself is not seen to be `Send` ("`Acquire` is not general enough").
    match migrator.run_direct(None, connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(version)) => match migrator.iter().map(|known| known.version).max() {
            Some(known) if known < version => Err(StoreError::Newer { place, have: version, known }),
            _ => Err(StoreError::Changed { place, version }),
        },
        Err(MigrateError::VersionMismatch(version) | MigrateError::Dirty(version)) => {
            Err(StoreError::Changed { place, version })
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(StoreError::of(&error, &place))
        }
        Err(_) => Err(StoreError::Unavailable { place, detail: "its tables could not be brought up to date".into() }),
    }
}

pub(super) fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("migrations/sqlite");
    // The library may share a database with a host that has migrations of its own.
    migrator.dangerous_set_table_name("connection_migrations");
    migrator
}
