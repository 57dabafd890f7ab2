//! The database of a test, with the directory of the machine that uses it.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{env, path::PathBuf};

use connection_core::{ConnectionRegistry, KeyFile, RegistryBuilder, StoreSource};
use tempfile::TempDir;

use crate::{
    postgres::{self, Database},
    sql,
};

/// A database and the directory of a machine. Both are removed with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// The directory of the machine.
    pub directory: TempDir,
    /// The database on the test server; `None` for a file.
    pub postgres: Option<Database>,
}

impl TestDatabase {
    /// Creates a database on the engine of the run. A file is only created when it is opened.
    pub async fn new() -> Self {
        if postgres::is_engine() { Self::on_server().await } else { Self::in_file() }
    }

    /// Creates a database on each engine, or only one in a file if there is no server.
    pub async fn each() -> Vec<Self> {
        let mut each = vec![Self::in_file()];
        if postgres::is_there() {
            each.push(Self::on_server().await);
        }
        each
    }

    /// Creates a database in a file, which is created when it is opened.
    pub fn in_file() -> Self {
        Self { directory: TempDir::new().unwrap(), postgres: None }
    }

    /// Creates a database with our tables on the test server.
    pub async fn on_server() -> Self {
        Self { postgres: Some(Database::migrated().await), ..Self::in_file() }
    }

    /// Returns the file of the database, on SQLite.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join("store/connections.db")
    }

    /// Returns the key file of this machine.
    pub fn key(&self) -> PathBuf {
        self.directory.path().join("key/root.key")
    }

    /// Returns the state directory of this machine. A database file has it beside it.
    pub fn state(&self) -> PathBuf {
        self.directory.path().join(if self.postgres.is_some() { "state" } else { "store/connections.db.state" })
    }

    /// Returns the address of the database as hosts write it.
    pub fn address(&self) -> String {
        match &self.postgres {
            Some(database) => database.url(),
            None => self.file().to_str().unwrap().to_owned(),
        }
    }

    /// Returns the address of the database through a pooler, if the whole suite runs with one.
    pub fn pooled(&self) -> Option<String> {
        let database = self.postgres.as_ref().filter(|_| env::var_os("CONNECTIONS_TEST_POOLER").is_some());
        database.map(|database| postgres::pooler().expect("a pooler was asked for").url(database))
    }

    /// Returns a builder with the database, the key file and the state directory of this machine.
    pub fn builder(&self) -> RegistryBuilder {
        let source = match self.pooled() {
            Some(pooled) => StoreSource::from(pooled).direct(self.address()),
            None => self.address().into(),
        };
        let builder = ConnectionRegistry::builder().store(source).key(KeyFile::at(self.key()));
        if self.postgres.is_some() { builder.state_directory(self.state()) } else { builder }
    }

    /// Returns the database for direct access.
    pub fn database(&self) -> sql::Database {
        match &self.postgres {
            Some(database) => sql::Database::Server(Box::new(database.options())),
            None => sql::Database::File(self.file()),
        }
    }

    /// Returns every stored row, as text.
    pub async fn rows(&self) -> Vec<String> {
        sql::rows(&self.database()).await
    }

    /// Edits the first event of a connection, as another program with write access does.
    pub async fn edit_event(&self, connection: &str) {
        let id = sql::id_of(connection);
        let edit = format!("UPDATE connection_event SET at = at + 1 WHERE seq = 1 AND connection_id = {id}");
        sql::unlock_events(&self.database()).await;
        assert_eq!(sql::script(&self.database(), edit).await, 1, "the event of {connection} is edited");
    }

    /// Makes the database fail whenever a connection is stored while there are this many, until [`heal`](Self::heal) is
    /// called. The failure is one of the database, as on a machine without memory, and no refusal of the row.
    pub async fn fail_after(&self, connections: usize) {
        let there = format!("(SELECT count(*) FROM connection_account) >= {connections}");
        let fail = if self.postgres.is_some() {
            // A condition of a trigger of PostgreSQL cannot have a query.
            format!(
                "CREATE FUNCTION connections_test_fail() RETURNS trigger AS $$ BEGIN IF {there} THEN \
                 RAISE EXCEPTION 'out of memory' USING ERRCODE = 'out_of_memory'; END IF; RETURN NEW; END $$ \
                 LANGUAGE plpgsql; \
                 CREATE TRIGGER connections_test_fail BEFORE INSERT ON connection_account \
                 FOR EACH ROW EXECUTE FUNCTION connections_test_fail()"
            )
        } else {
            // `RAISE` would be a violated constraint. The smallest integer has no absolute value, which is an error.
            format!(
                "CREATE TRIGGER connections_test_fail BEFORE INSERT ON connection_account WHEN {there} \
                 BEGIN SELECT abs(-9223372036854775808 + length(NEW.label) * 0); END"
            )
        };
        sql::script(&self.database(), fail).await;
    }

    /// Ends the failure that [`fail_after`](Self::fail_after) began.
    pub async fn heal(&self) {
        let heal = if self.postgres.is_some() {
            "DROP FUNCTION connections_test_fail() CASCADE"
        } else {
            "DROP TRIGGER connections_test_fail"
        };
        sql::script(&self.database(), heal).await;
    }

    /// Makes every request with an `Idempotency-Key` look as if its process had been killed after it made something and
    /// before it recorded the end of the request.
    pub async fn interrupt_requests(&self) {
        sql::script(&self.database(), "UPDATE connection_access_token_request SET is_whole = FALSE").await;
    }
}
