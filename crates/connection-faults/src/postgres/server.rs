//! The PostgreSQL server that the tests use, and clusters made with the binaries on this machine.

use std::{
    env, fs,
    io::{self, Write as _},
    net::TcpListener,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{self, Child, Command, Stdio},
    str::FromStr as _,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgSslMode},
};
use tempfile::TempDir;

use super::local::{as_postgres, own, program, run};
use crate::skip_notice;

const VARIABLE: &str = "CONNECTIONS_TEST_POSTGRES_URL";
/// Time limit for a server to accept connections. A running server answers at once, and a new one starts within two
/// seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Returns the options for the server that the tests use. Without a server, it prints a notice and ends the process
/// successfully, so that the test is skipped.
pub(super) fn options() -> PgConnectOptions {
    match server() {
        Ok(options) => options.clone(),
        Err(why) => {
            say_skipped("on PostgreSQL", why);
            process::exit(0)
        }
    }
}

/// Returns `true` if there is a server. Otherwise it prints a notice, or panics in continuous integration.
pub fn is_there() -> bool {
    server().as_ref().inspect_err(|why| say_skipped("on PostgreSQL", why)).is_ok()
}

fn server() -> &'static Result<PgConnectOptions, String> {
    static SERVER: OnceLock<Result<PgConnectOptions, String>> = OnceLock::new();
    SERVER.get_or_init(|| {
        find(env::var(VARIABLE).ok().as_deref(), own_cluster, SocketAddr::from((Ipv4Addr::LOCALHOST, 5432)))
    })
}

/// Returns the server that `wanted` names, or else the one that `make` makes, or else the one at `usual`.
///
/// # Errors
///
/// Returns the reason why there is no server.
pub(super) fn find(
    wanted: Option<&str>,
    make: impl FnOnce() -> io::Result<PgConnectOptions>,
    usual: SocketAddr,
) -> Result<PgConnectOptions, String> {
    match wanted {
        Some("none") => return Err("as it was asked for".into()),
        Some(url) => return Ok(PgConnectOptions::from_str(url).unwrap_or_else(|_| panic!("{VARIABLE} is no address"))),
        None => {}
    }
    make().or_else(|error| {
        let there = at("127.0.0.1", usual.port());
        let answers = TcpStream::connect_timeout(&usual, Duration::from_secs(2)).is_ok() && lets_in(&there);
        if answers { Ok(there) } else { Err(error.to_string()) }
    })
}

/// Makes the cluster of this process, which stops when the process ends.
fn own_cluster() -> io::Result<PgConnectOptions> {
    static OURS: OnceLock<Cluster> = OnceLock::new();
    let cluster = volatile_cluster()?;
    Ok(OURS.get_or_init(|| cluster).options())
}

/// Returns `true` if a server accepts a connection. A server that this process did not start may want a password.
pub(super) fn lets_in(options: &PgConnectOptions) -> bool {
    let options = options.clone();
    // The connection is made on another thread, because the caller may be inside a runtime.
    let asking = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(options.connect()).map(drop).map_err(io::Error::other)
    });
    asking.join().is_ok_and(|answer| answer.is_ok())
}

fn at(host: &str, port: u16) -> PgConnectOptions {
    // The connection does not use TLS, because each handshake waits for two delayed acknowledgements, and tests connect
    // often.
    let options = PgConnectOptions::new_without_pgpass().ssl_mode(PgSslMode::Disable);
    options.host(host).port(port).username("postgres").database("postgres")
}

/// Prints which tests are skipped, and why. In continuous integration the calling test fails.
pub(super) fn say_skipped(what: &str, why: &str) {
    skip_notice::say(what, &format!("{why}; {VARIABLE} names another server"));
}

/// A PostgreSQL server made for tests. It is stopped and deleted when this value is dropped or when this process dies.
#[derive(Debug)]
pub struct Cluster {
    directory: TempDir,
    keeper: Child,
    port: u16,
}

impl Cluster {
    /// Returns the options for the cluster's maintenance database.
    pub fn options(&self) -> PgConnectOptions {
        at("127.0.0.1", self.port)
    }

    /// Returns the address of the cluster, in the form of `CONNECTIONS_TEST_POSTGRES_URL`.
    pub fn address(&self) -> String {
        self.options().to_url_lossy().to_string()
    }

    /// Returns the directory of the cluster's files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file to the cluster's directory that only the server's user may read.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn keep(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.directory.path().join(name);
        fs::write(&path, text)?;
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        own(&path)
    }

    /// Adds lines of settings, which take effect at the next start.
    ///
    /// # Errors
    ///
    /// Returns an error if the settings cannot be written.
    pub fn set(&self, lines: &str) -> io::Result<()> {
        let file = self.directory.path().join("data/postgresql.conf");
        fs::OpenOptions::new().append(true).open(file)?.write_all(lines.as_bytes())
    }

    /// Makes a standby in a new directory, which follows this cluster until it is [promoted](Self::control).
    ///
    /// # Errors
    ///
    /// Returns an error if the binaries fail.
    pub fn standby(&self) -> io::Result<Self> {
        let directory = directory_in(&env::temp_dir())?;
        let data = directory.path().join("data").display().to_string();
        let port = self.port.to_string();
        let copy = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-D", &data, "-R", "-X", "stream", "-c", "fast"];
        run(&program("pg_basebackup")?, &copy, directory.path())?;
        // The last setting of the copied file counts.
        begin(directory, "")
    }

    /// Runs `pg_ctl` on the cluster with these arguments, to stop the server as a crash would or to start it again.
    ///
    /// # Errors
    ///
    /// Returns an error if `pg_ctl` does not run or fails.
    pub fn control(&self, arguments: &[&str]) -> io::Result<()> {
        let log = self.directory.path().join("log");
        let data = self.directory.path().join("data");
        let log = log.display().to_string();
        let data = data.display().to_string();
        let mut all = vec!["-D", &data, "-l", &log, "-w"];
        all.extend(arguments);
        run(&program("pg_ctl")?, &all, self.directory.path())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The keeper stops the server when its input ends.
        drop(self.keeper.stdin.take());
        self.keeper.wait().map(drop).unwrap_or_default();
    }
}

/// Makes a cluster in a new directory, on a free port. Its commits are durable.
///
/// # Errors
///
/// Returns an error if the binaries are not on this machine or fail.
pub fn cluster() -> io::Result<Cluster> {
    start(&env::temp_dir(), "")
}

/// Makes a cluster that never waits for a disk and loses everything when the machine crashes.
///
/// Its files are in memory where Linux offers a directory for that. Creating and dropping a database takes a tenth of
/// the time that it takes on a disk.
///
/// # Errors
///
/// Returns an error if the binaries are not on this machine or fail.
pub fn volatile_cluster() -> io::Result<Cluster> {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    start(&parent, "fsync = off\nfull_page_writes = off\nmax_connections = 300\n")
}

/// Makes a cluster in a new directory within `parent`, with additional lines of settings.
fn start(parent: &Path, more: &str) -> io::Result<Cluster> {
    let directory = directory_in(parent)?;
    let data = directory.path().join("data").display().to_string();
    let initdb = program("initdb")?;
    run(&initdb, &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], directory.path())?;
    begin(directory, more)
}

/// Makes a directory for a cluster.
fn directory_in(parent: &Path) -> io::Result<TempDir> {
    let directory = tempfile::Builder::new().prefix("connections-postgres-").tempdir_in(parent)?;
    own(directory.path())?;
    Ok(directory)
}

/// Starts the cluster whose files are in `data` of a directory, on a free port, with additional lines of settings.
fn begin(directory: TempDir, more: &str) -> io::Result<Cluster> {
    let control = program("pg_ctl")?;
    let data = directory.path().join("data").display().to_string();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let settings = format!("\nport = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n{more}");
    fs::OpenOptions::new().append(true).open(format!("{data}/postgresql.conf"))?.write_all(settings.as_bytes())?;
    // The keeper is a shell that waits for the end of its input, which also comes when this process is killed.
    let script = "\"$1\" -D \"$2\" -l \"$3/log\" -w start >/dev/null; read -r _; \
                  \"$1\" -D \"$2\" -m immediate stop >/dev/null; rm -rf \"$3\"";
    let mut keeper = Command::new("/bin/sh");
    keeper.args(["-c", script, "keeper"]).arg(&control).arg(&data).arg(directory.path());
    let keeper = as_postgres(&mut keeper, directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let cluster = Cluster { directory, keeper, port };
    let began = Instant::now();
    // The server listens before it accepts connections.
    while !lets_in(&cluster.options()) {
        if began.elapsed() > PATIENCE {
            return Err(io::Error::other("PostgreSQL was made and does not start"));
        }
        thread::yield_now();
    }
    Ok(cluster)
}
