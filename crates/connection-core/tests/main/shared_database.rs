//! A database that a host also uses: its migrations and tables stay unchanged.

use std::path::Path;

use connection_core::{ConnectionRegistry, Error, Filter, KeyFile, OpenError, StoreError, StoreSource};
use connection_faults::host_pool::Pool;
use sqlx::migrate::Migrator;

use crate::{
    acme::Acme,
    fresh_database::Fresh,
    sql,
    test_host::{on_postgres, World, connected},
};

pub(crate) async fn open(world: &World, source: impl Into<StoreSource>) -> Result<ConnectionRegistry, OpenError> {
    let builder = ConnectionRegistry::builder().store(source).key(KeyFile::at(world.key())).http(world.policy());
    builder.kind(Acme::default()).open().await
}

/// Runs the migrations of a host that has its own tables.
async fn hosts_migrations(pool: &Pool) {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/host");
    let migrator = Migrator::new(files).await.unwrap();
    match pool {
        Pool::Sqlite(pool) => migrator.run(pool).await.unwrap(),
        Pool::Postgres(pool) => migrator.run(pool).await.unwrap(),
    }
}

async fn count(database: &sql::Database, table: &str) -> i64 {
    sql::number(database, format!("SELECT count(*) FROM {table}")).await.unwrap()
}

#[tokio::test]
async fn a_hosts_own_migrations_run_before_and_after_ours() {
    for is_lent in [false, true] {
        for host_is_first in [false, true] {
            let world = World::new().await;
            let fresh = Fresh::new().await;
            let pool = fresh.pool(2).await;
            let source = || if is_lent { pool.lend() } else { fresh.address().into() };
            if host_is_first {
                hosts_migrations(&pool).await;
            }
            let registry = open(&world, source()).await.unwrap();
            connected(&registry, "key-1").await;
            registry.close().await;
            hosts_migrations(&pool).await;
            pool.run("INSERT INTO host_note VALUES (1, 'ours')").await;
            let registry = open(&world, source()).await.unwrap();
            assert_eq!(registry.list_connections(Filter::new()).await.unwrap().items.len(), 1);
            registry.close().await;
            hosts_migrations(&pool).await;
            let database = fresh.database();
            assert_eq!((count(&database, "host_note").await, count(&database, "_sqlx_migrations").await), (1, 2));
            assert!(count(&database, "connection_migrations").await >= 1);
        }
    }
}

/// A name of each type of object, from the beginning, the middle and the end of the migrations.
#[tokio::test]
async fn a_table_of_another_program_under_our_name_is_named_and_nothing_is_changed() {
    const TAKEN: &[(&str, &str, &str)] = &[
        ("connection_account", "CREATE TABLE connection_account (other TEXT)", "TABLE"),
        ("connection_credential_key", "CREATE TABLE connection_credential_key (other TEXT)", "TABLE"),
        ("connection_setup", "CREATE VIEW connection_setup AS SELECT 1 AS other", "VIEW"),
        ("connection_event", "CREATE TABLE connection_event (other TEXT)", "TABLE"),
        ("connection_kv", "CREATE TABLE connection_kv (other TEXT)", "TABLE"),
        ("connection_migrations", "CREATE TABLE connection_migrations (other TEXT)", "TABLE"),
    ];
    for ((name, sql, sort), is_lent) in TAKEN.iter().zip([false, true].into_iter().cycle()) {
        let world = World::new().await;
        let fresh = Fresh::new().await;
        let pool = fresh.pool(1).await;
        let database = fresh.database();
        pool.run(sql).await;
        let before = everything_there(&database).await;
        let source = || if is_lent { pool.lend() } else { fresh.address().into() };
        let error = open(&world, source()).await.unwrap_err();
        let OpenError::Store(StoreError::Taken { name: found, .. }) = &error else { panic!("{name}: {error:?}") };
        assert_eq!(found, name);
        assert!(error.remedy().unwrap().contains(&format!("rename {name}")), "{:?}", error.remedy());
        assert_eq!(everything_there(&database).await, before, "{name}");

        let rename = match *sort {
            "VIEW" => format!("DROP VIEW {name}"),
            _ => format!("ALTER TABLE {name} RENAME TO other_program"),
        };
        pool.run(&rename).await;
        let registry = open(&world, source()).await.unwrap();
        connected(&registry, "key-1").await;
        registry.close().await;
    }
}

/// Such a database is not newer, even with more migrations: a newer program would not open it either.
#[tokio::test]
async fn a_database_with_other_migrations_is_refused_with_a_way_out_and_kept() {
    const OTHER_TEXT: &str = "UPDATE connection_migrations SET checksum = substr(checksum, 2)";
    const MORE: &str = "INSERT INTO connection_migrations (version, description, success, checksum, execution_time) \
                        SELECT version + 1, description, success, checksum, execution_time FROM connection_migrations \
                        ORDER BY version DESC LIMIT 1";
    for is_lent in [false, true] {
        let world = World::new().await;
        let fresh = Fresh::new().await;
        let pool = fresh.pool(1).await;
        let database = fresh.database();
        let source = || if is_lent { pool.lend() } else { fresh.address().into() };
        let registry = open(&world, source()).await.unwrap();
        connected(&registry, "key-1").await;
        registry.close().await;
        let known = count(&database, "connection_migrations").await;
        for (sql, migrations) in [(OTHER_TEXT, known), (MORE, known + 1)] {
            pool.run(sql).await;
            let error = open(&world, source()).await.unwrap_err();
            assert!(matches!(error, OpenError::Store(StoreError::Changed { version: 1, .. })), "{error:?}");
            assert!(error.remedy().unwrap().ends_with("or name another database"), "{:?}", error.remedy());
            assert_eq!(count(&database, "connection_account").await, 1);
            assert_eq!(count(&database, "connection_migrations").await, migrations);
        }
    }
}

pub(crate) async fn everything_there(database: &sql::Database) -> Vec<String> {
    let sql = if on_postgres() {
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    } else {
        "SELECT name FROM sqlite_schema ORDER BY 1"
    };
    sql::texts(database, sql).await
}

/// References to our rows belong to the host: a row that a reference needs is not removed.
#[tokio::test]
async fn a_reference_of_the_hosts_to_our_rows_holds_them() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let id = if on_postgres() { "UUID" } else { "BLOB" };
    sql::script(
        &world.database(),
        format!(
            "CREATE TABLE host_use (id {id} NOT NULL REFERENCES connection_account (id)); \
             INSERT INTO host_use VALUES ({})",
            sql::id(connection.id())
        ),
    )
    .await;
    let refused = registry.remove(connection.id()).await.unwrap_err();
    assert!(matches!(&refused, Error::Store(error) if matches!(**error, StoreError::Refused { .. })), "{refused:?}");
    sql::run(&world.database(), "DELETE FROM host_use").await;
    registry.remove(connection.id()).await.unwrap();
}
