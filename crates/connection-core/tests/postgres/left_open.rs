//! The control of `drops.rs`: what sqlx itself leaves behind when its caller leaves is seen there.

use std::time::Duration;

use connection_faults::postgres::Database;
use sqlx::{Connection as _, PgConnection, postgres::PgPoolOptions};

use crate::drops::poll_n;

/// How many connections to this database are in a transaction and do nothing.
async fn left_open(connection: &mut PgConnection) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND state LIKE 'idle in transaction%'";
    sqlx::query_as::<_, (i64,)>(sql).fetch_one(connection).await.unwrap().0
}

#[tokio::test]
async fn a_transaction_whose_beginning_is_dropped_stays_open_in_sqlxs_own_pool() {
    let database = Database::empty().await;
    let mut observer = database.connect().await;
    let mut found = 0;
    for n in 1..20 {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(10));
        let pool = pool.connect_with(database.options()).await.unwrap();
        let begun = poll_n(pool.begin(), n).await;
        let is_done = begun.is_some();
        drop(begun);
        // The statement may still be on its way.
        for _ in 0..50 {
            found = found.max(left_open(&mut observer).await);
        }
        pool.close().await;
        if is_done || found > 0 {
            break;
        }
    }
    assert!(found > 0, "sqlx does not do it any more: jobs need no task of their own for that");
    observer.close().await.unwrap();
}
