//! Opens a SQLite file: private, with a write-ahead log, and migrated under a lock.
//!
//! Concurrent first starts wait for each other. sqlx does not lock SQLite migrations, so a lock file beside the
//! database is held from before the file is created until its tables exist.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    super::{StoreError, part::Program},
    Limits, Sqlite, bring_up, is_current,
    open_files::OpenFiles,
    readers::Readers,
    swap::{self, Prepared},
    writer::{Connections, Separate, Writer},
};
use connection_seal::platform::{self, FileContent};

/// The time for which a writer waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

pub(in super::super) async fn open(
    path: PathBuf,
    limits: Limits,
    program: &'static Program,
) -> Result<Sqlite, StoreError> {
    match open_once(path.clone(), limits, program).await {
        // The file was replaced at this moment, and another one may be there now.
        Err(StoreError::Displaced { .. }) => open_once(path, limits, program).await,
        opened => opened,
    }
}

async fn open_once(path: PathBuf, limits: Limits, program: &'static Program) -> Result<Sqlite, StoreError> {
    let place: Arc<str> = path.display().to_string().into();
    let failed = |error: sqlx::Error| StoreError::of(&error, &place);
    let lock = prepare(path.clone(), place.to_string()).await?;
    let mut files = OpenFiles::before_opening(&path, place.clone());
    let base = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let writing = base.clone().journal_mode(SqliteJournalMode::Wal);
    let options = Box::new(writing.clone().synchronous(SqliteSynchronous::Full));
    let mut synced = Separate { options, connection: None };
    // Each connection has a thread and reads the schema. A command that only reads therefore opens none that writes.
    let reading = base.pragma("query_only", "ON");
    let mut reader = reading.connect().await.ok();
    let is_current = match &mut reader {
        Some(reader) => is_current(reader, program, &place).await?,
        None => false,
    };
    if !is_current {
        let mut first = synced.options.connect().await.map_err(failed)?;
        bring_up(&mut first, program, &place).await?;
        synced.connection = Some(first);
    }
    files.opened()?;
    drop(lock);
    // With a write-ahead log, NORMAL syncs only at checkpoints: a commit may be lost, but the file is never
    // corrupted.
    let options = Box::new(writing.synchronous(SqliteSynchronous::Normal));
    let relaxed = Separate { options, connection: None };
    let reader = match reader {
        Some(reader) => reader,
        None => files.connect(&reading).await?,
    };
    let readers = Readers::new(reading, reader);
    let connections = Connections::OwnPool { synced, relaxed };
    let writer = Writer { limits, connections, files: Arc::new(files), place: place.clone(), program };
    Ok(Sqlite::start(writer, readers, place))
}

/// Creates the directory and the file, and takes the lock, which is released when the returned file is dropped.
/// Existing files that other users can read or change are rejected.
async fn prepare(path: PathBuf, place: String) -> Result<File, StoreError> {
    let prepared = blocking(place, move || {
        if path.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        if let Some(parent) = path.parent() {
            platform::create_private_dir(parent)?;
        }
        // The directory is checked first, so that no file is created where other users could replace it.
        for file in ["", "-wal", "-shm"].map(|suffix| sibling_path(&path, suffix)) {
            if let Err(exposed) = platform::check_file(&file, FileContent::Secrets) {
                return Ok(Err(StoreError::Exposed(exposed)));
            }
        }
        let lock = lock(&path)?;
        // The log and its index get the mode of the file, whatever the umask is. An existing file is not opened
        // here: this process may have it open, and would lose its locks on it when the first handle is closed.
        match path.try_exists()? {
            true => {
                swap::forget_unused(&path)?;
                platform::check_writable(&path)?
            }
            // An empty database in this place would hide that nothing is lost.
            false if Prepared::interrupted(&path)?.is_some() => {
                return Ok(Err(StoreError::Interrupted { place: path.display().to_string() }));
            }
            false => drop(platform::open_private(&path)?),
        }
        Ok(Ok(lock))
    });
    prepared.await?
}

/// Waits until no other process opens, restores or moves the database, and keeps them from it until the returned file is
/// dropped. Blocks.
///
/// # Errors
///
/// [`LockHeld`](platform::LockHeld) after the longest wait, and the errors of the file.
pub(in super::super) fn lock(database: &Path) -> std::io::Result<File> {
    platform::lock_file(&sibling_path(database, ".lock"))
}

pub(in super::super) fn sibling_path(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Runs `work` on a thread that may block.
pub(in super::super) async fn blocking<T: Send + 'static>(
    place: String,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| StoreError::io(&error, place)),
        // The task neither panics nor is aborted. It is lost only when the runtime shuts down.
        Err(_) => Err(StoreError::Closed),
    }
}
