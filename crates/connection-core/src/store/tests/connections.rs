//! The connections to a server that a store opens itself.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

use super::{Database, add};
use crate::store::{Store, StoreError, StoreSource, engine::execute};

/// Connects to the database beside the store.
async fn beside(database: &Database) -> PgConnection {
    database.url().parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

/// Returns the number of connections to the database, without this one.
async fn connections(beside: &mut PgConnection) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query_scalar(sql).fetch_one(beside).await.unwrap()
}

#[tokio::test]
async fn reads_and_writes_that_follow_one_another_use_one_connection() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    for number in 0..20 {
        let row = database.account(&format!("label-{number}"));
        add(&store, &row).await.unwrap();
        assert_eq!(store.reader().await.unwrap().account(row.id).await.unwrap(), Some(row));
    }
    assert_eq!(connections(&mut beside(&database).await).await, 1);
}

#[tokio::test]
async fn a_connection_is_used_again_after_its_reader_left_in_the_middle_of_a_statement() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let row = database.account("a");
    add(&store, &row).await.unwrap();
    let mut beside = beside(&database).await;
    // More readers leave than there are connections.
    for _ in 0..20 {
        let mut lock = beside.begin().await.unwrap();
        sqlx::query("LOCK TABLE connection_account IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
        let mut reader = store.reader().await.unwrap();
        {
            let mut read = pin!(reader.account(row.id));
            let polled = read.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Pending), "the table is locked");
        }
        drop(reader);
        // The table is still locked, so a read by the same connection would wait.
        store.reader().await.unwrap().keyset().await.unwrap();
        lock.rollback().await.unwrap();
        assert_eq!(store.reader().await.unwrap().account(row.id).await.unwrap().as_ref(), Some(&row));
    }
    assert!(connections(&mut beside).await <= 8, "a connection that cannot be used again is closed");
}

#[tokio::test]
async fn the_transaction_of_a_reader_behind_a_pooler_ends_with_the_reader() {
    let Some(database) = Database::on_postgres().await else { return };
    let source = StoreSource::from(database.url()).direct(database.url());
    let store = Store::open(source).await.unwrap();
    let mut beside = beside(&database).await;
    store.reader().await.unwrap().keyset().await.unwrap();
    let open = "SELECT count(*) FROM pg_stat_activity \
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    // The transaction is rolled back after the reader was dropped; it would otherwise stay open for ever.
    while sqlx::query_scalar::<_, i64>(open).fetch_one(&mut beside).await.unwrap() > 0 {}
}

#[tokio::test]
async fn a_connection_whose_job_panics_is_used_again_without_its_changes() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let row = database.account("a");
    add(&store, &row).await.unwrap();
    for _ in 0..20 {
        let written: Result<(), StoreError> = store
            .write(|tx| {
                Box::pin(async move {
                    execute!(tx, "UPDATE connection_account SET label = 'b'")?;
                    panic!("the job ends here")
                })
            })
            .await;
        assert!(matches!(written, Err(StoreError::Panicked)), "{written:?}");
        assert_eq!(store.reader().await.unwrap().account(row.id).await.unwrap().as_ref(), Some(&row));
    }
    assert_eq!(connections(&mut beside(&database).await).await, 1);
}

#[tokio::test]
async fn a_read_beyond_the_number_of_connections_waits_for_one_that_is_returned() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let row = database.account("a");
    add(&store, &row).await.unwrap();
    let mut readers = Vec::new();
    for _ in 0..8 {
        readers.push(store.reader().await.unwrap());
    }
    let mut ninth = pin!(store.reader());
    assert!(matches!(ninth.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    drop(readers.pop());
    assert_eq!(ninth.await.unwrap().account(row.id).await.unwrap(), Some(row));
    assert_eq!(connections(&mut beside(&database).await).await, 8);
}

#[tokio::test]
async fn a_closed_store_leaves_no_connection() {
    let Some(database) = Database::on_postgres().await else { return };
    let store: Store = database.open().await;
    let mut beside = beside(&database).await;
    assert_eq!(connections(&mut beside).await, 1);
    store.close().await;
    // The server ends a connection after it has read the message that says so.
    while connections(&mut beside).await > 0 {}
}
