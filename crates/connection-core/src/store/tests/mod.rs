//! The store, on temporary files and on databases of the test server.
#![cfg(feature = "workspace-tests")]

mod addresses;
mod changes;
mod connections;
mod dead;
mod displaced;
mod due;
mod durable;
mod events;
mod grown;
mod leases;
mod lists;
mod moves;
mod old_rows;
mod open;
mod plans;
mod provider_words;
mod refusals;
mod restores;
mod rows;
mod sealed;
mod setups;
pub(super) mod texts;
mod writer;

use connection_faults::postgres;
use tempfile::TempDir;

use super::{
    ListFilter, Store,
    rows::{AccountRow, AccountState, CredentialRow, CredentialState, PlanRow},
    sqlite::Limits,
};
use crate::{
    ids::{ConnectionId, IdGenerator as _, UuidV7},
    store::Sealed,
};

/// A database that is removed when the test ends.
pub(super) struct Database {
    directory: TempDir,
    /// The database on the test server; `None` for a file.
    postgres: Option<postgres::Database>,
    ids: UuidV7,
}

impl Database {
    /// Creates a database in a file.
    pub(super) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), postgres: None, ids: UuidV7::new() }
    }

    /// Creates an empty database on the test server, if there is one.
    pub(super) async fn on_postgres() -> Option<Self> {
        let postgres = if postgres::is_there() { Some(postgres::Database::migrated().await) } else { None };
        postgres.map(|database| Self { postgres: Some(database), ..Self::new() })
    }

    /// Creates one database on each engine.
    pub(super) async fn each() -> impl Iterator<Item = Self> {
        [Self::new()].into_iter().chain(Self::on_postgres().await)
    }

    /// Returns the value for the engine in use.
    fn by_engine<T>(&self, sqlite: T, postgres: T) -> T {
        if self.postgres.is_some() { postgres } else { sqlite }
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("store/connections.db")
    }

    pub(super) fn url(&self) -> String {
        match &self.postgres {
            Some(database) => database.url(),
            None => format!("sqlite://{}", self.path().display()),
        }
    }

    pub(super) async fn open(&self) -> Store {
        Store::open(self.url().into()).await.unwrap()
    }

    /// Opens the database with other limits for the batches of SQLite.
    async fn open_with(&self, limits: Limits) -> Store {
        match &self.postgres {
            Some(_) => self.open().await,
            None => Store::open_file(self.path(), limits).await.unwrap(),
        }
    }

    pub(super) fn id<T: From<uuid::Uuid>>(&self) -> T {
        self.ids.next().into()
    }

    fn account(&self, label: &str) -> AccountRow {
        AccountRow {
            id: self.id(),
            owner: "local".into(),
            kind: "github".into(),
            profile_id: None,
            label: label.into(),
            account_id: "583231".into(),
            account_label: "octocat".into(),
            is_default: false,
            config: "{}".into(),
            terms: None,
            revision: 1,
            generation: 0,
            next_generation: 1,
            state: AccountState::Active,
            created_at: 100,
            updated_at: 100,
        }
    }
}

fn credential(id: ConnectionId, generation: i64, state: CredentialState) -> CredentialRow {
    CredentialRow {
        connection_id: id,
        generation,
        state,
        sealed: Sealed::from_row(vec![u8::try_from(generation).unwrap(); 97]),
        key_id: vec![7; 8],
        secret_names: r#"["accessToken"]"#.into(),
        granted_scopes: None,
        valid_until: None,
        plan: PlanRow::default(),
        created_at: 100,
    }
}

/// Adds an account in a separate write.
async fn add(store: &Store, row: &AccountRow) -> Result<(), super::StoreError> {
    let row = row.clone();
    store.write(move |tx| Box::pin(async move { tx.insert_account(&row).await })).await
}

async fn labels(store: &Store) -> Vec<String> {
    let wanted = ListFilter { limit: 1000, ..ListFilter::default() };
    let (rows, _) = store.reader().await.unwrap().list(&wanted).await.unwrap();
    rows.into_iter().filter_map(|found| Some(found.row?.account.label)).collect()
}
