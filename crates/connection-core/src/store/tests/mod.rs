//! The store, on SQLite files of their own.

mod events;
mod open;
mod rows;
mod setups;
mod writer;

use tempfile::TempDir;

use super::{
    Store,
    open::open,
    rows::{AccountRow, AccountState, CredentialRow, CredentialState},
    writer::Limits,
};
use crate::{
    ids::{ConnectionId, IdGenerator as _, UuidV7},
    seal::Sealed,
};

/// A database in a directory that goes when the test ends.
pub(super) struct Database {
    directory: TempDir,
    ids: UuidV7,
}

impl Database {
    pub(super) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), ids: UuidV7::new() }
    }
    pub(super) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("store/connections.db")
    }
    pub(super) fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }
    pub(super) async fn open(&self) -> Store {
        Store::open(&self.url()).await.unwrap()
    }
    /// With batches that end as the test says.
    async fn open_with(&self, limits: Limits) -> Store {
        open(&self.url(), limits).await.unwrap()
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
        created_at: 100,
    }
}

/// Adds an account in a write of its own.
async fn add(store: &Store, row: &AccountRow) -> Result<(), super::StoreError> {
    let row = row.clone();
    store.write(move |tx| Box::pin(async move { tx.insert_account(&row).await })).await
}

async fn labels(store: &Store) -> Vec<String> {
    let rows = store.reader().await.unwrap().list_accounts(None, None, None, 1000).await.unwrap();
    rows.into_iter().filter_map(|found| Some(found.row?.account.label)).collect()
}
