//! A database that is about to be replaced: it is locked against all other processes, and read as it is.

use std::{path::Path, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteLockingMode},
};

use super::super::{StoreError, engine::Connection, engine::Reader};

/// The time for which the lock is waited for. A process that has the database open keeps its lock until its end.
const BUSY_TIMEOUT: Duration = Duration::from_millis(200);

/// A database that no other process has open or opens.
///
/// If the file is moved before it is closed, SQLite leaves the file and its log as they are.
pub(in super::super) struct Replaced {
    pub(in super::super) reader: Reader,
}

impl Replaced {
    /// Locks the database and checks that it is whole.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] if a process has the database open, and other errors if it cannot be read.
    pub(in super::super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let place: Arc<str> = path.display().to_string().into();
        let failed = |error: sqlx::Error| StoreError::of(&error, &place);
        // With this mode, a reader of a database with a log also needs the lock that excludes all others.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .locking_mode(SqliteLockingMode::Exclusive)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(failed)?;
        whole(&mut connection, &place).await?;
        Ok(Self { reader: Reader::new(Connection::Sqlite(connection), place) })
    }

    /// Unlocks the database.
    pub(in super::super) async fn close(self) {
        if let Connection::Sqlite(connection) = self.reader.connection {
            // Nothing was written, so an error loses nothing.
            connection.close().await.unwrap_or_default();
        }
    }
}

async fn whole(connection: &mut SqliteConnection, place: &str) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| StoreError::of(&error, place);
    // Without a log, only a writer takes the lock, which this mode keeps.
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut *connection).await.map_err(failed)?;
    let found = sqlx::query_as::<_, (String,)>("PRAGMA quick_check(1)").fetch_one(&mut *connection).await;
    sqlx::query("ROLLBACK").execute(connection).await.map_err(failed)?;
    match found.map_err(failed)? {
        (found,) if found == "ok" => Ok(()),
        (detail,) => Err(StoreError::Corrupt { place: place.to_owned(), detail }),
    }
}
