//! Copies of a database file.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use connection_seal::platform;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::{
    super::{StoreError, migrate, part::Program, rows::KeysetRow},
    own_pool::{blocking, sibling_path},
    read_only::read_only,
    swap::SOURCE,
};

/// The time for which a copy waits for a process that locks the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The number of instructions of SQLite after which a copy looks whether it is to stop: a fraction of a millisecond.
const LOOK_AGAIN: i32 = 1000;

/// How a file that is copied is used meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Use {
    /// Processes may read and write it.
    Database,
    /// Nobody changes it.
    Backup,
}

/// Writes a copy of a database to a private file, and returns when it is on the disk. The copy holds one state of the
/// database, with the commits that are only in its log, and without the traces of deleted rows. `to` does not exist, or
/// is empty. Once `stopped` is `true`, SQLite ends the copy with an error.
pub(in super::super) async fn copy(
    from: &Path,
    to: &Path,
    used: Use,
    stopped: Option<&Arc<AtomicBool>>,
) -> Result<(), StoreError> {
    let place = from.display().to_string();
    let failed = |error: sqlx::Error| StoreError::of(&error, &place);
    // With replacement characters, the name would be that of another file, which SQLite would create for all to read.
    utf8(from)?;
    let name = utf8(to)?.to_owned();
    let target = to.to_owned();
    // SQLite keeps the mode of the file, whatever the umask is.
    blocking(to.display().to_string(), move || platform::open_private(&target)).await?;
    let source = match used {
        Use::Backup if is_without_index(from) => Some(with_log(from, to).await?),
        _ => None,
    };
    let options = SqliteConnectOptions::new()
        .filename(source.as_deref().unwrap_or(from))
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let options = match used {
        Use::Database => options,
        Use::Backup if source.is_some() => options,
        // A backup may be on a medium that cannot be written, where SQLite could not create a log.
        Use::Backup => options.read_only(true).immutable(!sibling_path(from, "-wal").exists()),
    };
    let mut connection = options.connect().await.map_err(failed)?;
    if let Some(stopped) = stopped.cloned() {
        let mut handle = connection.lock_handle().await.map_err(failed)?;
        handle.set_progress_handler(LOOK_AGAIN, move || !stopped.load(Ordering::Acquire));
    }
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(&mut connection).await;
    // An error at the end concerns only the source, of which everything has been read.
    connection.close().await.unwrap_or_default();
    if let Some(source) = source {
        // SQLite has deleted the log and its index. A file that stays is removed by the next restore.
        fs::remove_file(source).unwrap_or_default();
    }
    copied.map_err(|error| match is_of_writing(&error) {
        true => StoreError::of(&error, &to.display().to_string()),
        false => of_copy(failed(error), to),
    })?;
    let target = to.to_owned();
    // SQLite does not sync a file that it writes in this way.
    blocking(to.display().to_string(), move || File::options().write(true).open(target)?.sync_all()).await
}

/// Returns `true` if a file has a log whose index was not copied with it, as in a snapshot of a file system.
fn is_without_index(file: &Path) -> bool {
    sibling_path(file, "-wal").exists() && !sibling_path(file, "-shm").exists()
}

/// Copies a backup and its log to private files beside `to`. SQLite makes an index beside a log that it reads, and a backup
/// may be on a medium that cannot be written.
async fn with_log(from: &Path, to: &Path) -> Result<PathBuf, StoreError> {
    let source = sibling_path(to, SOURCE);
    let (backup, copy) = (from.to_owned(), source.clone());
    let copied = blocking(from.display().to_string(), move || {
        for suffix in ["", "-wal"] {
            let mut written = platform::open_private(&sibling_path(&copy, suffix))?;
            io::copy(&mut File::open(sibling_path(&backup, suffix))?, &mut written)?;
        }
        Ok(())
    });
    copied.await.map(|()| source).map_err(|error| of_copy(error, to))
}

/// Returns `true` for an error of a write, a truncation or a sync, which only the copy takes: SQLITE_IOERR_WRITE,
/// SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC and SQLITE_IOERR_TRUNCATE.
fn is_of_writing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| matches!(&*code, "778" | "1034" | "1290" | "1546"))
}

/// Names the copy in an error about space, because only the copy takes any.
fn of_copy(error: StoreError, to: &Path) -> StoreError {
    match error {
        StoreError::Full { .. } => StoreError::Full { place: to.display().to_string() },
        other => other,
    }
}

fn utf8(path: &Path) -> Result<&str, StoreError> {
    path.to_str().ok_or_else(|| StoreError::NotUnicode { place: path.display().to_string() })
}

/// Deletes what a copy says about a move of the database. Returns `true` if it said something.
pub(in super::super) async fn forget_move(copy: &Path, place: &str) -> Result<bool, StoreError> {
    let failed = |error: sqlx::Error| StoreError::of(&error, place);
    let options = SqliteConnectOptions::new().filename(copy).create_if_missing(false).disable_statement_logging();
    let mut connection = options.connect().await.map_err(failed)?;
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = 'connection_move'";
    let (tables,): (i64,) = sqlx::query_as(table).fetch_one(&mut connection).await.map_err(failed)?;
    let mut forgotten = false;
    if tables > 0 {
        let done = sqlx::query("DELETE FROM connection_move").execute(&mut connection).await.map_err(failed)?;
        forgotten = done.rows_affected() > 0;
    }
    connection.close().await.map_err(failed)?;
    Ok(forgotten)
}

/// The content of a copy that decides whether it can be used.
pub(in super::super) struct Checked {
    pub(in super::super) version: i64,
    pub(in super::super) keyset: KeysetRow,
    pub(in super::super) connections: u64,
}

/// Reads the version and the keyset of a copy, which nobody changes. Returns `None` if it is no database of this program.
///
/// # Errors
///
/// [`StoreError::ProgramTooOld`], [`StoreError::Changed`] and [`StoreError::Unreleased`] for a version that this program
/// cannot use, and the errors of a query. They name the database as `place`.
pub(in super::super) async fn check(copy: &Path, place: &str) -> Result<Option<Checked>, StoreError> {
    let mut reader = read_only(copy.to_owned()).await?;
    reader.place = place.into();
    let applied = match reader.applied_migrations().await {
        Ok(applied) => applied,
        // There is no such table, or it has no such columns.
        Err(StoreError::Corrupt { detail, .. }) if detail.starts_with("no such ") => return Ok(None),
        Err(error) => return Err(error),
    };
    let (program, migrator) = (Program::CURRENT, super::migrator(Program::CURRENT));
    let Some(version) = migrate::check(&migrator, &applied, place)? else { return Ok(None) };
    // A copy that lacks migrations of this program was made by an older one.
    if migrate::are_all(&applied, &migrator) {
        migrate::refuse_too_old(Some((reader.part().await?.oldest,)), program, place)?;
    }
    let Some(keyset) = reader.keyset().await? else { return Ok(None) };
    let connections = reader.count_accounts(None, None).await?;
    Ok(Some(Checked { version, keyset, connections }))
}
