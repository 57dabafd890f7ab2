//! A database that accepts no writes for a while, as on a full disk or during a long transaction of another client.

use std::{
    sync::mpsc::{Sender, channel},
    thread::{self, JoinHandle},
};

use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};

/// A lock that makes writes of a database wait until this value is dropped.
#[derive(Debug)]
pub struct HeldLock {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HeldLock {
    /// Locks a SQLite file, or the table of exchanges in a PostgreSQL database, and returns once the lock is held.
    ///
    /// # Panics
    ///
    /// Panics if the database cannot be locked.
    pub fn of(address: &str) -> Self {
        Self::of_table(address, "connection_exchange")
    }

    /// Like [`of`](Self::of), but locks the table of the setups' journals in a PostgreSQL database.
    ///
    /// # Panics
    ///
    /// Panics if the database cannot be locked.
    pub fn of_journals(address: &str) -> Self {
        Self::of_table(address, "connection_setup_effect")
    }

    /// Like [`of`](Self::of), but locks the table of the measured livenesses in a PostgreSQL database.
    ///
    /// # Panics
    ///
    /// Panics if the database cannot be locked.
    pub fn of_livenesses(address: &str) -> Self {
        Self::of_table(address, "connection_liveness")
    }

    fn of_table(address: &str, table: &'static str) -> Self {
        let address = address.to_owned();
        let (begun, is_held) = channel();
        let (end, ended) = channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let hold = async {
                match address.parse::<PgConnectOptions>() {
                    Ok(options) if address.starts_with("postgres") => {
                        let mut server = options.connect().await?;
                        let lock = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE");
                        server.execute(sqlx::AssertSqlSafe(lock)).await?;
                        begun.send(()).unwrap_or_default();
                        // The wait ends when the sender is dropped.
                        ended.recv().unwrap_or_default();
                        server.execute("ROLLBACK").await?;
                        server.close().await
                    }
                    _ => {
                        let mut file = SqliteConnectOptions::new().filename(&address).connect().await?;
                        file.execute("BEGIN IMMEDIATE").await?;
                        begun.send(()).unwrap_or_default();
                        ended.recv().unwrap_or_default();
                        file.execute("ROLLBACK").await?;
                        file.close().await
                    }
                }
            };
            runtime.block_on(hold).unwrap_or_else(|error: sqlx::Error| panic!("{error}"));
        });
        is_held.recv().expect("it is held");
        Self { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        drop(self.end.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || !matches!(ended, Some(Err(_))), "the database was not let go");
    }
}
