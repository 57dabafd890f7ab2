//! Opens a database on a server: by an address, through a pooler, or through a pool of the host.

use std::{sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, PgPool, Row as _,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgRow},
};
use tokio::{runtime::Handle, sync::RwLock};

use super::{
    super::{
        StoreError,
        engine::Reader,
        lock::{SHORT_WAIT, ShortWaits},
        migrate::{self, AppliedMigration},
        part::{OLDEST, Program},
        promotions::TIMELINE,
    },
    Postgres,
    connections::{Connections, answered},
    lender::Lender,
    listen::NotificationListener,
    migrator,
    requirements::{not_connected, refuse_few_connections, refuse_unprepared},
};

/// The maximum time to wait for a connection.
const MAX_DURATION: Duration = Duration::from_secs(10);
/// The maximum time of one attempt to migrate.
const MAX_MIGRATION: Duration = Duration::from_secs(10 * 60);

/// Waits until no other process creates or migrates the tables, and lets no other one do so until the transaction ends.
pub(super) const LOCK_TABLES: &str = "SELECT pg_advisory_xact_lock(hashtextextended('connections/migrations', 0))";

/// Selects what identifies the tables to which a connection leads: the database, and the table of migrations in it.
const TABLES: &str = "SELECT concat_ws(' ', current_database(), to_regclass('connection_migrations')::oid)";

/// Opens a database. With a direct address, `options` are those of a pooler.
pub(in super::super) async fn open(
    options: PgConnectOptions,
    direct: Option<PgConnectOptions>,
    program: &'static Program,
) -> Result<Postgres, StoreError> {
    let place = place(&options);
    let direct = direct.map(without_digits);
    let pooled = direct.is_some();
    let (first, has_timeline) = match &direct {
        Some(direct) => {
            let (has_timeline, tables) = bring_up_at(direct, program).await?;
            let mut first = connect(&options.clone().extra_float_digits(None), &place).await?;
            refuse_other_tables(&mut first, &place, direct, &tables).await?;
            (Some(first), has_timeline)
        }
        None => {
            let (mut first, has_timeline) = migrated(&options, program).await?;
            refuse_few_connections(&mut first, &place).await?;
            (Some(first), has_timeline)
        }
    };
    // Poolers reject this parameter, and the program does not need it.
    let options = options.extra_float_digits(None).disable_statement_logging();
    let ear = NotificationListener::new(direct.unwrap_or_else(|| options.clone()).disable_statement_logging());
    let connections = Connections::own(options, first, place.clone());
    Ok(Postgres { connections, place, program, pooled, has_timeline, open: Arc::new(RwLock::new(true)), ear })
}

/// Opens the pool of the host. With a direct address, its connections lead to a pooler.
pub(in super::super) async fn open_host_pool(
    pool: PgPool,
    direct: Option<PgConnectOptions>,
    host: Option<Handle>,
    program: &'static Program,
) -> Result<Postgres, StoreError> {
    let place = place(&pool.connect_options());
    let direct = direct.map(without_digits);
    let has_timeline = match &direct {
        Some(direct) => {
            let (has_timeline, tables) = bring_up_at(direct, program).await?;
            let connection = pool.acquire().await.map_err(|error| StoreError::of(&error, &place))?;
            let mut connection = connection.detach();
            refuse_other_tables(&mut connection, &place, direct, &tables).await?;
            disconnect(connection).await;
            has_timeline
        }
        None => {
            // Detached from the pool, so that the connection is closed and not reused if the caller drops this
            // half-way.
            let connection = pool.acquire().await.map_err(|error| StoreError::of(&error, &place))?;
            let mut connection = connection.detach();
            let has_timeline = bring_up(&mut connection, program, &place).await?;
            disconnect(connection).await;
            has_timeline
        }
    };
    let pooled = direct.is_some();
    let open = Arc::new(RwLock::new(true));
    let ear = NotificationListener::new(direct.unwrap_or_else(|| pool.connect_options().as_ref().clone()));
    let connections = Connections::of_host(pool, host.unwrap_or_else(Handle::current));
    Ok(Postgres { connections, place, program, pooled, has_timeline, open, ear })
}

/// Opens a connection that reads the tables as they are, and is closed when it is dropped.
pub(in super::super) async fn read_only(options: PgConnectOptions) -> Result<Reader, StoreError> {
    let place = place(&options);
    let options = options.extra_float_digits(None).disable_statement_logging();
    Reader::from_lender(Lender::new(Connections::own(options, None, place.clone()), false), place).await
}

/// Leaves out the parameter that poolers reject, for a direct address that is one of a pooler in session mode.
fn without_digits(options: PgConnectOptions) -> PgConnectOptions {
    options.extra_float_digits(None)
}

/// Migrates the tables at an address that may lead to a pooler. A pooler rejects the parameter `connections.direct`
/// or does not pass it on, which is reported as an error.
pub(in super::super) async fn migrate_at(options: &PgConnectOptions) -> Result<(), StoreError> {
    let (connection, _) = migrated(options, Program::CURRENT).await?;
    disconnect(connection).await;
    Ok(())
}

/// Migrates the tables as [`migrate_at`] does. Returns the connection, and `true` if the server tells its timeline.
async fn migrated(options: &PgConnectOptions, program: &Program) -> Result<(PgConnection, bool), StoreError> {
    let mut connection = connect_directly(options).await?;
    let has_timeline = bring_up(&mut connection, program, &place(options)).await?;
    Ok((connection, has_timeline))
}

/// Connects to a server itself, and not to a pooler.
pub(super) async fn connect_directly(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let place = place(options);
    let mut connection = connect(&options.clone().options([("connections.direct", "yes")]), &place).await?;
    let asked = sqlx::query_as("SELECT current_setting('connections.direct', true)").fetch_one(&mut connection);
    let (mark,): (Option<String>,) = answered(asked).await.map_err(|error| StoreError::of(&error, &place))?;
    if mark.as_deref() != Some("yes") {
        return Err(StoreError::Pooled { place: place.to_string() });
    }
    Ok(connection)
}

/// Migrates the tables at a direct address. Returns `true` if the server tells its timeline, and what identifies the tables.
async fn bring_up_at(direct: &PgConnectOptions, program: &Program) -> Result<(bool, String), StoreError> {
    let place = place(direct);
    let mut connection = connect(direct, &place).await?;
    let has_timeline = bring_up(&mut connection, program, &place).await?;
    let tables = tables(&mut connection, &place).await?;
    disconnect(connection).await;
    Ok((has_timeline, tables))
}

/// Refuses a pooler that leads to other tables than the direct address does.
async fn refuse_other_tables(
    pooled: &mut PgConnection,
    place_of_pooler: &str,
    direct: &PgConnectOptions,
    expected: &str,
) -> Result<(), StoreError> {
    if tables(pooled, place_of_pooler).await? == expected {
        return Ok(());
    }
    let problem = format!("{place_of_pooler} and {} lead to different databases or schemas", place(direct));
    let remedy =
        "let `database_url` and `database_direct_url` (in a program, the address and `direct`) lead to the same one";
    Err(StoreError::Unprepared { problem, remedy: remedy.to_owned() })
}

async fn tables(connection: &mut PgConnection, place: &str) -> Result<String, StoreError> {
    // A pooler need not support prepared statements.
    let found = answered(sqlx::raw_sql(TABLES).fetch_one(connection)).await.and_then(|row: PgRow| row.try_get(0));
    found.map_err(|error| StoreError::of(&error, place))
}

/// Disconnects. An error is harmless, because the server notices that the connection has gone.
async fn disconnect(connection: PgConnection) {
    connection.close().await.unwrap_or_default();
}

/// Connects once and disconnects.
///
/// # Errors
///
/// The reason why the server cannot be reached.
pub(super) async fn reached(options: &PgConnectOptions, place: &str) -> Result<(), StoreError> {
    disconnect(connect(options, place).await?).await;
    Ok(())
}

async fn connect(options: &PgConnectOptions, place: &str) -> Result<PgConnection, StoreError> {
    let connected = tokio::time::timeout(MAX_DURATION, options.clone().disable_statement_logging().connect()).await;
    match connected {
        Ok(connection) => connection.map_err(|error| not_connected(&error, options, place)),
        Err(_) => {
            let detail = "no connection could be made in 10 seconds".into();
            Err(StoreError::Unavailable { place: place.to_owned(), detail })
        }
    }
}

/// Migrates the tables if some of the migrations are missing, and refuses a standby and a database that only newer programs
/// may write. Returns `true` if the server tells its timeline.
async fn bring_up(connection: &mut PgConnection, program: &Program, place: &str) -> Result<bool, StoreError> {
    let failed = |error: sqlx::Error| StoreError::of(&error, place);
    let migrator = migrator(program);
    // A program without the right to change tables can use those that another program has created.
    let asked = sqlx::query_as("SELECT to_regclass('connection_migrations') IS NOT NULL, pg_is_in_recovery()");
    let (exists, is_standby): (bool, bool) = answered(asked.fetch_one(&mut *connection)).await.map_err(failed)?;
    if is_standby {
        return Err(StoreError::Standby { place: place.to_owned() });
    }
    if !exists {
        refuse_unprepared(connection, place).await?;
    }
    let applied = if exists { applied(connection).await } else { Ok(Vec::new()) };
    let applied = applied.map_err(|error| migrate::unreadable_table(&error, place))?;
    migrate::refuse_unreleased(&applied, &migrator, place)?;
    if !migrate::are_all(&applied, &migrator) {
        let mut waits = ShortWaits::default();
        while let Err(error) = migrate_in_time(connection, &migrator, place).await {
            if !waits.may_repeat(&error) {
                return Err(error);
            }
        }
    }
    let oldest = sqlx::query_as::<_, (i64,)>(OLDEST).fetch_optional(&mut *connection);
    let oldest = answered(oldest).await.map_err(failed)?;
    migrate::refuse_too_old(oldest, program, place)?;
    tells_timeline(connection, place).await
}

/// Returns `true` if the server tells its timeline to the role.
pub(super) async fn tells_timeline(connection: &mut PgConnection, place: &str) -> Result<bool, StoreError> {
    match answered(sqlx::query(TIMELINE).execute(connection)).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) => {
            tracing::debug!(%error, "the server does not tell its timeline, so a promotion is not noticed");
            Ok(false)
        }
        Err(error) => Err(StoreError::of(&error, place)),
    }
}

async fn migrate_in_time(connection: &mut PgConnection, migrator: &Migrator, place: &str) -> Result<(), StoreError> {
    let migrated = tokio::time::timeout(MAX_MIGRATION, migrate_once(connection, migrator, place)).await;
    migrated.unwrap_or_else(|_| {
        let detail = "the server did not bring its tables up to date in 10 minutes".into();
        Err(StoreError::Unavailable { place: place.to_owned(), detail })
    })
}

/// Migrates the tables in one transaction, so that a crash leaves all or nothing, under a lock that ends with it.
///
/// A statement that changes a table waits for the programs that use it, and those that come later wait for the statement,
/// so its waits are short.
/// As in every transaction that writes, a `default_transaction_read_only` of the role or the database does not apply.
async fn migrate_once(connection: &mut PgConnection, migrator: &Migrator, place: &str) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| StoreError::of(&error, place);
    let mut transaction = connection.begin_with("BEGIN READ WRITE").await.map_err(failed)?;
    for statement in [
        "SET LOCAL statement_timeout TO '10min'",
        "SET LOCAL idle_in_transaction_session_timeout TO '15s'",
        SHORT_WAIT,
        LOCK_TABLES,
    ] {
        sqlx::query(statement).execute(&mut *transaction).await.map_err(failed)?;
    }
    migrate::run(migrator, &mut *transaction, place).await?;
    transaction.commit().await.map_err(failed)
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<AppliedMigration>, sqlx::Error> {
    let applied = sqlx::query_as(migrate::APPLIED).fetch_all(connection);
    let applied: Vec<(i64, Vec<u8>, String)> = answered(applied).await?;
    Ok(applied.into_iter().map(Into::into).collect())
}

/// Returns the name of the database for people, without the password.
pub(super) fn place(options: &PgConnectOptions) -> Arc<str> {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("postgres://{}/{database}", socket.display()).into(),
        None if options.get_host().contains(':') => {
            format!("postgres://[{}]:{}/{database}", options.get_host(), options.get_port()).into()
        }
        None => format!("postgres://{}:{}/{database}", options.get_host(), options.get_port()).into(),
    }
}
