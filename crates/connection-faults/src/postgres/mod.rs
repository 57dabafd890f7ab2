//! PostgreSQL databases for tests. Each test gets a new database, copied from a template with our tables and dropped
//! when the test ends.
//!
//! The server is the one that `CONNECTIONS_TEST_POSTGRES_URL` names. Without this variable, each test process makes a
//! cluster with the binaries on this machine and removes it when the process ends; the cluster does not wait for a
//! disk. Where there are no binaries, the tests use the server at 127.0.0.1:5432.
//! `CONNECTIONS_TEST_POSTGRES_URL=none` skips the tests with a notice, and fails them in continuous integration.

mod local;
mod pooler;
mod server;
mod template;
#[cfg(test)]
mod tests;

use std::{
    env, process,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

pub use pooler::{Pooler, pooler};
pub use server::{Cluster, cluster, is_there, volatile_cluster};

/// Returns `true` if the tests that run on both engines use PostgreSQL, because `CONNECTIONS_TEST_ENGINE` is `postgres`.
/// `cargo xtask test` runs them once with each engine.
pub fn is_engine() -> bool {
    env::var_os("CONNECTIONS_TEST_ENGINE").is_some_and(|engine| engine == "postgres")
}

/// The database of one test, which is dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
}

impl Database {
    /// Creates a database with our tables.
    ///
    /// # Panics
    ///
    /// Panics if the server cannot create the database, or in continuous integration if there is no server.
    pub async fn migrated() -> Self {
        Self::create(template::name()).await
    }

    /// Creates an empty database.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`migrated`](Self::migrated).
    pub async fn empty() -> Self {
        Self::create("template0").await
    }

    /// Like [`migrated`](Self::migrated), but blocks the thread. It may be called inside or outside of a runtime.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`migrated`](Self::migrated).
    pub fn migrated_blocking() -> Self {
        blocking(Self::migrated())
    }

    /// Like [`empty`](Self::empty), but blocks the thread. It may be called inside or outside of a runtime.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`migrated`](Self::migrated).
    pub fn empty_blocking() -> Self {
        blocking(Self::empty())
    }

    /// Deletes all rows by creating the database again from the template, even while programs are connected.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`migrated`](Self::migrated).
    pub fn wipe_blocking(&self) {
        blocking(async {
            admin(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
            admin(&copy(template::name(), &self.name)).await;
        });
    }

    /// Drops the database, even while programs are connected to it.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`migrated`](Self::migrated).
    pub fn lose_blocking(&self) {
        blocking(admin(&format!("DROP DATABASE {} WITH (FORCE)", self.name)));
    }

    /// Waits until no program is connected.
    ///
    /// After a program was killed, the server still executes the statements that it had received, such as a commit,
    /// and only then notices that the client is gone.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`migrated`](Self::migrated), and if a program stays connected.
    pub fn deserted_blocking(&self) {
        blocking(async {
            let mut server = options().connect().await.unwrap_or_else(|error| panic!("{}: {error}", self.name));
            let began = Instant::now();
            // Processes of the server itself, such as autovacuum, do not count.
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'";
            loop {
                let there: Result<(i64,), _> = sqlx::query_as(sql).bind(&self.name).fetch_one(&mut server).await;
                if there.unwrap_or_else(|error| panic!("{}: {error}", self.name)) == (0,) {
                    break;
                }
                assert!(began.elapsed() < server::PATIENCE, "somebody stays connected to {}", self.name);
            }
            server.close().await.unwrap_or_default();
        });
    }

    /// Returns the address of the database for programs.
    pub fn url(&self) -> String {
        options().database(&self.name).to_url_lossy().to_string()
    }

    /// Returns the address of the database for drivers.
    pub fn options(&self) -> PgConnectOptions {
        options().database(&self.name)
    }

    /// Connects to the database directly, without the program under test.
    ///
    /// # Panics
    ///
    /// Panics if the server refuses the connection.
    pub async fn connect(&self) -> PgConnection {
        self.options().connect().await.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    async fn create(from: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{PREFIX}{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let failed = |error| -> ! { panic!("the database {name}: {error}") };
        let mut server = options().connect().await.unwrap_or_else(|error| failed(error));
        loop {
            let Err(error) = sqlx::query(AssertSqlSafe(copy(from, &name))).execute(&mut server).await else { break };
            match error.as_database_error().and_then(|error| error.code()).as_deref() {
                // The first test makes the template.
                Some(NO_DATABASE) => template::make(&mut server).await,
                // An earlier process with the same id has left a database of this name.
                Some(DUPLICATE_DATABASE) => {
                    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    sqlx::query(AssertSqlSafe(sql)).execute(&mut server).await.unwrap_or_else(|error| failed(error));
                }
                _ => failed(error),
            }
        }
        server.close().await.unwrap_or_else(|error| failed(error));
        Self { name }
    }
}

/// Returns the statement that copies a database. Copying the files takes a third of the time that copying through the
/// write-ahead log takes, where no file is synced.
fn copy(from: &str, to: &str) -> String {
    format!("CREATE DATABASE {to} TEMPLATE {from} STRATEGY FILE_COPY")
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // The statement runs on another thread, because the test may end inside a runtime.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(admin(&sql)))
        });
        if !thread::panicking() {
            assert!(dropped.join().is_ok(), "the database {} stays", self.name);
        }
    }
}

/// Error codes of the server (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const NO_DATABASE: &str = "3D000";
const DUPLICATE_DATABASE: &str = "42P04";

/// Prefix of a test database's name. The id of the process that uses the database follows.
const PREFIX: &str = "connections_test_";

/// Returns the options for the server's maintenance database.
fn options() -> PgConnectOptions {
    server::options()
}

/// Runs a future to its end on another thread, because the caller may be inside a runtime.
fn blocking<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap_or_else(|error| panic!("a runtime: {error}")).block_on(work)
    };
    let done = thread::scope(|scope| scope.spawn(run).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs one statement in the server's maintenance database.
async fn admin(sql: &str) {
    let done = async {
        let mut connection = options().connect().await?;
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
        connection.close().await
    };
    done.await.unwrap_or_else(|error: sqlx::Error| panic!("{sql}: {error}"));
}
