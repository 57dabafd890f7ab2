//! An empty database.

use connection_faults::{host_pool::Pool, postgres};
use tempfile::TempDir;

use crate::{sql, test_host::on_postgres};

/// A database of one test, before its first start.
pub(crate) struct Fresh {
    directory: TempDir,
    postgres: Option<postgres::Database>,
}

impl Fresh {
    pub(crate) async fn new() -> Self {
        let postgres = if on_postgres() { Some(postgres::Database::empty().await) } else { None };
        Self { directory: TempDir::new().unwrap(), postgres }
    }

    /// Returns the address for the builder.
    pub(crate) fn address(&self) -> String {
        match &self.postgres {
            Some(database) => database.url(),
            None => self.directory.path().join("connections.db").to_str().unwrap().to_owned(),
        }
    }

    /// Returns the database for direct access.
    pub(crate) fn database(&self) -> sql::Database {
        match &self.postgres {
            Some(database) => sql::Database::Server(Box::new(database.options())),
            None => sql::Database::File(self.address().into()),
        }
    }

    /// Returns a pool of the host with the right options.
    pub(crate) async fn pool(&self, connections: u32) -> Pool {
        Pool::of(&self.database(), connections).await
    }
}
