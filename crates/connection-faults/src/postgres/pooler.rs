//! PgBouncer in transaction mode, between the tests and their server.
//!
//! A transaction has a connection to the server for itself, and the next one may have another: whatever a program leaves
//! there is lost, or found by somebody else.

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

/// Few, so that clients wait for each other and change connections.
const CONNECTIONS: usize = 4;

/// A pooler of this process, stopped with this value, or when this process dies.
#[derive(Debug)]
pub struct Pooler {
    /// Deleted with this value.
    _directory: TempDir,
    keeper: Child,
    port: u16,
}

impl Pooler {
    /// Starts one on a free port.
    ///
    /// # Errors
    ///
    /// The program is not on this machine, or fails.
    pub fn start() -> io::Result<Self> {
        Self::start_with("")
    }

    /// As [`start`](Self::start), with more lines of settings.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
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
        // A shell that waits for the end of its input, which comes also when this process is killed.
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

    /// A database behind it, for drivers.
    pub fn options(&self, database: &Database) -> PgConnectOptions {
        // A pooler knows none of the settings of a session.
        database.options().host("127.0.0.1").port(self.port).extra_float_digits(None)
    }

    /// A database behind it, for programs.
    pub fn url(&self, database: &Database) -> String {
        self.options(database).to_url_lossy().to_string()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // The keeper stops it when its input ends.
        drop(self.keeper.stdin.take());
        self.keeper.wait().map(drop).unwrap_or_default();
    }
}

/// The one that the tests of this process share; without the program, it says loudly that tests are left out, and in CI the
/// test fails.
pub fn pooler() -> Option<&'static Pooler> {
    static POOLER: OnceLock<Result<Pooler, String>> = OnceLock::new();
    let pooler = POOLER.get_or_init(|| Pooler::start().map_err(|error| error.to_string()));
    pooler.as_ref().inspect_err(|why| say_skipped("behind a pooler", why)).ok()
}
