//! The control of `drops.rs`: it detects the transaction that sqlx itself leaves open when its caller leaves.

use connection_faults::postgres::Database;
use sqlx::{PgConnection, postgres::PgPoolOptions};

/// Returns the number of other connections to this database with this state.
async fn connections(observer: &mut PgConnection, condition: &'static str) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
               AND CASE $1 WHEN 'waits' THEN wait_event_type = 'Lock' ELSE state = $1 END";
    sqlx::query_as::<_, (i64,)>(sql).bind(condition).fetch_one(observer).await.unwrap().0
}

/// Another connection's lock delays the beginning of the transaction until its caller leaves, on fast and slow
/// machines.
#[tokio::test]
async fn a_transaction_whose_beginning_is_dropped_stays_open_in_sqlxs_own_pool() {
    let database = Database::empty().await;
    let mut observer = database.connect().await;
    sqlx::query("SELECT pg_advisory_lock(1)").execute(&mut observer).await.unwrap();
    let pool = PgPoolOptions::new().max_connections(1).connect_with(database.options()).await.unwrap();
    // Two statements in one, like those with which jobs begin.
    tokio::select! {
        begun = pool.begin_with("BEGIN; SELECT pg_advisory_xact_lock(1)") => panic!("it waits for the lock: {begun:?}"),
        () = async { while connections(&mut observer, "waits").await == 0 {} } => {}
    }
    sqlx::query("SELECT pg_advisory_unlock(1)").execute(&mut observer).await.unwrap();
    // sqlx pings a connection that is returned, after the statement that ends its transaction.
    while pool.num_idle() == 0 {
        assert!(pool.size() > 0, "sqlx closes the connection: jobs need no task of their own for that");
        tokio::task::yield_now().await;
    }
    let open = connections(&mut observer, "idle in transaction").await;
    assert_eq!(open, 1, "sqlx does not do it any more: jobs need no task of their own for that");
    pool.close().await;
}
