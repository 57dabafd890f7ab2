//! Connections to a server that die while they are in use.

use sqlx::{
    ConnectOptions as _, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Database, add};
use crate::store::{Store, StoreError, engine::execute};

/// Ends every connection to this database except this one, and waits until they are gone.
async fn cut(other: &mut PgConnection) {
    let ended = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    assert!(!ended.fetch_all(&mut *other).await.unwrap().is_empty());
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while sqlx::query_as::<_, (i64,)>(left).fetch_one(&mut *other).await.unwrap().0 > 0 {}
}

async fn past(database: &Database) -> PgConnection {
    database.url().parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn a_reader_whose_connection_was_cut_reads_on_by_another() {
    let Some(database) = Database::on_postgres().await else { return };
    let mut other = past(&database).await;
    // A pool with a single place, which a dead connection must not keep; and a pool in which all connections are
    // dead.
    for most in [1, 4] {
        let options = database.url().parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(most).test_before_acquire(false).connect_lazy_with(options);
        let store = Store::open(pool.into()).await.unwrap();
        let row = database.account(&format!("label-{most}"));
        add(&store, &row).await.unwrap();
        for _ in 0..3 {
            let mut readers = Vec::new();
            for _ in 0..most {
                readers.push(store.reader().await.unwrap());
            }
            let mut reader = readers.pop().unwrap();
            assert_eq!(reader.account(row.id).await.unwrap().as_ref(), Some(&row));
            drop(readers);
            cut(&mut other).await;
            assert_eq!(reader.account(row.id).await.unwrap().as_ref(), Some(&row));
        }
    }
}

#[tokio::test]
async fn a_job_whose_connection_was_cut_fails_and_nothing_of_it_is_kept() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let mut other = past(&database).await;
    let row = database.account("a");
    add(&store, &row).await.unwrap();
    let id = row.id;
    let written = store.write(move |tx| {
        Box::pin(async move {
            execute!(tx, "UPDATE connection_account SET label = 'b'")?;
            cut(&mut other).await;
            // Another connection would read the state from before the job.
            tx.account(id).await
        })
    });
    let error = written.await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(store.reader().await.unwrap().account(id).await.unwrap(), Some(row));
}

/// Returns the processes of the server that serve this database, without the one of this connection.
async fn backends(other: &mut PgConnection) -> Vec<(i32,)> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
               AND backend_type = 'client backend'";
    sqlx::query_as(sql).fetch_all(other).await.unwrap()
}

#[tokio::test]
async fn an_error_of_the_node_ends_its_connection_and_one_of_a_statement_does_not() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let mut other = past(&database).await;
    for (sql, is_of_node) in [
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25006'; END $$", true),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25P03'; END $$", true),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57P04'; END $$", true),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '08006'; END $$", true),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '22012'; END $$", false),
    ] {
        assert!(store.health().await, "a connection is kept");
        let before = backends(&mut other).await;
        store.write(move |tx| Box::pin(async move { execute!(tx, sql) })).await.unwrap_err();
        assert!(store.health().await, "the next reader has a connection");
        if is_of_node {
            // The server notices a moment later.
            while backends(&mut other).await.iter().any(|backend| before.contains(backend)) {}
        } else {
            let after = backends(&mut other).await;
            assert!(before.iter().all(|backend| after.contains(backend)), "{before:?} {after:?}");
        }
    }
    store.close().await;
}
