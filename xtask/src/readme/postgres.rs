//! A new PostgreSQL database for each document, because documents must hold on PostgreSQL as on SQLite.
//!
//! The server is the one that the tests use. It is reached through `psql`.

use std::env;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::process::{self, in_ci, tool};

const VARIABLE: &str = "CONNECTIONS_TEST_POSTGRES_URL";
const USUAL: &str = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable";

/// A database that is dropped with this value.
#[derive(Debug)]
pub(crate) struct Database {
    root: PathBuf,
    server: String,
    name: String,
}

impl Database {
    pub(crate) fn create(root: &Path, server: &str, number: usize) -> Result<Self, Failure> {
        let name = format!("connections_readme_{}_{number}", std::process::id());
        let database = Self { root: root.to_owned(), server: server.to_owned(), name };
        database.ask(&format!("CREATE DATABASE {} TEMPLATE template0", database.name))?;
        Ok(database)
    }

    /// Returns the address of the database in the form for a configuration.
    pub(crate) fn url(&self) -> String {
        let (head, options) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let head = head.rsplit_once('/').map_or(head, |(head, _)| head);
        format!("{head}/{}?{options}", self.name)
    }

    fn ask(&self, sql: &str) -> Result<(), Failure> {
        process::output(&mut tool(&self.root, "psql", &[&self.server, "-qc", sql])).map(drop)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(failure) = self.ask(&format!("DROP DATABASE {} WITH (FORCE)", self.name)) {
            println!("readme: {failure}");
        }
    }
}

/// Returns the address of the tests' server, or `None` with a notice if there is none. In continuous integration a
/// missing server is an error.
pub(crate) fn server(root: &Path) -> Result<Option<String>, Failure> {
    let server = env::var(VARIABLE).unwrap_or_else(|_| USUAL.to_owned());
    if server != "none" && process::answers(&mut tool(root, "psql", &[&server, "-qc", "SELECT 1"])) {
        return Ok(Some(server));
    }
    if in_ci() {
        return Err(Failure::new(format!("the documents cannot be run on PostgreSQL: set {VARIABLE}, or install it")));
    }
    println!("readme: SKIPPED on PostgreSQL: no server at {VARIABLE} or 127.0.0.1:5432, or no psql");
    Ok(None)
}
