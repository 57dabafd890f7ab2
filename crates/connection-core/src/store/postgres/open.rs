//! Opens a database on a server: by an address, through a pooler, or through a pool of the host.

use std::{sync::Arc, time::Duration};

use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::{runtime::Handle, sync::RwLock};

use super::{
    super::{
        StoreError,
        engine::Reader,
        migrate::{self, AppliedMigration},
    },
    Postgres,
    connections::Connections,
    lender::Lender,
    listen::NotificationListener,
    migrator,
};

/// The maximum time to wait for a connection.
const MAX_DURATION: Duration = Duration::from_secs(10);

/// Opens a database. With a direct address, `options` are those of a pooler.
pub(in super::super) async fn open(
    options: PgConnectOptions,
    direct: Option<PgConnectOptions>,
) -> Result<Postgres, StoreError> {
    let place = place(&options);
    let pooled = direct.is_some();
    let first = match &direct {
        Some(direct) => {
            bring_up_at(direct).await?;
            None
        }
        None => Some(migrated(&options).await?),
    };
    // Poolers reject this parameter, and the program does not need it.
    let options = options.extra_float_digits(None).disable_statement_logging();
    let ear = NotificationListener::new(direct.unwrap_or_else(|| options.clone()).disable_statement_logging());
    let connections = Connections::own(options, first);
    Ok(Postgres { connections, place, pooled, open: Arc::new(RwLock::new(true)), ear })
}

/// Opens the pool of the host. With a direct address, its connections lead to a pooler.
pub(in super::super) async fn open_host_pool(
    pool: PgPool,
    direct: Option<PgConnectOptions>,
    host: Option<Handle>,
) -> Result<Postgres, StoreError> {
    let place = place(&pool.connect_options());
    match &direct {
        Some(direct) => bring_up_at(direct).await?,
        None => {
            // Detached from the pool, so that the connection is closed and not reused if the caller drops this
            // half-way.
            let connection = pool.acquire().await.map_err(|error| StoreError::of(&error, &place))?;
            let mut connection = connection.detach();
            bring_up(&mut connection, &place).await?;
            disconnect(connection).await;
        }
    }
    let pooled = direct.is_some();
    let open = Arc::new(RwLock::new(true));
    let ear = NotificationListener::new(direct.unwrap_or_else(|| pool.connect_options().as_ref().clone()));
    let connections = Connections::of_host(pool, host.unwrap_or_else(Handle::current));
    Ok(Postgres { connections, place, pooled, open, ear })
}

/// Opens a connection that reads the tables as they are, and is closed when it is dropped.
pub(in super::super) async fn read_only(options: PgConnectOptions) -> Result<Reader, StoreError> {
    let place = place(&options);
    let options = options.extra_float_digits(None).disable_statement_logging();
    Reader::from_lender(Lender::new(Connections::own(options, None), false), place).await
}

/// Migrates the tables at an address that may lead to a pooler. A pooler rejects the parameter `connections.direct`
/// or does not pass it on, which is reported as an error.
pub(in super::super) async fn migrate_at(options: &PgConnectOptions) -> Result<(), StoreError> {
    disconnect(migrated(options).await?).await;
    Ok(())
}

/// Migrates the tables as [`migrate_at`] does, and returns the connection.
async fn migrated(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let place = place(options);
    let mut connection = connect(&options.clone().options([("connections.direct", "yes")]), &place).await?;
    let (mark,): (Option<String>,) = sqlx::query_as("SELECT current_setting('connections.direct', true)")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| StoreError::of(&error, &place))?;
    if mark.as_deref() != Some("yes") {
        return Err(StoreError::Pooled { place: place.to_string() });
    }
    bring_up(&mut connection, &place).await?;
    Ok(connection)
}

async fn bring_up_at(direct: &PgConnectOptions) -> Result<(), StoreError> {
    let place = place(direct);
    let mut connection = connect(direct, &place).await?;
    bring_up(&mut connection, &place).await?;
    disconnect(connection).await;
    Ok(())
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
        Ok(connection) => connection.map_err(|error| StoreError::of(&error, place)),
        Err(_) => {
            let detail = "no connection could be made in 10 seconds".into();
            Err(StoreError::Unavailable { place: place.to_owned(), detail })
        }
    }
}

/// Migrates the tables in one transaction, so that a crash leaves all or nothing, under a lock that ends with it.
async fn bring_up(connection: &mut PgConnection, place: &str) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| StoreError::of(&error, place);
    let migrator = migrator();
    // A program without the right to change tables can use those that another program has created.
    let applied = applied(connection).await.map_err(|error| migrate::unreadable_table(&error, place))?;
    migrate::refuse_unreleased(&applied, &migrator, place)?;
    if !migrate::are_all(&applied, &migrator) {
        let mut transaction = connection.begin().await.map_err(failed)?;
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('connections/migrations', 0))")
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        migrate::run(&migrator, &mut *transaction, place).await?;
        transaction.commit().await.map_err(failed)?;
    }
    Ok(())
}

/// Returns the applied migrations: none if their table does not exist.
async fn applied(connection: &mut PgConnection) -> Result<Vec<AppliedMigration>, sqlx::Error> {
    let (exists,): (bool,) =
        sqlx::query_as("SELECT to_regclass('connection_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !exists {
        return Ok(Vec::new());
    }
    let applied: Vec<(i64, Vec<u8>, String)> = sqlx::query_as(migrate::APPLIED).fetch_all(connection).await?;
    Ok(applied.into_iter().map(Into::into).collect())
}

/// Returns the name of the database for people, without the password.
fn place(options: &PgConnectOptions) -> Arc<str> {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("postgres://{}/{database}", socket.display()).into(),
        None => format!("postgres://{}:{}/{database}", options.get_host(), options.get_port()).into(),
    }
}
