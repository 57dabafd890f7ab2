//! An empty database, and pools of it as a host has them.

use std::time::Duration;

use connection_core::StoreSource;
use connection_faults::postgres;
use sqlx::{
    AssertSqlSafe, PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tempfile::TempDir;

use crate::{sql, test_host::on_postgres};

/// The limit of waits between users of one pool: a test that waits for itself ends here.
const MAX_DURATION: Duration = Duration::from_secs(20);

/// A database of one test, before its first start.
pub(crate) struct Fresh {
    directory: TempDir,
    postgres: Option<postgres::Database>,
}

impl Fresh {
    pub(crate) async fn new() -> Self {
        let postgres = if on_postgres() { Some(postgres::Database::empty().await) } else { None };
        Self { directory: TempDir::new().unwrap(), postgres }
    }

    /// Returns the address for the builder.
    pub(crate) fn address(&self) -> String {
        match &self.postgres {
            Some(database) => database.url(),
            None => self.directory.path().join("connections.db").to_str().unwrap().to_owned(),
        }
    }

    /// Returns the database for direct access.
    pub(crate) fn database(&self) -> sql::Database {
        match &self.postgres {
            Some(database) => sql::Database::Server(Box::new(database.options())),
            None => sql::Database::File(self.address().into()),
        }
    }

    /// Returns a pool of the host with the right options.
    pub(crate) async fn pool(&self, connections: u32) -> Pool {
        Pool::of(&self.database(), connections).await
    }
}

/// A pool that a host provides.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// Opens a pool. The threads of SQLite that run its statements have the name of the caller's thread.
    pub(crate) async fn of(database: &sql::Database, connections: u32) -> Self {
        match database {
            sql::Database::File(path) => {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                private(path);
                let options = SqliteConnectOptions::new().filename(path);
                let thread = std::thread::current().name().unwrap_or_default().to_owned();
                let options = options.journal_mode(SqliteJournalMode::Wal).thread_name(move |_| thread.clone());
                let pool = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(MAX_DURATION);
                Self::Sqlite(pool.connect_with(options).await.unwrap())
            }
            sql::Database::Server(options) => {
                let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(MAX_DURATION);
                Self::Postgres(pool.connect_with(*options.clone()).await.unwrap())
            }
        }
    }

    /// Returns the pool for the builder.
    pub(crate) fn lend(&self) -> StoreSource {
        match self {
            Self::Sqlite(pool) => pool.clone().into(),
            Self::Postgres(pool) => pool.clone().into(),
        }
    }

    /// Runs a statement of the host itself.
    pub(crate) async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
            Self::Postgres(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
        }
    }
}

/// Creates the file of a database, private to its owner, if it does not exist.
fn private(path: &std::path::Path) {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path).unwrap());
}
