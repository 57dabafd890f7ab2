//! A connection that reads a file and creates nothing beside it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use sqlx::{ConnectOptions as _, SqlitePool, sqlite::SqliteConnectOptions};

use super::{
    super::{StoreError, engine::Connection, engine::Reader},
    own_pool::sibling_path,
};

/// The time for which a reader waits for a process that locks the file, such as one that recovers its log.
const BUSY_TIMEOUT: Duration = Duration::from_millis(100);

/// Opens a file that exists. Without a log beside it, no process has unfinished work in the file, and SQLite would create
/// the log even for a reader. The file is then read as one that does not change; if a process begins to change it
/// meanwhile, the rows that are read may be mixed, or the read fails.
pub(in super::super) async fn read_only(path: PathBuf) -> Result<Reader, StoreError> {
    let has_log = sibling_path(&path, "-wal").exists();
    let place: Arc<str> = path.display().to_string().into();
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        .read_only(true)
        .immutable(!has_log)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let connection = options.connect().await.map_err(|error| StoreError::of(&error, &place))?;
    Ok(Reader::new(Connection::Sqlite(connection), place))
}

/// Takes a connection of the host's pool.
pub(in super::super) async fn read_only_of(pool: &SqlitePool) -> Result<Reader, StoreError> {
    let place: Arc<str> = pool.connect_options().get_filename().display().to_string().into();
    let connection = pool.acquire().await.map_err(|error| StoreError::of(&error, &place))?;
    Ok(Reader::new(Connection::SqlitePooled(connection), place))
}
