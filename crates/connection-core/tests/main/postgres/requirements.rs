//! Servers that lack something that the program needs: each is named, with the statement that mends it.

use connection_core::{OpenError, StoreError};
use connection_faults::postgres::Database;
use sqlx::{ConnectOptions as _, PgConnection};

use super::servers::{admin, builder, role};
use crate::test_host::{World, connected};

/// Checks that the database is refused with these words, and returns the statement that mends it.
async fn refused(world: &World, address: &str, words: &[&str]) -> String {
    let error = builder(world, address.to_owned()).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::Unprepared { .. })), "{error:?}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    let remedy = error.remedy().unwrap();
    remedy.split('`').nth(1).unwrap().to_owned()
}

/// Checks that the database opens and stores a connection.
async fn works(world: &World, address: &str) {
    let registry = builder(world, address.to_owned()).open().await.unwrap();
    let connection = connected(&registry, "key-1").await;
    registry.remove(connection.id()).await.unwrap();
    registry.close().await;
}

/// Waits until the server has noticed that the program has disconnected.
async fn gone(database: &Database, role: &str) {
    let mut connection = database.connect().await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1";
    let mut looks = 0_u64;
    while sqlx::query_as::<_, (i64,)>(sql).bind(role).fetch_one(&mut connection).await.unwrap().0 > 0 {
        looks += 1;
        assert!(looks < 100_000, "{role} stays");
    }
}

async fn tables(connection: &mut PgConnection) -> i64 {
    let sql = "SELECT count(*) FROM pg_class WHERE relname LIKE 'connection\\_%'";
    let (tables,): (i64,) = sqlx::query_as(sql).fetch_one(connection).await.unwrap();
    tables
}

/// Drops the role with its tables.
async fn without(database: &Database, role: &str) {
    admin(database, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_role_that_may_not_create_tables_is_told_the_grant() {
    let world = World::new().await;
    let database = Database::empty().await;
    let (role, address) = role(&database, "create").await;
    for revoked in ["CREATE", "ALL"] {
        admin(&database, &format!("REVOKE {revoked} ON SCHEMA public FROM PUBLIC")).await;
        let grant = refused(&world, &address, &[&role, "may not create tables in the schema public"]).await;
        assert_eq!(grant, format!("GRANT USAGE, CREATE ON SCHEMA public TO {role}"));
        assert_eq!(tables(&mut database.connect().await).await, 0);
    }
    admin(&database, &refused(&world, &address, &[]).await).await;
    works(&world, &address).await;
    without(&database, &role).await;
}

#[tokio::test]
async fn a_role_that_may_not_connect_is_told_the_grant() {
    let world = World::new().await;
    let database = Database::empty().await;
    let (role, address) = role(&database, "connect").await;
    let name = database.options().get_database().unwrap().to_owned();
    admin(&database, &format!("GRANT CREATE ON SCHEMA public TO {role}")).await;
    admin(&database, &format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")).await;
    let grant = refused(&world, &address, &["may not connect", &name]).await;
    assert_eq!(grant, format!("GRANT CONNECT ON DATABASE \"{name}\" TO ROLE_NAME"));
    admin(&database, &grant.replace("ROLE_NAME", &role)).await;
    works(&world, &address).await;
    without(&database, &role).await;
}

#[tokio::test]
async fn a_search_path_without_a_schema_is_told_the_setting() {
    let world = World::new().await;
    let database = Database::empty().await;
    let (role, address) = role(&database, "path").await;
    admin(&database, &format!("GRANT CREATE ON SCHEMA public TO {role}")).await;
    for (path, shown) in [("''", "\"\""), ("absent", "absent"), ("pg_catalog", "pg_catalog")] {
        admin(&database, &format!("ALTER ROLE {role} SET search_path = {path}")).await;
        let set = refused(&world, &address, &[&role, "search_path", shown]).await;
        assert!(set.ends_with("SET search_path = public"), "{set}");
    }
    admin(&database, &refused(&world, &address, &[]).await).await;
    works(&world, &address).await;
    without(&database, &role).await;
}

/// A transaction that writes says so, whatever the role and the database prefer.
#[tokio::test]
async fn a_role_whose_transactions_only_read_by_default_creates_the_tables_and_writes() {
    let world = World::new().await;
    let database = Database::empty().await;
    let (role, address) = role(&database, "reads").await;
    admin(&database, &format!("GRANT CREATE ON SCHEMA public TO {role}")).await;
    admin(&database, &format!("ALTER ROLE {role} SET default_transaction_read_only = on")).await;
    works(&world, &address).await;
    works(&world, &address).await;
    without(&database, &role).await;
}

#[tokio::test]
async fn a_limit_of_connections_below_what_a_process_needs_is_told_with_its_owner() {
    let world = World::new().await;
    let database = Database::empty().await;
    let (role, address) = role(&database, "limit").await;
    let name = database.options().get_database().unwrap().to_owned();
    admin(&database, &format!("GRANT CREATE ON SCHEMA public TO {role}")).await;
    for (of, limit) in [(format!("ROLE {role}"), 1), (format!("ROLE {role}"), 2), (format!("DATABASE {name}"), 2)] {
        admin(&database, &format!("ALTER {of} CONNECTION LIMIT {limit}")).await;
        let limited = format!("CONNECTION LIMIT of {limit}");
        let alter = refused(&world, &address, &[&limited, of.split(' ').next_back().unwrap(), "3 connections"]).await;
        assert_eq!(alter, format!("ALTER {of} CONNECTION LIMIT 10"));
        admin(&database, &alter).await;
        works(&world, &address).await;
        gone(&database, &role).await;
    }
    // The smallest number that works.
    admin(&database, &format!("ALTER ROLE {role} CONNECTION LIMIT 3")).await;
    works(&world, &address).await;
    gone(&database, &role).await;
    // Other programs have all of them.
    let options = database.options().username(&role).password("x");
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(options.connect().await.unwrap());
    }
    refused(&world, &address, &["allows no further connection"]).await;
    drop(others);
    without(&database, &role).await;
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused_before_it_has_tables() {
    let world = World::new().await;
    let database = Database::empty().await;
    let name = database.options().get_database().unwrap().to_owned();
    for encoding in ["LATIN1", "EUC_JP", "SQL_ASCII"] {
        let other = format!("{name}_{}", encoding.to_ascii_lowercase());
        let create = format!("CREATE DATABASE {other} TEMPLATE template0 ENCODING '{encoding}'");
        admin(&database, &format!("{create} LC_COLLATE 'C' LC_CTYPE 'C'")).await;
        let options = database.options().database(&other);
        let create = refused(&world, options.to_url_lossy().as_str(), &[&other, encoding, "UTF8"]).await;
        assert_eq!(tables(&mut options.connect().await.unwrap()).await, 0);
        admin(&database, &format!("DROP DATABASE {other} WITH (FORCE)")).await;

        // The statement makes a database that is accepted.
        admin(&database, &create.replace("connections_utf8", &other)).await;
        works(&world, options.to_url_lossy().as_str()).await;
        admin(&database, &format!("DROP DATABASE {other} WITH (FORCE)")).await;
    }
}
