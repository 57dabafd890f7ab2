//! A connection to the engine in use, and how query texts are run on it.
//!
//! Reading methods are on [`Reader`] and writing ones on [`Tx`], which also reads and sees its own writes. Each
//! method is one query text with its binds; the macros run it on the engine of the connection.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

#[cfg(feature = "postgres")]
use sqlx::PgConnection;
#[cfg(feature = "sqlite")]
use sqlx::{Sqlite, SqliteConnection, error::BoxDynError, pool::PoolConnection, sqlite::SqliteArguments};

#[cfg(feature = "postgres")]
use super::postgres::{Lender, LentConnection};
#[cfg(feature = "sqlite")]
use super::sqlite::{LentReader, Together};
use super::{CarriedRequest, StoreError, rows::NewestEvent, signals::Changed};

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
    /// The statements that run together with the next one, in the same round trip to the driver.
    #[cfg(feature = "sqlite")]
    pub(super) together: Together,
}

/// A transaction that writes, with the changes to signal after its commit.
pub(crate) struct Tx {
    reader: Reader,
    /// The changes of the job so far.
    changed: Vec<Changed>,
    /// The event that the job appended last.
    appended: Option<NewestEvent>,
    /// The request under a key for which the job works.
    attempt: Option<CarriedRequest>,
    /// `true` if the job takes something back.
    withdraws: bool,
}

pub(super) enum Connection {
    /// The connection died, and no other was available.
    #[cfg(feature = "postgres")]
    Lost,
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteConnection),
    #[cfg(feature = "sqlite")]
    SqliteLent(LentReader),
    #[cfg(feature = "sqlite")]
    SqlitePooled(PoolConnection<Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(LentConnection),
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
            together: Together::default(),
        }
    }

    /// Creates a reader that takes connections from `lender`, also when one dies.
    #[cfg(feature = "postgres")]
    pub(super) async fn from_lender(mut lender: Lender, place: Arc<str>) -> Result<Self, StoreError> {
        let connection = lender.lend().await.map_err(|error| StoreError::of(&error, &place))?;
        let reader = if lender.is_pooled() { Self::unprepared } else { Self::new };
        Ok(Self { lender: Some(lender), ..reader(connection, place) })
    }

    /// Creates a reader as [`new`](Self::new) does, for a connection through a pooler.
    #[cfg(feature = "postgres")]
    pub(super) fn unprepared(connection: Connection, place: Arc<str>) -> Self {
        Self { prepares: false, ..Self::new(connection, place) }
    }

    /// Returns `true` if a statement may wait for the next one.
    #[cfg(feature = "sqlite")]
    pub(super) fn can_wait(&self) -> bool {
        self.together.can_wait() && matches!(self.connection, Connection::Sqlite(_) | Connection::SqlitePooled(_))
    }

    /// Lets a statement wait for the next one.
    #[cfg(feature = "sqlite")]
    pub(super) fn wait(
        &mut self,
        sql: &'static str,
        bind: impl FnOnce(&mut SqliteArguments) -> Result<(), BoxDynError>,
    ) -> Result<(), StoreError> {
        let added = self.together.wait(sql, bind);
        self.checked(added)
    }

    /// Rolls back the previous job of the batch if a statement failed because of it, and then returns `true`: the
    /// statement is run again.
    #[cfg(feature = "sqlite")]
    pub(super) async fn is_of_previous(&mut self, error: &sqlx::Error) -> bool {
        let Some(undo) = self.together.take_undo() else { return false };
        // If all statements of the previous job ran, its savepoint has ended, and this fails.
        let undone = match self.engine() {
            Engine::Sqlite(connection) => sqlx::query(undo).execute(connection).await.is_ok(),
            _ => false,
        };
        if undone {
            self.together.previous_failed(StoreError::of(error, &self.place));
        }
        undone
    }

    /// Returns `false`: no statement runs together with those of another job.
    #[cfg(not(feature = "sqlite"))]
    pub(super) async fn is_of_previous(&mut self, _: &sqlx::Error) -> bool {
        false
    }

    pub(super) fn engine(&mut self) -> Engine<'_> {
        #[cfg(feature = "sqlite")]
        if !self.together.is_allowed() {
            return Engine::Lost;
        }
        match &mut self.connection {
            #[cfg(feature = "postgres")]
            Connection::Lost => Engine::Lost,
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(connection) => Engine::Sqlite(connection),
            #[cfg(feature = "sqlite")]
            Connection::SqliteLent(connection) => Engine::Sqlite(connection),
            #[cfg(feature = "sqlite")]
            Connection::SqlitePooled(connection) => Engine::Sqlite(connection),
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => {
                connection.statement_begins();
                Engine::Postgres(connection)
            }
        }
    }

    /// Replaces the connection of a failed statement if it has died. Returns `true` if the statement can be run
    /// again.
    #[cfg(feature = "postgres")]
    pub(super) async fn is_replaced(&mut self, error: &sqlx::Error) -> bool {
        let Some(lender) = self.lender.as_mut().filter(|_| is_of_node(error)) else { return false };
        if let Connection::Postgres(connection) = &mut self.connection {
            connection.statement_failed(error);
        }
        // The dead connection is returned first, because the pool may have no room for another one.
        self.connection = Connection::Lost;
        // Without another connection, the caller gets the error of the statement.
        let Ok(another) = lender.replace(error).await else { return false };
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
        self.together.ended(result.is_ok());
        #[cfg(feature = "postgres")]
        if let Connection::Postgres(connection) = &mut self.connection {
            match &result {
                Ok(_) => connection.statement_ended(),
                Err(error) => connection.statement_failed(error),
            }
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
        Self { reader, changed: Vec::new(), appended: None, attempt: None, withdraws: false }
    }

    /// Returns the request under a key for which the job works.
    pub(super) fn attempt(&self) -> Option<CarriedRequest> {
        self.attempt
    }

    pub(super) fn set_attempt(&mut self, attempt: Option<CarriedRequest>) {
        self.attempt = attempt;
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

    /// Notes that the job takes back something by which other processes may still decide uses. The job counts one
    /// withdrawal when it ends.
    pub(crate) fn withdraws(&mut self) {
        self.withdraws = true;
    }

    /// Returns `true` if the job takes something back, and forgets it.
    pub(super) fn take_withdraws(&mut self) -> bool {
        std::mem::take(&mut self.withdraws)
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

/// The codes of a connection that failed: the server shuts down or ends this connection, or something in between lost it
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
#[cfg(feature = "postgres")]
const OF_DEAD: &[&str] = &["57P01", "57P02", "08003", "08006"];

/// The other codes that are about the node and not about a statement: it takes no writes, is not ready, or has ended a
/// database, an idle connection or an idle transaction.
#[cfg(feature = "postgres")]
const OF_NODE: &[&str] = &["25006", "25P03", "57P03", "57P04", "57P05"];

/// Returns `true` if the connection failed.
#[cfg(feature = "postgres")]
pub(super) fn is_dead(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_)) || has_code(error, OF_DEAD)
}

/// Returns `true` if the error is not about a statement, so that every connection to this node may fail alike. The code
/// decides, because the text is in the language of the server.
#[cfg(feature = "postgres")]
pub(super) fn is_of_node(error: &sqlx::Error) -> bool {
    is_dead(error) || has_code(error, OF_NODE)
}

#[cfg(feature = "postgres")]
fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| codes.contains(&&*code))
}

/// Runs a query of a text with the driver's connection, once per engine. Only for statements that only read: if the
/// connection is dead, the query runs again with another one.
macro_rules! read_on_engine {
    ($reader:expr, [$text:expr $(, $bind:expr)*], ($query:ident, $connection:ident) => $run:expr) => {{
        let result = loop {
            #[cfg(feature = "sqlite")]
            let ready = $reader.together.ready($text);
            let prepares = $reader.prepares;
            let result = match $reader.engine() {
                $crate::store::engine::Engine::Lost => Err(sqlx::Error::PoolTimedOut),
                #[cfg(feature = "sqlite")]
                $crate::store::engine::Engine::Sqlite($connection) => {
                    let $query = sqlx::query_with(ready.sql, ready.arguments)$(.bind($bind))*.persistent(prepares);
                    $run
                }
                #[cfg(feature = "postgres")]
                $crate::store::engine::Engine::Postgres($connection) => {
                    let $query = sqlx::query($text)$(.bind($bind))*.persistent(prepares);
                    // A future of its own, because those of many queries would be too large for the stack of a thread.
                    $crate::store::postgres::answered(Box::pin(async move { $run })).await
                }
            };
            match result {
                Err(error) if $reader.is_of_previous(&error).await || $reader.is_replaced(&error).await => {}
                result => break result,
            }
        };
        $reader.checked(result)
    }};
}

pub(super) use read_on_engine;

#[cfg(all(test, feature = "workspace-tests"))]
pub(super) use super::tests::texts::is_noted;

/// Returns `true` while a test collects the query texts instead of running them.
#[cfg(not(all(test, feature = "workspace-tests")))]
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
            let done = loop {
                #[cfg(feature = "sqlite")]
                let ready = $reader.together.ready($sql);
                let done = match $reader.engine() {
                    $crate::store::engine::Engine::Lost => Err(sqlx::Error::PoolTimedOut),
                    #[cfg(feature = "sqlite")]
                    $crate::store::engine::Engine::Sqlite(connection) => {
                        let query = sqlx::query_with(ready.sql, ready.arguments)$(.bind($bind))*.persistent(prepares);
                        let ran = sqlx::Executor::fetch_many(connection, query);
                        $crate::store::sqlite::changed(ran, ready.statements).await
                    }
                    #[cfg(feature = "postgres")]
                    $crate::store::engine::Engine::Postgres(connection) => {
                        let query = sqlx::query($sql)$(.bind($bind))*.persistent(prepares);
                        let done = $crate::store::postgres::answered(Box::pin(query.execute(connection))).await;
                        done.map(|done| done.rows_affected())
                    }
                };
                match done {
                    Err(error) if $reader.is_of_previous(&error).await => {}
                    done => break done,
                }
            };
            $reader.checked(done)
        }
    }};
}

pub(super) use execute;

/// Runs a text at the latest with the next statement of the job, or with its commit. The error of the text may be that of
/// the later statement, or of the job.
#[cfg(feature = "sqlite")]
macro_rules! later {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        if $crate::store::engine::is_noted(file!(), line!(), $sql, |_| {}) {
            Ok(())
        } else if $tx.can_wait() {
            $tx.wait($sql, |_arguments| {
                $(sqlx::Arguments::add(_arguments, $bind)?;)*
                Ok(())
            })
        } else {
            $crate::store::engine::execute!($tx, $sql $(, $bind)*).map(drop)
        }
    }};
}

/// Runs a text now: on PostgreSQL, no statement waits.
#[cfg(not(feature = "sqlite"))]
macro_rules! later {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::engine::execute!($tx, $sql $(, $bind)*).map(drop)
    };
}

pub(super) use later;

/// Returns the row that a text finds, if any.
macro_rules! optional {
    ($reader:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let columns = |names: &mut Vec<_>| <$row as $crate::store::columns::FromColumns>::names("", names);
        if $crate::store::engine::is_noted(file!(), line!(), $sql, columns) {
            Ok(None)
        } else {
            $crate::store::engine::read_on_engine!($reader, [$sql $(, $bind)*], (query, connection) => {
                query.try_map(|row| $crate::store::columns::decoded::<$row>(&row)).fetch_optional(connection).await
            })
        }
    }};
}

pub(super) use optional;

/// Returns the rows that a text finds.
macro_rules! all {
    ($reader:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let columns = |names: &mut Vec<_>| <$row as $crate::store::columns::FromColumns>::names("", names);
        if $crate::store::engine::is_noted(file!(), line!(), $sql, columns) {
            Ok(Vec::new())
        } else {
            $crate::store::engine::read_on_engine!($reader, [$sql $(, $bind)*], (query, connection) => {
                // The rows are decoded after the last one has arrived, because the driver's thread and this one would
                // otherwise compete for the same locks of the allocator.
                let rows = query.fetch_all(connection).await;
                rows.and_then(|rows| rows.iter().map($crate::store::columns::decoded::<$row>).collect())
            })
        }
    }};
}

pub(super) use all;
