//! Pools as a host has them, which it lends to the core.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::time::Duration;

use connection_core::StoreSource;
use sqlx::{
    AssertSqlSafe, PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

use crate::sql;

/// The limit of waits between users of one pool: a test that waits for itself ends here.
const MAX_DURATION: Duration = Duration::from_secs(20);

/// A pool that a host provides.
#[derive(Clone, Debug)]
pub enum Pool {
    /// A pool of connections to a SQLite file.
    Sqlite(SqlitePool),
    /// A pool of connections to a PostgreSQL server.
    Postgres(PgPool),
}

impl Pool {
    /// Opens a pool. The threads of SQLite that run its statements have the name of the caller's thread.
    pub async fn of(database: &sql::Database, connections: u32) -> Self {
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
    pub fn lend(&self) -> StoreSource {
        match self {
            Self::Sqlite(pool) => pool.clone().into(),
            Self::Postgres(pool) => pool.clone().into(),
        }
    }

    /// Runs a statement of the host itself.
    pub async fn run(&self, sql: &str) {
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
