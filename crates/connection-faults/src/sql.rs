//! Direct access to a database with SQL, as another program with write access has.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    time::Duration,
};

use connection_contract::encode;
use connection_core::{ConnectionId, ManualClock};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};

use crate::postgres::is_engine;

/// A database, by its engine.
#[derive(Clone, Debug)]
pub enum Database {
    /// A SQLite file.
    File(PathBuf),
    /// A database on a PostgreSQL server.
    Server(Box<PgConnectOptions>),
}

impl Database {
    /// Returns the database at an address: the path of a file, or the address of a PostgreSQL server.
    pub fn at(address: &str) -> Self {
        match address.starts_with("postgres") {
            true => Self::Server(Box::new(address.parse().unwrap())),
            false => Self::File(address.into()),
        }
    }
}

/// The time for which a statement waits for the write lock of a file, on a disk that is slow.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum number of times in one second of a clock that sleepers are waited for, which may wait for time to pass.
const ROUNDS_OF_SLEEPERS: usize = 20;
/// Maximum number of times in one second of a clock that the end of a lease is waited for.
const ROUNDS_OF_LEASES: usize = 1_000;

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

thread_local! {
    /// The connection to a server that this thread used last. A server takes some milliseconds to begin one.
    static KEPT: RefCell<Option<(PgConnectOptions, PgConnection)>> = const { RefCell::new(None) };
}

/// Runs an expression on a connection other than those of the program under test.
macro_rules! on {
    ($database:expr, $connection:ident => $run:expr) => {
        match open($database).await {
            Connection::Sqlite(mut open) => {
                let $connection = &mut open;
                let result = $run.unwrap();
                open.close().await.unwrap();
                result
            }
            Connection::Postgres(mut open) => {
                let $connection = &mut open;
                let result = $run.unwrap();
                keep($database, open);
                result
            }
        }
    };
}

/// Runs one statement, and returns how many rows it changed.
pub async fn run(database: &Database, sql: impl Into<String>) -> u64 {
    let sql = AssertSqlSafe(sql.into());
    on!(database, connection => sqlx::query(sql).execute(connection).await.map(|done| done.rows_affected()))
}

/// Returns the error of the engine for a statement that it refuses.
pub async fn refusal(database: &Database, sql: impl Into<String>) -> String {
    let sql = AssertSqlSafe(sql.into());
    let refused = on!(database, connection => Ok::<_, ()>(sqlx::query(sql).execute(connection).await.map(drop)));
    refused.unwrap_err().to_string()
}

/// Runs statements one after another on a new connection, and returns how many rows they changed.
pub async fn script(database: &Database, sql: impl Into<String>) -> u64 {
    let statements = sqlx::raw_sql(AssertSqlSafe(sql.into()));
    match connect(database).await {
        Connection::Sqlite(mut connection) => {
            let done = statements.execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            done.rows_affected()
        }
        Connection::Postgres(mut connection) => {
            let done = statements.execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            done.rows_affected()
        }
    }
}

/// Returns the number that a query finds; `None` for no row or `NULL`.
pub async fn number(database: &Database, sql: impl Into<String>) -> Option<i64> {
    let sql = AssertSqlSafe(format!("SELECT CAST(({}) AS BIGINT)", sql.into()));
    on!(database, connection => sqlx::query_as::<_, (Option<i64>,)>(sql).fetch_one(connection).await).0
}

/// Returns the bytes of one value.
pub async fn blob(database: &Database, sql: impl Into<String>) -> Vec<u8> {
    let sql = AssertSqlSafe(sql.into());
    on!(database, connection => sqlx::query_as::<_, (Vec<u8>,)>(sql).fetch_one(connection).await).0
}

/// Returns the texts that a query finds, in its order.
pub async fn texts(database: &Database, sql: impl Into<String>) -> Vec<String> {
    let sql = AssertSqlSafe(sql.into());
    let found = on!(database, connection => sqlx::query_as::<_, (String,)>(sql).fetch_all(connection).await);
    found.into_iter().map(|(text,)| text).collect()
}

/// Returns the id that a query selects, as text.
pub async fn uuid(database: &Database, sql: impl Into<String>) -> String {
    let hex = texts(database, format!("SELECT lower(hex(({})))", sql.into())).await.remove(0);
    [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap()).join("-")
}

/// Returns every row of our tables, as text, to show that a request changed nothing.
pub async fn rows(database: &Database) -> Vec<String> {
    // The name of each table, and the expression for the text of its rows.
    let tables = match database {
        Database::File(_) => {
            "SELECT t.name, group_concat('quote(\"' || c.name || '\")', ' || ''|'' || ') \
             FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
             WHERE t.type = 'table' AND t.name LIKE 'connection\\_%' ESCAPE '\\' GROUP BY t.name ORDER BY t.name"
        }
        Database::Server(_) => {
            "SELECT table_name::text, 't::text' FROM information_schema.tables \
             WHERE table_schema = 'public' AND table_name LIKE 'connection\\_%' ORDER BY 1"
        }
    };
    on!(database, connection => {
        let mut found = Vec::new();
        for (table, row) in sqlx::query_as::<_, (String, String)>(tables).fetch_all(&mut *connection).await.unwrap() {
            let sql = AssertSqlSafe(format!("SELECT '{table} ' || {row} FROM {table} AS t ORDER BY 1"));
            let rows = sqlx::query_as::<_, (String,)>(sql).fetch_all(&mut *connection).await.unwrap();
            found.extend(rows.into_iter().map(|(row,)| row));
        }
        Ok::<_, ()>(found)
    })
}

/// Looks at the database that many times for each of these seconds, so that tasks of this thread go on, and calls
/// `begin` at the begin of each second. A second ends no earlier than the commits that it began, however slow the disk is.
pub async fn look_on(database: &Database, seconds: i64, looks: usize, begin: impl FnMut()) {
    look(database, None, seconds, looks, begin).await;
}

/// Lets seconds pass on the clock of a registry. A second ends no earlier than the work that it began; see [`settle`].
pub async fn pass(database: &Database, clock: &ManualClock, seconds: i64) {
    look(database, Some(clock), seconds, moment(database), || clock.advance(Duration::from_secs(1))).await;
}

/// Waits, while no time passes, until a registry has no work under way: nothing is being committed, no refresh has a lease,
/// and nobody but one scheduler sleeps on the clock, which does so again if it did before.
///
/// Work that ends only when time passes is not waited for without end.
pub async fn settle(database: &Database, clock: &ManualClock) {
    look(database, Some(clock), 1, moment(database), || ()).await;
}

/// Returns the number of looks in which a task that was woken begins its work.
fn moment(database: &Database) -> usize {
    match database {
        Database::File(_) => 20,
        Database::Server(_) => 120,
    }
}

async fn look(database: &Database, clock: Option<&ManualClock>, seconds: i64, looks: usize, mut begin: impl FnMut()) {
    const LEASED: &str = "SELECT COUNT(*) FROM connection_liveness WHERE lease_owner IS NOT NULL";
    // A writer holds the write lock of a file until its commit is on the disk. A server shows what each connection does.
    let committed = match database {
        Database::File(_) => "BEGIN IMMEDIATE; ROLLBACK",
        Database::Server(_) => {
            "DO $$ BEGIN FOR i IN 1..5000 LOOP PERFORM pg_stat_clear_snapshot(); \
             EXIT WHEN NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND backend_type = 'client backend' \
             AND state IN ('active', 'idle in transaction')); PERFORM pg_sleep(0.001); END LOOP; END $$"
        }
    };
    let has_scheduler = match clock {
        Some(clock) => is_now(clock.until_asleep(1)).await,
        None => false,
    };
    on!(database, connection => {
        for _ in 0..seconds {
            begin();
            for round in 1.. {
                for _ in 1..looks {
                    sqlx::query("SELECT 1").execute(&mut *connection).await.unwrap();
                }
                sqlx::raw_sql(committed).execute(&mut *connection).await.unwrap();
                let Some(clock) = clock else { break };
                let (leased,) = sqlx::query_as::<_, (i64,)>(LEASED).fetch_one(&mut *connection).await.unwrap();
                let most = match (leased, rests(clock, has_scheduler).await) {
                    (0, true) => 0,
                    (0, false) => ROUNDS_OF_SLEEPERS,
                    _ => ROUNDS_OF_LEASES,
                };
                if round >= most {
                    break;
                }
            }
        }
        Ok::<_, ()>(())
    });
}

/// Returns `true` if nobody sleeps on the clock but a scheduler, which sleeps between its rounds. Whatever a registry asks a
/// provider or a plugin for has a time limit, and so a sleeper.
async fn rests(clock: &ManualClock, has_scheduler: bool) -> bool {
    is_now(clock.until_awake(1)).await && (!has_scheduler || is_now(clock.until_asleep(1)).await)
}

/// Returns `true` if the future is ready when it is first polled.
async fn is_now(condition: impl Future<Output = ()>) -> bool {
    tokio::select! {
        biased;
        () = condition => true,
        () = std::future::ready(()) => false,
    }
}

/// Makes writes of one sort fail: `INSERT ON connection_setup_effect WHEN NEW.seq = 0`.
pub async fn refuse(database: &Database, of: &str) {
    let (event, when) =
        of.split_once(" WHEN ").map_or((of, String::new()), |(of, when)| (of, format!("WHEN ({when})")));
    let sql = match database {
        Database::File(_) => {
            format!("CREATE TRIGGER trip BEFORE {event} {when} BEGIN SELECT RAISE(ABORT, 'trip'); END")
        }
        Database::Server(_) => format!(
            "CREATE FUNCTION trip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trip'; END $$; \
             CREATE TRIGGER trip BEFORE {event} FOR EACH ROW {when} EXECUTE FUNCTION trip()"
        ),
    };
    script(database, sql).await;
}

/// Removes the trigger that [`refuse`] created.
pub async fn refuse_no_more(database: &Database) {
    let sql = match database {
        Database::File(_) => "DROP TRIGGER trip",
        Database::Server(_) => "DROP FUNCTION trip() CASCADE",
    };
    script(database, sql).await;
}

/// Returns all columns of our tables, each as `table.column`.
pub async fn columns(database: &Database) -> Vec<String> {
    let sql = match database {
        Database::File(_) => {
            "SELECT t.name || '.' || c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
             WHERE t.type = 'table' AND t.name LIKE 'connection\\_%' ESCAPE '\\' ORDER BY 1"
        }
        Database::Server(_) => {
            "SELECT c.table_name || '.' || c.column_name FROM information_schema.columns AS c \
             JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
             WHERE c.table_schema = 'public' AND c.table_name LIKE 'connection\\_%' AND t.table_type = 'BASE TABLE' \
             ORDER BY 1"
        }
    };
    texts(database, sql).await
}

/// Returns all stored bytes: the files of a file database, or every value of one on a server.
pub async fn everything(database: &Database) -> Vec<u8> {
    let options = match database {
        Database::File(path) => {
            return contents(path.parent().unwrap());
        }
        Database::Server(options) => options,
    };
    let mut connection = options.connect().await.unwrap();
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name LIKE 'connection\\_%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut all = Vec::new();
    for (table, column, of) in columns {
        let bytes = if of == "bytea" { column } else { format!("convert_to({column}::text, 'UTF8')") };
        let sql = AssertSqlSafe(format!("SELECT {bytes} FROM {table} WHERE {bytes} IS NOT NULL"));
        let values: Vec<(Vec<u8>,)> = sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
        all.extend(values.into_iter().flat_map(|(bytes,)| bytes));
    }
    all
}

/// Returns the contents of all files in and below a directory.
fn contents(directory: &Path) -> Vec<u8> {
    let read = |path: PathBuf| if path.is_dir() { contents(&path) } else { std::fs::read(path).unwrap() };
    std::fs::read_dir(directory).unwrap().flat_map(|entry| read(entry.unwrap().path())).collect()
}

/// Returns bytes as an SQL literal.
pub fn literal(bytes: &[u8]) -> String {
    let hex = encode::hex(bytes);
    if is_engine() { format!("'\\x{hex}'::bytea") } else { format!("X'{hex}'") }
}

/// Removes the triggers that protect events, as an attacker would who hides an action.
pub async fn unlock_events(database: &Database) {
    let sql = match database {
        Database::File(_) => {
            "DROP TRIGGER connection_event_no_update; DROP TRIGGER connection_event_no_delete; \
             DROP TRIGGER connection_row_event_no_update; DROP TRIGGER connection_row_event_no_delete"
        }
        Database::Server(_) => {
            "DROP TRIGGER connection_event_no_change ON connection_event; \
             DROP TRIGGER connection_row_event_no_change ON connection_row_event"
        }
    };
    script(database, sql).await;
}

/// Returns the id of a connection as an SQL literal.
pub fn id(id: ConnectionId) -> String {
    id_of(id)
}

/// Returns any other id as an SQL literal.
pub fn id_of(id: impl ToString) -> String {
    let id = id.to_string();
    if is_engine() { format!("'{id}'::uuid") } else { format!("X'{}'", id.replace('-', "")) }
}

/// Returns a connection, which is the one that was kept if it leads to the same server.
async fn open(database: &Database) -> Connection {
    if let Database::Server(options) = database
        && let Some((of, mut connection)) = KEPT.take()
        && is_same(&of, options)
        && connection.ping().await.is_ok()
    {
        return Connection::Postgres(connection);
    }
    connect(database).await
}

async fn connect(database: &Database) -> Connection {
    match database {
        Database::File(path) => {
            let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT);
            Connection::Sqlite(options.connect().await.unwrap())
        }
        Database::Server(options) => Connection::Postgres(options.connect().await.unwrap()),
    }
}

/// Keeps a connection to a server for the next statement.
fn keep(database: &Database, connection: PgConnection) {
    if let Database::Server(options) = database {
        KEPT.set(Some(((**options).clone(), connection)));
    }
}

fn is_same(one: &PgConnectOptions, other: &PgConnectOptions) -> bool {
    let place = |options: &PgConnectOptions| {
        (options.get_host().to_owned(), options.get_port(), options.get_database().map(str::to_owned))
    };
    place(one) == place(other) && one.get_username() == other.get_username()
}
