//! A connection to the engine that is in use, and how a query text is run on it.
//!
//! Reading methods are on [`Reader`], writing ones on [`Tx`], which reads too and sees its own writes. Each method is one
//! query text with its binds; the macros run it on whichever engine is behind.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{Connection as _, Sqlite, SqliteConnection, pool::PoolConnection};

use super::StoreError;

/// Reads rows.
pub(crate) struct Reader {
    connection: Connection,
    pub(super) place: Arc<str>,
}

/// A transaction of the writer.
pub(crate) struct Tx {
    reader: Reader,
}

enum Connection {
    Sqlite(SqliteConnection),
    SqlitePooled(PoolConnection<Sqlite>),
}

/// The driver's connection, by engine.
pub(super) enum Engine<'c> {
    Sqlite(&'c mut SqliteConnection),
}

impl Reader {
    pub(super) fn pooled(connection: PoolConnection<Sqlite>, place: Arc<str>) -> Self {
        Self { connection: Connection::SqlitePooled(connection), place }
    }

    pub(super) fn engine(&mut self) -> Engine<'_> {
        match &mut self.connection {
            Connection::Sqlite(connection) => Engine::Sqlite(connection),
            Connection::SqlitePooled(connection) => Engine::Sqlite(connection),
        }
    }
}

impl Tx {
    pub(super) fn owned(connection: SqliteConnection, place: Arc<str>) -> Self {
        Self { reader: Reader { connection: Connection::Sqlite(connection), place } }
    }

    /// Takes the right to write at once: a transaction that reads first could find it taken later.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        execute!(self, "BEGIN IMMEDIATE").map(drop)
    }

    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        execute!(self, "COMMIT").map(drop)
    }

    /// Ends what is left of a transaction, if anything.
    pub(super) async fn roll_back(&mut self) {
        // There is none when the engine ended it by itself, which is what was wanted.
        execute!(self, "ROLLBACK").map(drop).unwrap_or_default();
    }

    pub(super) async fn savepoint(&mut self) -> Result<(), StoreError> {
        execute!(self, "SAVEPOINT job").map(drop)
    }

    pub(super) async fn release(&mut self) -> Result<(), StoreError> {
        execute!(self, "RELEASE SAVEPOINT job").map(drop)
    }

    pub(super) async fn undo(&mut self) -> Result<(), StoreError> {
        execute!(self, "ROLLBACK TO SAVEPOINT job")?;
        self.release().await
    }

    pub(super) async fn close(self) {
        if let Connection::Sqlite(connection) = self.reader.connection {
            // What was committed is kept; only the tidying of the log is left to the next open.
            connection.close().await.unwrap_or_default();
        }
    }
}

impl Deref for Tx {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.reader
    }
}

/// Runs an expression with the driver's connection, once per engine.
macro_rules! on_engine {
    ($reader:expr, $connection:ident => $run:expr) => {{
        let result = match $reader.engine() {
            $crate::store::engine::Engine::Sqlite($connection) => $run,
        };
        result.map_err(|error| $crate::store::StoreError::of(&error, &$reader.place))
    }};
}
pub(super) use on_engine;

/// Runs a text; the number of rows that it changed.
macro_rules! execute {
    ($reader:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::engine::on_engine!($reader, connection => {
            sqlx::query($sql)$(.bind($bind))*.execute(connection).await.map(|done| done.rows_affected())
        })
    };
}
pub(super) use execute;

/// The row that a text finds, if any.
macro_rules! optional {
    ($reader:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::engine::on_engine!($reader, connection => {
            sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(connection).await
        })
    };
}
pub(super) use optional;

/// The rows that a text finds.
macro_rules! all {
    ($reader:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::engine::on_engine!($reader, connection => {
            sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(connection).await
        })
    };
}
pub(super) use all;
