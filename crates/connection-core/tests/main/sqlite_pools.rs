//! The required options of a pool of SQLite connections: missing ones are reported at once, by their names in sqlx.

use std::time::Duration;

use connection_core::{ConnectionRegistry, KeyFile, OpenError, StoreError};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;

use crate::acme::Acme;

const WAL: &str = "journal_mode(SqliteJournalMode::Wal)";
const KEYS: &str = "foreign_keys(true)";
const PATIENCE: &str = "busy_timeout(Duration::from_secs(5))";
const FULL: &str = "synchronous(SqliteSynchronous::Full)";

type Setting = fn(SqliteConnectOptions) -> SqliteConnectOptions;

async fn open(directory: &TempDir, pool: SqlitePool) -> Result<ConnectionRegistry, OpenError> {
    let key = KeyFile::at(directory.path().join("key/root.key"));
    ConnectionRegistry::builder().store(pool).key(key).kind(Acme::default()).open().await
}

fn good(directory: &TempDir) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(directory.path().join("host.db")).create_if_missing(true);
    options.journal_mode(SqliteJournalMode::Wal)
}

async fn pool(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap()
}

#[tokio::test]
async fn each_missing_option_of_a_host_pool_is_named() {
    let no_log: Setting = |options| options.journal_mode(SqliteJournalMode::Delete);
    let no_keys: Setting = |options| options.foreign_keys(false);
    let no_patience: Setting = |options| options.busy_timeout(Duration::from_millis(999));
    let no_sync: Setting = |options| options.synchronous(SqliteSynchronous::Normal);
    let all: Setting = |options| {
        let options = options.journal_mode(SqliteJournalMode::Truncate).foreign_keys(false);
        options.busy_timeout(Duration::ZERO).synchronous(SqliteSynchronous::Off)
    };
    let cases: [(Setting, &[&str]); 5] = [
        (no_log, &[WAL]),
        (no_keys, &[KEYS]),
        (no_patience, &[PATIENCE]),
        (no_sync, &[FULL]),
        (all, &[WAL, KEYS, PATIENCE, FULL]),
    ];
    for (setting, lacking) in cases {
        let directory = TempDir::new().unwrap();
        let host = pool(setting(good(&directory))).await;
        let error = open(&directory, host.clone()).await.unwrap_err();
        let OpenError::Store(StoreError::Unsuited { lacks, .. }) = &error else { panic!("{error:?}") };
        assert_eq!(lacks, lacking);
        assert_eq!(error.remedy().unwrap(), format!("open the pool with {}", lacking.join(" and ")));
        let (made,): (i64,) = sqlx::query_as("SELECT count(*) FROM sqlite_schema").fetch_one(&host).await.unwrap();
        assert_eq!(made, 0, "nothing is made in what is not taken");
        host.close().await;
        let mended = pool(good(&directory)).await;
        open(&directory, mended).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn a_lent_pool_in_memory_is_refused() {
    let directory = TempDir::new().unwrap();
    for url in ["sqlite::memory:", "sqlite://"] {
        let host = SqlitePool::connect(url).await.unwrap();
        let error = open(&directory, host).await.unwrap_err();
        let OpenError::Store(StoreError::InvalidAddress { reason }) = &error else { panic!("{error:?}") };
        assert!(reason.contains("in memory"), "{reason}");
        assert!(error.remedy().unwrap().starts_with("name a file"));
    }
}
