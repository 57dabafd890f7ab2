//! A connection to the engine that is in use, and how a query text is run on it.
//!
//! Reading methods are on [`Reader`], writing ones on [`Tx`], which reads too and sees its own writes. Each method is one
//! query text with its binds; the macros run it on whichever engine is behind.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction, pool::PoolConnection};

use super::{StoreError, changes::Changed};

/// Reads rows.
pub(crate) struct Reader {
    pub(super) connection: Connection,
    pub(super) place: Arc<str>,
    /// Whether statements may be kept on the server, which a pooler between us and it does not allow.
    pub(super) prepares: bool,
    /// The first statement that failed.
    failed: Option<StoreError>,
}

/// A transaction that writes.
pub(crate) struct Tx {
    reader: Reader,
    /// What the job has changed so far.
    changed: Vec<Changed>,
}

pub(super) enum Connection {
    Sqlite(SqliteConnection),
    SqlitePooled(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTransaction(Transaction<'static, Postgres>),
}

/// The driver's connection, by engine.
pub(super) enum Engine<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Reader {
    pub(super) fn new(connection: Connection, place: Arc<str>) -> Self {
        Self { connection, place, prepares: true, failed: None }
    }

    /// As [`new`](Self::new), behind a pooler.
    pub(super) fn unprepared(connection: Connection, place: Arc<str>) -> Self {
        Self { prepares: false, ..Self::new(connection, place) }
    }

    pub(super) fn engine(&mut self) -> Engine<'_> {
        match &mut self.connection {
            Connection::Sqlite(connection) => Engine::Sqlite(connection),
            Connection::SqlitePooled(connection) => Engine::Sqlite(connection),
            Connection::Postgres(connection) => Engine::Postgres(connection),
            Connection::PostgresTransaction(transaction) => Engine::Postgres(transaction),
        }
    }

    /// What a statement gave. A failure is kept: what follows it in a transaction counts for nothing on PostgreSQL, so
    /// it shall not on any engine.
    pub(super) fn checked<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|error| {
            let error = StoreError::of(&error, &self.place);
            self.failed.get_or_insert_with(|| error.clone());
            error
        })
    }
}

impl Tx {
    pub(super) fn new(reader: Reader) -> Self {
        Self { reader, changed: Vec::new() }
    }

    pub(super) fn into_connection(self) -> Connection {
        self.reader.connection
    }

    /// Tells whoever waits, once it is committed.
    pub(super) fn changed(&mut self, changed: Changed) {
        if !self.changed.contains(&changed) {
            self.changed.push(changed);
        }
    }

    /// What was changed since the last time that this was asked.
    pub(super) fn take_changed(&mut self) -> Vec<Changed> {
        std::mem::take(&mut self.changed)
    }

    /// The first failure since the last time that this was asked.
    pub(super) fn take_failure(&mut self) -> Option<StoreError> {
        self.reader.failed.take()
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
            $crate::store::engine::Engine::Postgres($connection) => $run,
        };
        $reader.checked(result)
    }};
}
pub(super) use on_engine;

/// Runs a text; the number of rows that it changed.
macro_rules! execute {
    ($reader:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let prepares = $reader.prepares;
        $crate::store::engine::on_engine!($reader, connection => {
            sqlx::query($sql)$(.bind($bind))*.persistent(prepares).execute(connection).await.map(|done| done.rows_affected())
        })
    }};
}
pub(super) use execute;

/// The row that a text finds, if any.
macro_rules! optional {
    ($reader:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let prepares = $reader.prepares;
        $crate::store::engine::on_engine!($reader, connection => {
            sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.persistent(prepares).fetch_optional(connection).await
        })
    }};
}
pub(super) use optional;

/// The rows that a text finds.
macro_rules! all {
    ($reader:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let prepares = $reader.prepares;
        $crate::store::engine::on_engine!($reader, connection => {
            sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.persistent(prepares).fetch_all(connection).await
        })
    }};
}
pub(super) use all;
