//! PostgreSQL for tests: a fresh database each, copied from one that has our tables, dropped when the test ends.
//!
//! The server is the one that `CONNECTIONS_TEST_POSTGRES_URL` names. Without this variable it is a cluster that each test
//! process makes with the binaries on this machine and takes with it when it ends; it keeps nothing on a disk. Where there
//! are no binaries, it is the server at 127.0.0.1:5432. `CONNECTIONS_TEST_POSTGRES_URL=none` leaves the tests out, loudly,
//! and is refused in CI.

mod local;
mod pooler;
mod server;
mod template;
#[cfg(test)]
mod tests;

use std::{
    process,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

pub use pooler::{Pooler, pooler};
pub use server::{Cluster, cluster, is_there, volatile_cluster};

/// A database of one test, gone with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
}

impl Database {
    /// With our tables.
    ///
    /// # Panics
    ///
    /// There is no server, or it refuses.
    pub async fn migrated() -> Self {
        let template = template::name().await;
        Self::create(&format!("TEMPLATE {template}")).await
    }

    /// With nothing in it.
    ///
    /// # Panics
    ///
    /// As [`migrated`](Self::migrated).
    pub async fn empty() -> Self {
        Self::create("TEMPLATE template0").await
    }

    /// As [`migrated`](Self::migrated), for who waits, inside a runtime or not.
    ///
    /// # Panics
    ///
    /// As [`migrated`](Self::migrated).
    pub fn migrated_blocking() -> Self {
        blocking(Self::migrated())
    }

    /// Empties it down to our tables, also while programs are connected.
    ///
    /// # Panics
    ///
    /// As [`migrated`](Self::migrated).
    pub fn wipe_blocking(&self) {
        blocking(async {
            let template = template::name().await;
            admin(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
            admin(&format!("CREATE DATABASE {} TEMPLATE {template}", self.name)).await;
        });
    }

    /// Drops it, also while programs are connected: for them it is gone.
    ///
    /// # Panics
    ///
    /// As [`migrated`](Self::migrated).
    pub fn lose_blocking(&self) {
        blocking(admin(&format!("DROP DATABASE {} WITH (FORCE)", self.name)));
    }

    /// Waits until no program is connected: of one that was killed, the server still does what it had been told, such as a
    /// commit, and only then finds that nobody is there.
    ///
    /// # Panics
    ///
    /// As [`migrated`](Self::migrated), and when somebody stays.
    pub fn deserted_blocking(&self) {
        blocking(async {
            let mut server = options().connect().await.unwrap_or_else(|error| panic!("{}: {error}", self.name));
            let began = Instant::now();
            // What the server does by itself, as cleaning up, is nobody's.
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

    /// For programs.
    pub fn url(&self) -> String {
        options().database(&self.name).to_url_lossy().to_string()
    }

    /// For drivers.
    pub fn options(&self) -> PgConnectOptions {
        options().database(&self.name)
    }

    /// A connection past the program.
    ///
    /// # Panics
    ///
    /// The server refuses it.
    pub async fn connect(&self) -> PgConnection {
        self.options().connect().await.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    async fn create(from: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{PREFIX}{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // Of an earlier process with this number, perhaps.
        admin(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        admin(&format!("CREATE DATABASE {name} {from}")).await;
        Self { name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // On a thread of its own: a test may end inside a runtime.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(admin(&sql)))
        });
        if !thread::panicking() {
            assert!(dropped.join().is_ok(), "the database {} stays", self.name);
        }
    }
}

/// Before the number of the process that uses it.
const PREFIX: &str = "connections_test_";

/// The server, at the database that is always there.
fn options() -> PgConnectOptions {
    server::options()
}

/// On a thread of its own, since who waits may be inside a runtime.
fn blocking<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap_or_else(|error| panic!("a runtime: {error}")).block_on(work)
    };
    let done = thread::scope(|scope| scope.spawn(run).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs one statement past every database of a test.
async fn admin(sql: &str) {
    let done = async {
        let mut connection = options().connect().await?;
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
        connection.close().await
    };
    done.await.unwrap_or_else(|error: sqlx::Error| panic!("{sql}: {error}"));
}
