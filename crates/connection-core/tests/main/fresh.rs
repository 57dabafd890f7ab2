//! A database with nothing in it, and pools of it as a host has them.

use std::time::Duration;

use connection_core::StoreSource;
use connection_faults::postgres;
use sqlx::{
    AssertSqlSafe, PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tempfile::TempDir;

use crate::{raw, world::ON_POSTGRES};

/// What nobody who shares a pool waits for: a test that waits for itself ends here.
const LONGEST: Duration = Duration::from_secs(20);

/// A database of one test, before its first start.
pub(crate) struct Fresh {
    directory: TempDir,
    postgres: Option<postgres::Database>,
}

impl Fresh {
    pub(crate) async fn new() -> Self {
        let postgres = if ON_POSTGRES { Some(postgres::Database::empty().await) } else { None };
        Self { directory: TempDir::new().unwrap(), postgres }
    }

    /// For the builder.
    pub(crate) fn address(&self) -> String {
        match &self.postgres {
            Some(database) => database.url(),
            None => self.directory.path().join("connections.db").to_str().unwrap().to_owned(),
        }
    }

    /// For whoever looks past the program.
    pub(crate) fn database(&self) -> raw::Database {
        match &self.postgres {
            Some(database) => raw::Database::Server(Box::new(database.options())),
            None => raw::Database::File(self.address().into()),
        }
    }

    /// The host's own, as it should be.
    pub(crate) async fn pool(&self, connections: u32) -> Pool {
        Pool::of(&self.database(), connections).await
    }
}

/// A pool that a host lends.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// What it runs, it runs on threads with the name of the caller's: those of SQLite are its own.
    pub(crate) async fn of(database: &raw::Database, connections: u32) -> Self {
        match database {
            raw::Database::File(path) => {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                private(path);
                let options = SqliteConnectOptions::new().filename(path);
                let thread = std::thread::current().name().unwrap_or_default().to_owned();
                let options = options.journal_mode(SqliteJournalMode::Wal).thread_name(move |_| thread.clone());
                let pool = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(LONGEST);
                Self::Sqlite(pool.connect_with(options).await.unwrap())
            }
            raw::Database::Server(options) => {
                let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(LONGEST);
                Self::Postgres(pool.connect_with(*options.clone()).await.unwrap())
            }
        }
    }

    /// For the builder.
    pub(crate) fn lend(&self) -> StoreSource {
        match self {
            Self::Sqlite(pool) => pool.clone().into(),
            Self::Postgres(pool) => pool.clone().into(),
        }
    }

    /// Runs what the host runs by itself.
    pub(crate) async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
            Self::Postgres(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
        }
    }
}

/// Makes the file of a database, which is for its owner alone whoever opens it, if there is none.
fn private(path: &std::path::Path) {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path).unwrap());
}
