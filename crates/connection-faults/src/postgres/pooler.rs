//! PgBouncer in transaction mode, between the tests and their server.
//!
//! A client has a connection to the server for the length of one transaction, and its next transaction may use
//! another one. State that a program leaves in a session is therefore lost, or seen by another client.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Instant,
};

use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use tempfile::TempDir;

use super::{
    Database,
    local::{as_postgres, own, program},
    server::{PATIENCE, options, say_skipped},
};

/// Number of connections to the server. It is small, so that clients wait for each other and change connections.
const CONNECTIONS: usize = 4;

/// A running pooler, which stops when this value is dropped or when this process dies.
#[derive(Debug)]
pub struct Pooler {
    /// The directory of the pooler's files, deleted with this value.
    _directory: TempDir,
    keeper: Child,
    port: u16,
}

impl Pooler {
    /// Starts a pooler on a free port.
    ///
    /// # Errors
    ///
    /// Returns an error if `pgbouncer` is not on this machine or does not start.
    pub fn start() -> io::Result<Self> {
        Self::start_with("")
    }

    /// Like [`start`](Self::start), with more lines of settings.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`start`](Self::start).
    pub fn start_with(more: &str) -> io::Result<Self> {
        let pgbouncer = program("pgbouncer")?;
        let directory = tempfile::Builder::new().prefix("connections-pgbouncer-").tempdir()?;
        own(directory.path())?;
        let server = options();
        let address = server.to_url_lossy();
        let password = address.password().unwrap_or_default();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let users = directory.path().join("users");
        let settings = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = {CONNECTIONS}\nmax_client_conn = 1000\nserver_idle_timeout = 5\n\
             server_login_retry = 1\n{more}\n",
            server.get_host(),
            server.get_port(),
            users.display(),
        );
        let file = directory.path().join("settings");
        fs::write(&users, format!("\"{}\" \"{password}\"\n", server.get_username()))?;
        fs::write(&file, settings)?;
        for path in [&users, &file] {
            own(path)?;
        }
        // The keeper is a shell that waits for the end of its input, which also comes when this process is killed.
        let script = "\"$1\" -q \"$2\" & read -r _; kill -9 $!; wait $!; rm -rf \"$3\"";
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", script, "keeper"]).arg(pgbouncer).arg(&file).arg(directory.path());
        let keeper = as_postgres(&mut keeper, directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pooler = Self { _directory: directory, keeper, port };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if began.elapsed() > PATIENCE {
                return Err(io::Error::other("the pooler does not start"));
            }
            std::thread::yield_now();
        }
        Ok(pooler)
    }

    /// Returns the address of a database through the pooler, for drivers.
    pub fn options(&self, database: &Database) -> PgConnectOptions {
        // PgBouncer refuses a connection that sets a parameter of the session.
        database.options().host("127.0.0.1").port(self.port).extra_float_digits(None)
    }

    /// Returns the address of a database through the pooler, for programs.
    pub fn url(&self, database: &Database) -> String {
        self.options(database).to_url_lossy().to_string()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // The keeper stops the pooler when its input ends.
        drop(self.keeper.stdin.take());
        self.keeper.wait().map(drop).unwrap_or_default();
    }
}

/// Returns the pooler that the tests of this process share.
///
/// Returns `None` if there is no pooler, after a notice. In continuous integration the test fails instead.
pub fn pooler() -> Option<&'static Pooler> {
    static POOLER: OnceLock<Result<Pooler, String>> = OnceLock::new();
    let pooler = POOLER.get_or_init(|| Pooler::start().map_err(|error| error.to_string()));
    pooler.as_ref().inspect_err(|why| say_skipped("behind a pooler", why)).ok()
}
