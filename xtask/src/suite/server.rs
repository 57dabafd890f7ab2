//! The PostgreSQL server that all tests of a run share.
//!
//! A test binary that runs by itself makes its own server, which takes a second. Here every test is a process, so all
//! of them share one server, and each test has its own database on it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::failure::Failure;
use crate::workspace::Workspace;

/// The program of `connection-faults` that makes the server and stops it when its input ends.
const PROGRAM: &str = "connection-faults-postgres";

/// A running server, which stops when this value is dropped or when this process dies.
#[derive(Debug)]
pub(super) struct Server {
    keeper: Child,
    address: String,
}

impl Server {
    /// Starts the server, unless the environment names one. Returns `None` if the server cannot be started: each test
    /// that needs it then prints a notice, or fails in continuous integration.
    pub(super) fn start(workspace: &Workspace) -> Result<Option<Self>, Failure> {
        if std::env::var_os("CONNECTIONS_TEST_POSTGRES_URL").is_some() {
            return Ok(None);
        }
        let program = format!("debug/{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
        let program = workspace.target_directory()?.join(program);
        let failed = |error| Failure::new(format!("`{PROGRAM}`: {error}"));
        let mut keeper = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut address = String::new();
        if let Some(output) = keeper.stdout.take() {
            BufReader::new(output).read_line(&mut address).map_err(failed)?;
        }
        let address = address.trim_end().to_owned();
        if address.is_empty() {
            keeper.wait().map_err(failed)?;
            return Ok(None);
        }
        Ok(Some(Self { keeper, address }))
    }

    /// Returns the address of the server, for `CONNECTIONS_TEST_POSTGRES_URL`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The keeper stops the server when its input ends.
        drop(self.keeper.stdin.take());
        self.keeper.wait().map(drop).unwrap_or_default();
    }
}
