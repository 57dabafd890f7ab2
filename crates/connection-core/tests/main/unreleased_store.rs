//! A database of an unreleased build is refused with a way out, and is left as it is.

use std::fs;

use connection_core::{OpenError, StoreError};
use connection_faults::host_pool::Pool;

use crate::{
    fresh_database::Fresh,
    shared_database::{everything_there, open},
    sql,
    test_host::{World, connected, on_postgres},
};

/// The names of the migrations of the last unreleased build. They made the same tables as the first migration of today.
const LAST: &[&str] = &[
    "tables",
    "usage snapshot",
    "provider grant",
    "refused use",
    "usage window",
    "lacking scopes",
    "due events",
    "request lease",
    "asked origin",
    "restored",
    "tags",
    "places",
    "agents",
    "limits",
    "freeze",
    "uses",
    "approvals",
    "clients",
];
/// The names of the migrations of one of the first builds.
const FIRST: &[&str] = &["connection account"];

/// Writes down in a database that a build with these migrations made it.
async fn made_by(names: &[&str], database: &sql::Database) {
    sql::run(database, "DELETE FROM connection_migrations WHERE version > 1").await;
    let first =
        format!("UPDATE connection_migrations SET description = '{}', checksum = substr(checksum, 2)", names[0]);
    assert_eq!(sql::run(database, first).await, 1);
    for (version, name) in (1..).zip(names).skip(1) {
        let later = format!(
            "INSERT INTO connection_migrations (version, description, success, checksum, execution_time) \
             SELECT {version}, '{name}', success, checksum, execution_time FROM connection_migrations WHERE version = 1"
        );
        assert_eq!(sql::run(database, later).await, 1);
    }
}

/// Returns what is stored, and the names of all tables and indexes.
async fn contents(database: &sql::Database) -> (Vec<u8>, Vec<String>) {
    let stored = match database {
        sql::Database::File(path) => fs::read(path).unwrap(),
        sql::Database::Server(_) => sql::everything(database).await,
    };
    (stored, everything_there(database).await)
}

#[tokio::test]
async fn a_database_of_an_unreleased_build_is_refused_with_the_way_out_and_left_as_it_is() {
    for (names, is_lent) in [(LAST, false), (LAST, true), (FIRST, false)] {
        let world = World::new().await;
        let fresh = Fresh::new().await;
        let database = fresh.database();
        let registry = open(&world, fresh.address()).await.unwrap();
        connected(&registry, "key-1").await;
        registry.close().await;
        // Its lock says that somebody uses the file.
        drop(registry);
        made_by(names, &database).await;
        if !is_lent && !on_postgres() {
            // Opening a copy that was made without the log gives it one, if the database can be used.
            sql::script(&database, "PRAGMA journal_mode = DELETE").await;
        }
        let before = contents(&database).await;

        let pool = if is_lent { Some(fresh.pool(1).await) } else { None };
        let source = pool.as_ref().map_or_else(|| fresh.address().into(), Pool::lend);
        let error = open(&world, source).await.unwrap_err();
        let OpenError::Store(StoreError::Unreleased { place }) = &error else { panic!("{error:?}") };
        let message =
            format!("the database {place} comes from an unreleased build of this program and must be set up anew");
        assert_eq!(error.to_string(), message);
        let way_out = if on_postgres() {
            format!("name another database or schema than {place}")
        } else {
            format!("move {place} away")
        };
        assert!(error.remedy().unwrap().starts_with(&way_out), "{:?}", error.remedy());
        assert_eq!(contents(&database).await, before);

        if let (sql::Database::File(path), false) = (&database, is_lent) {
            fs::rename(path, world.directory.path().join("away.db")).unwrap();
            let registry = open(&world, fresh.address()).await.unwrap();
            connected(&registry, "key-1").await;
            registry.close().await;
        }
    }
}
