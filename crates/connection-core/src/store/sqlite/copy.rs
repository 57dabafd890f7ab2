//! Copies of a database file.

use std::{fs::File, path::Path, time::Duration};

use connection_seal::platform;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::{
    super::{StoreError, migrate, rows::KeysetRow},
    own_pool::{blocking, sibling_path},
    read_only::read_only,
};

/// The time for which a copy waits for a process that locks the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

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
/// is empty.
pub(in super::super) async fn copy(from: &Path, to: &Path, used: Use) -> Result<(), StoreError> {
    let place = from.display().to_string();
    let failed = |error: sqlx::Error| StoreError::of(&error, &place);
    let target = to.to_owned();
    // SQLite keeps the mode of the file, whatever the umask is.
    blocking(to.display().to_string(), move || platform::open_private(&target)).await?;
    let options = SqliteConnectOptions::new()
        .filename(from)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let options = match used {
        Use::Database => options,
        // A backup may be on a medium that cannot be written, where SQLite could not create a log.
        Use::Backup => options.read_only(true).immutable(!sibling_path(from, "-wal").exists()),
    };
    let mut connection = options.connect().await.map_err(failed)?;
    let name = to.display().to_string();
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(&mut connection).await;
    // An error at the end concerns only the source, of which everything has been read.
    connection.close().await.unwrap_or_default();
    copied.map_err(failed)?;
    let target = to.to_owned();
    // SQLite does not sync a file that it writes in this way.
    blocking(to.display().to_string(), move || File::options().write(true).open(target)?.sync_all()).await
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
/// [`StoreError::Newer`], [`StoreError::Changed`] and [`StoreError::Unreleased`] for a version that this program cannot
/// use, and the errors of a query. They name the database as `place`.
pub(in super::super) async fn check(copy: &Path, place: &str) -> Result<Option<Checked>, StoreError> {
    let mut reader = read_only(copy.to_owned()).await?;
    reader.place = place.into();
    let applied = match reader.applied_migrations().await {
        Ok(applied) => applied,
        // There is no such table, or it has no such columns.
        Err(StoreError::Corrupt { detail, .. }) if detail.starts_with("no such ") => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(version) = migrate::check(&super::migrator(), &applied, place)? else { return Ok(None) };
    let Some(keyset) = reader.keyset().await? else { return Ok(None) };
    let connections = reader.count_accounts(None, None).await?;
    Ok(Some(Checked { version, keyset, connections }))
}
