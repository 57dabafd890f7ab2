//! A store with many connections, and the driver's own connections to it.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use connection_contract::Secret;
use connection_core::{Connection, ConnectionId, ConnectionRegistry, HttpPolicy, Import, KeyFile, Outcome};
use sqlx::{
    ConnectOptions as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;

use crate::{
    plugin::{API, KINDS, Plugin, identity},
    provider::Provider,
};

/// A registry with imported connections, an equal number of each kind.
pub(crate) struct Setting {
    directory: TempDir,
    pub(crate) registry: ConnectionRegistry,
    /// In the order in which they were imported.
    pub(crate) ids: Vec<ConnectionId>,
    /// Reads the same file.
    pub(crate) pool: SqlitePool,
    /// The number of the next account that is not connected.
    next: AtomicUsize,
}

fn options(file: &std::path::Path) -> SqliteConnectOptions {
    // The same options that the core uses.
    SqliteConnectOptions::new().filename(file).journal_mode(SqliteJournalMode::Wal).disable_statement_logging()
}

impl Setting {
    pub(crate) async fn of(count: usize, provider: &Provider) -> Self {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = directory.path().join("store/connections.db");
        let builder = ConnectionRegistry::builder()
            .store(file.to_str().unwrap().to_owned())
            .key(KeyFile::at(directory.path().join("key/root.key")))
            .http(HttpPolicy::new().endpoint(API, &provider.origin).unwrap());
        let builder = KINDS.iter().fold(builder, |builder, kind| builder.kind(Plugin(kind.clone())));
        let registry = builder.open().await.unwrap();
        let pool = SqlitePoolOptions::new().max_connections(4).test_before_acquire(false);
        let pool = pool.connect_with(options(&file)).await.unwrap();
        let mut setting = Self { directory, registry, ids: Vec::new(), pool, next: AtomicUsize::new(0) };
        setting.ids = setting.import(count).await;
        setting
    }

    /// Imports that many accounts that are not connected yet.
    pub(crate) async fn import(&self, count: usize) -> Vec<ConnectionId> {
        let first = self.next.fetch_add(count, SeqCst);
        let item = |number: usize| {
            let account = number.to_string();
            Import::new(KINDS[number % KINDS.len()].clone(), Secret::from(format!("key-{account}")), identity(&account))
        };
        let mut imports = self.registry.import_all((first..first + count).map(item)).start();
        let mut ids = Vec::with_capacity(count);
        while let Some(imported) = imports.next().await {
            ids.push(imported.unwrap().connection);
        }
        ids
    }

    /// Connects an account as a person does.
    pub(crate) async fn create(&self) {
        let number = self.next.fetch_add(1, SeqCst);
        let session = self.registry.setups().begin(&KINDS[number % KINDS.len()]).await.unwrap();
        let (step, _) = session.next_step().await.unwrap().unwrap();
        session.advance(step, &[("account".to_owned(), Secret::from(number.to_string()))]).await.unwrap();
        assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    }

    pub(crate) async fn connection(&self, at: usize) -> Connection {
        self.registry.connection(self.ids[at % self.ids.len()]).await.unwrap()
    }

    /// Makes the next use of each connection read the store.
    pub(crate) fn forget(&self) {
        self.registry.kinds().replace(Plugin(KINDS[0].clone())).unwrap();
    }

    /// Returns a connection of the driver to a copy of the store, whose commits are synced.
    pub(crate) async fn copy(&self) -> SqliteConnection {
        let file = self.directory.path().join(format!("copy-{}.db", self.next.fetch_add(1, SeqCst)));
        sqlx::query("VACUUM INTO $1").bind(file.to_str().unwrap()).execute(&self.pool).await.unwrap();
        options(&file).synchronous(SqliteSynchronous::Full).foreign_keys(true).connect().await.unwrap()
    }
}
