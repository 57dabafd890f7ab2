//! A database that takes no writes for a while, as one on a full disk or behind a long transaction of somebody else.

use std::{
    sync::mpsc::{Sender, channel},
    thread::{self, JoinHandle},
};

use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};

/// Holds all writes of a database that need more than a wait, until it is dropped.
#[derive(Debug)]
pub struct Held {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Held {
    /// Of a SQLite file, or of what is noted and kept of exchanges in a PostgreSQL database. Returns when it is held.
    ///
    /// # Panics
    ///
    /// The database cannot be held.
    pub fn of(address: &str) -> Self {
        Self::of_table(address, "connection_exchange")
    }

    /// As [`of`](Self::of), with the journals of setups in a PostgreSQL database.
    ///
    /// # Panics
    ///
    /// The database cannot be held.
    pub fn of_journals(address: &str) -> Self {
        Self::of_table(address, "connection_setup_effect")
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
                        // It ends with the sender.
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

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.end.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || !matches!(ended, Some(Err(_))), "the database was not let go");
    }
}
