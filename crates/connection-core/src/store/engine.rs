//! A connection to the engine in use, and how query texts are run on it.
//!
//! Reading methods are on [`Reader`] and writing ones on [`Tx`], which also reads and sees its own writes. Each
//! method is one query text with its binds; the macros run it on the engine of the connection.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

#[cfg(feature = "sqlite")]
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};
#[cfg(feature = "postgres")]
use sqlx::{PgConnection, Postgres, Transaction};
use sqlx::{SqlSafeStr as _, SqlStr, pool::PoolConnection};

#[cfg(feature = "postgres")]
use super::postgres::Lender;
use super::{StoreError, changes::Changed, rows::NewestEvent};

/// A connection that reads rows.
pub(crate) struct Reader {
    pub(super) connection: Connection,
    pub(super) place: Arc<str>,
    /// `true` if statements may be prepared on the server. A pooler does not allow that.
    pub(super) prepares: bool,
    /// The source of another connection if this one dies. A job has none, because its earlier work would be lost.
    #[cfg(feature = "postgres")]
    lender: Option<Lender>,
    /// The error of the first statement that failed.
    failed: Option<StoreError>,
    /// Statements to run before the next one, in the same round trip to the driver.
    #[cfg(feature = "sqlite")]
    before: Option<Before>,
    /// The state of the transaction that a statement begins.
    #[cfg(feature = "sqlite")]
    begun: Begun,
}

/// The state of a transaction that begins with the first statement of its job.
#[cfg(feature = "sqlite")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    /// The transaction has begun, or none is needed.
    Yes,
    /// The statement that is running begins it.
    Now,
    /// The statement failed, and perhaps no transaction has begun. Further statements are refused, because without a
    /// transaction each would be committed at once.
    Perhaps,
}

/// Statements of the writer that run together with the next statement of a job.
#[cfg(feature = "sqlite")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    /// The text, which ends with a semicolon.
    pub(super) sql: &'static str,
    /// The number of statements in the text.
    pub(super) statements: usize,
    /// `true` if the text begins a transaction.
    pub(super) is_begin: bool,
}

/// A transaction that writes.
pub(crate) struct Tx {
    reader: Reader,
    /// The changes of the job so far.
    changed: Vec<Changed>,
    /// The event that the job appended last.
    appended: Option<NewestEvent>,
}

pub(super) enum Connection {
    /// The connection died, and no other was available.
    #[cfg(feature = "postgres")]
    Lost,
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteConnection),
    #[cfg(feature = "sqlite")]
    SqlitePooled(PoolConnection<Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(PoolConnection<Postgres>),
    #[cfg(feature = "postgres")]
    PostgresTransaction(Transaction<'static, Postgres>),
}

/// The driver's connection, by engine.
pub(super) enum Engine<'c> {
    /// There is no connection on which a statement may run.
    Lost,
    #[cfg(feature = "sqlite")]
    Sqlite(&'c mut SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(&'c mut PgConnection),
}

impl Reader {
    pub(super) fn new(connection: Connection, place: Arc<str>) -> Self {
        Self {
            connection,
            place,
            prepares: true,
            #[cfg(feature = "postgres")]
            lender: None,
            failed: None,
            #[cfg(feature = "sqlite")]
            before: None,
            #[cfg(feature = "sqlite")]
            begun: Begun::Yes,
        }
    }

    /// Creates a reader that takes connections from `lender`, also when one dies.
    #[cfg(feature = "postgres")]
    pub(super) async fn lent(mut lender: Lender, place: Arc<str>) -> Result<Self, StoreError> {
        let connection = lender.lend().await.map_err(|error| StoreError::of(&error, &place))?;
        let reader = if lender.is_pooled() { Self::unprepared } else { Self::new };
        Ok(Self { lender: Some(lender), ..reader(connection, place) })
    }

    /// Creates a reader as [`new`](Self::new) does, for a connection through a pooler.
    #[cfg(feature = "postgres")]
    pub(super) fn unprepared(connection: Connection, place: Arc<str>) -> Self {
        Self { prepares: false, ..Self::new(connection, place) }
    }

    /// Runs these statements before the next one.
    #[cfg(feature = "sqlite")]
    pub(super) fn run_before(&mut self, before: Option<Before>) {
        self.before = before;
    }

    /// Returns `true` if no statement was run since [`run_before`](Self::run_before).
    #[cfg(feature = "sqlite")]
    pub(super) fn is_untouched(&self) -> bool {
        self.before.is_some()
    }

    /// Allows statements again after one that should have begun a transaction failed.
    #[cfg(feature = "sqlite")]
    pub(super) fn allow_statements(&mut self) {
        self.begun = Begun::Yes;
    }

    /// Returns the text to run for `sql`, and the number of its statements.
    pub(super) fn text(&mut self, sql: &'static str) -> (SqlStr, usize) {
        #[cfg(feature = "sqlite")]
        if let Some(before) = self.before.take() {
            if before.is_begin {
                self.begun = Begun::Now;
            }
            // Both parts are constants.
            return (AssertSqlSafe([before.sql, sql].concat()).into_sql_str(), before.statements + 1);
        }
        (sql.into_sql_str(), 1)
    }

    pub(super) fn engine(&mut self) -> Engine<'_> {
        #[cfg(feature = "sqlite")]
        if self.begun == Begun::Perhaps {
            return Engine::Lost;
        }
        match &mut self.connection {
            #[cfg(feature = "postgres")]
            Connection::Lost => Engine::Lost,
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(connection) => Engine::Sqlite(connection),
            #[cfg(feature = "sqlite")]
            Connection::SqlitePooled(connection) => Engine::Sqlite(connection),
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => Engine::Postgres(connection),
            #[cfg(feature = "postgres")]
            Connection::PostgresTransaction(transaction) => Engine::Postgres(transaction),
        }
    }

    /// Replaces the connection of a failed statement if it has died. Returns `true` if the statement can be run
    /// again.
    #[cfg(feature = "postgres")]
    pub(super) async fn is_replaced(&mut self, error: &sqlx::Error) -> bool {
        let Some(lender) = self.lender.as_mut().filter(|_| is_dead(error)) else { return false };
        // The dead connection is returned first, because the pool may have no room for another one.
        self.connection = Connection::Lost;
        // Without another connection, the caller gets the error of the statement.
        let Ok(another) = lender.lend().await else { return false };
        self.connection = another;
        true
    }

    /// Returns `false`: a connection to a file does not die.
    #[cfg(not(feature = "postgres"))]
    pub(super) async fn is_replaced(&mut self, _: &sqlx::Error) -> bool {
        false
    }

    /// Returns the result of a statement, and remembers the first failure. On PostgreSQL, nothing in a transaction is
    /// kept after a statement has failed; remembering the failure gives every engine the same behaviour.
    pub(super) fn checked<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        #[cfg(feature = "sqlite")]
        if self.begun == Begun::Now {
            self.begun = if result.is_ok() { Begun::Yes } else { Begun::Perhaps };
        }
        result.map_err(|error| {
            let error = StoreError::of(&error, &self.place);
            self.failed.get_or_insert_with(|| error.clone());
            error
        })
    }
}

impl Tx {
    pub(super) fn new(reader: Reader) -> Self {
        Self { reader, changed: Vec::new(), appended: None }
    }

    pub(super) fn into_connection(self) -> Connection {
        self.reader.connection
    }

    /// Adds a signal to send after the commit.
    pub(super) fn changed(&mut self, changed: Changed) {
        if !self.changed.contains(&changed) {
            self.changed.push(changed);
        }
    }

    /// Returns the event that the job appended last, and forgets it.
    pub(super) fn take_appended(&mut self) -> Option<NewestEvent> {
        self.appended.take()
    }

    pub(super) fn set_appended(&mut self, event: Option<NewestEvent>) {
        self.appended = event;
    }

    /// Returns the changes since the last call.
    pub(super) fn take_changed(&mut self) -> Vec<Changed> {
        std::mem::take(&mut self.changed)
    }

    /// Returns the first failure since the last call.
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

/// Returns `true` if the connection failed. With 57P01 and 57P02, the server shuts down or ends this connection
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
#[cfg(feature = "postgres")]
pub(super) fn is_dead(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P01" || code == "57P02"),
        _ => false,
    }
}

/// Runs an expression with the driver's connection, once per engine.
macro_rules! on_engine {
    ($reader:expr, $connection:ident => $run:expr) => {
        match $reader.engine() {
            $crate::store::engine::Engine::Lost => Err(sqlx::Error::PoolTimedOut),
            #[cfg(feature = "sqlite")]
            $crate::store::engine::Engine::Sqlite($connection) => $run,
            #[cfg(feature = "postgres")]
            $crate::store::engine::Engine::Postgres($connection) => $run,
        }
    };
}

pub(super) use on_engine;

/// Runs an expression as [`on_engine`] does, and again with another connection if the connection is dead. Only for
/// statements that only read.
macro_rules! read_on_engine {
    ($reader:expr, $text:expr, $sql:ident, $connection:ident => $run:expr) => {{
        let result = loop {
            let ($sql, _) = $reader.text($text);
            match $crate::store::engine::on_engine!($reader, $connection => $run) {
                Err(error) if $reader.is_replaced(&error).await => {}
                result => break result,
            }
        };
        $reader.checked(result)
    }};
}

pub(super) use read_on_engine;

#[cfg(test)]
pub(super) use super::tests::texts::is_noted;

/// Returns `true` while a test collects the query texts instead of running them.
#[cfg(not(test))]
pub(super) const fn is_noted(_file: &str, _line: u32, _sql: &str, _columns: fn(&mut Vec<&'static str>)) -> bool {
    false
}

/// Runs a text and returns the number of rows that its last statement changed.
macro_rules! execute {
    ($reader:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let prepares = $reader.prepares;
        if $crate::store::engine::is_noted(file!(), line!(), $sql, |_| {}) {
            Ok(1)
        } else {
            let (sql, statements) = $reader.text($sql);
            let done = match $reader.engine() {
                $crate::store::engine::Engine::Lost => Err(sqlx::Error::PoolTimedOut),
                #[cfg(feature = "sqlite")]
                $crate::store::engine::Engine::Sqlite(connection) => {
                    let query = sqlx::query(sql)$(.bind($bind))*.persistent(prepares);
                    $crate::store::sqlite::changed(sqlx::Executor::fetch_many(connection, query), statements).await
                }
                #[cfg(feature = "postgres")]
                $crate::store::engine::Engine::Postgres(connection) => {
                    debug_assert_eq!(statements, 1, "only the writer of SQLite runs several at once");
                    let query = sqlx::query(sql)$(.bind($bind))*.persistent(prepares);
                    query.execute(connection).await.map(|done| done.rows_affected())
                }
            };
            $reader.checked(done)
        }
    }};
}

pub(super) use execute;

/// Returns the row that a text finds, if any.
macro_rules! optional {
    ($reader:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let prepares = $reader.prepares;
        let columns = |names: &mut Vec<_>| <$row as $crate::store::columns::FromColumns>::names("", names);
        if $crate::store::engine::is_noted(file!(), line!(), $sql, columns) {
            Ok(None)
        } else {
            $crate::store::engine::read_on_engine!($reader, $sql, sql, connection => {
                let query = sqlx::query(sql)$(.bind($bind))*.persistent(prepares);
                query.try_map(|row| $crate::store::columns::decoded::<$row>(&row)).fetch_optional(connection).await
            })
        }
    }};
}

pub(super) use optional;

/// Returns the rows that a text finds.
macro_rules! all {
    ($reader:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let prepares = $reader.prepares;
        let columns = |names: &mut Vec<_>| <$row as $crate::store::columns::FromColumns>::names("", names);
        if $crate::store::engine::is_noted(file!(), line!(), $sql, columns) {
            Ok(Vec::new())
        } else {
            $crate::store::engine::read_on_engine!($reader, $sql, sql, connection => {
                let query = sqlx::query(sql)$(.bind($bind))*.persistent(prepares);
                query.try_map(|row| $crate::store::columns::decoded::<$row>(&row)).fetch_all(connection).await
            })
        }
    }};
}

pub(super) use all;
