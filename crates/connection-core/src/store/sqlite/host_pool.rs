//! Uses a SQLite pool of the host as it is. The pool is never closed. It is rejected if it lacks options that keep
//! rows intact.

use std::{path::PathBuf, sync::Arc};

use sqlx::{SqliteConnection, SqlitePool};

use super::{
    super::{StoreError, part::Program},
    Limits, Sqlite, bring_up, is_current,
    open_files::OpenFiles,
    own_pool::{blocking, lock},
    readers::Readers,
    writer::{Connections, Writer},
};

pub(in super::super) async fn open(
    pool: SqlitePool,
    limits: Limits,
    program: &'static Program,
) -> Result<Sqlite, StoreError> {
    let failed = |error: sqlx::Error| StoreError::of(&error, "the host's pool");
    let mut connection = pool.acquire().await.map_err(failed)?;
    let file: Option<(String,)> = sqlx::query_as("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    let file = file.map(|(file,)| file).filter(|file| !file.is_empty());
    let Some(file) = file else {
        return Err(StoreError::InvalidAddress {
            reason: "a database in memory would lose every connection at the end",
        });
    };
    let place: Arc<str> = file.as_str().into();
    let lacks = lacking(&mut connection).await.map_err(|error| StoreError::of(&error, &place))?;
    if !lacks.is_empty() {
        return Err(StoreError::Unsuited { place: place.to_string(), lacks });
    }
    // The pool may close its connections, and with the last one SQLite deletes the log, so the log is not compared.
    let files = OpenFiles::before_opening(pool.connect_options().get_filename(), place.clone());
    let path = PathBuf::from(file);
    let lock = blocking(place.to_string(), move || lock(&path)).await?;
    if !is_current(&mut connection, program, &place).await? {
        bring_up(&mut connection, program, &place).await?;
    }
    drop((lock, connection));
    let connections = Connections::HostPool(pool.clone());
    let writer = Writer { limits, connections, files: Arc::new(files), place: place.clone(), program };
    Ok(Sqlite::start(writer, Readers::Host(pool), place))
}

/// Returns the options that a connection of the pool lacks, as sqlx names them.
async fn lacking(connection: &mut SqliteConnection) -> Result<Vec<&'static str>, sqlx::Error> {
    let mut lacks = Vec::new();
    let (journal,): (String,) = sqlx::query_as("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
    if journal != "wal" {
        lacks.push("journal_mode(SqliteJournalMode::Wal)");
    }
    let (foreign_keys,): (bool,) = sqlx::query_as("PRAGMA foreign_keys").fetch_one(&mut *connection).await?;
    if !foreign_keys {
        lacks.push("foreign_keys(true)");
    }
    let (busy,): (i64,) = sqlx::query_as("PRAGMA busy_timeout").fetch_one(&mut *connection).await?;
    if busy < 1000 {
        lacks.push("busy_timeout(Duration::from_secs(5))");
    }
    let (synchronous,): (i64,) = sqlx::query_as("PRAGMA synchronous").fetch_one(&mut *connection).await?;
    // 2 is FULL, 3 is EXTRA (https://www.sqlite.org/pragma.html#pragma_synchronous).
    if synchronous < 2 {
        lacks.push("synchronous(SqliteSynchronous::Full)");
    }
    Ok(lacks)
}
