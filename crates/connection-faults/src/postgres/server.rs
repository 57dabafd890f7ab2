//! Which server the tests use, and how one is made of the binaries on this machine.

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
use crate::skipped;

const VARIABLE: &str = "CONNECTIONS_TEST_POSTGRES_URL";
/// A server that runs answers at once; a new one starts within a second or two.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The server that tests use.
pub(super) fn options() -> PgConnectOptions {
    match server() {
        Ok(options) => options.clone(),
        Err(why) => {
            say_skipped("on PostgreSQL", why);
            process::exit(0)
        }
    }
}

/// Whether there is a server. Without one, it says loudly that tests are left out, and in CI the test fails.
pub fn is_there() -> bool {
    server().as_ref().inspect_err(|why| say_skipped("on PostgreSQL", why)).is_ok()
}

fn server() -> &'static Result<PgConnectOptions, String> {
    static SERVER: OnceLock<Result<PgConnectOptions, String>> = OnceLock::new();
    SERVER.get_or_init(|| find(env::var(VARIABLE).ok().as_deref(), ours, SocketAddr::from((Ipv4Addr::LOCALHOST, 5432))))
}

/// Returns the server that `wanted` names, or else the one that `make` makes, or else the one at `usual`.
///
/// # Errors
///
/// The reason why there is none.
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

/// Makes the cluster of this process, which ends with it.
fn ours() -> io::Result<PgConnectOptions> {
    static OURS: OnceLock<Cluster> = OnceLock::new();
    let cluster = volatile_cluster()?;
    Ok(OURS.get_or_init(|| cluster).options())
}

/// A server that was there before may want a password.
pub(super) fn lets_in(options: &PgConnectOptions) -> bool {
    let options = options.clone();
    // On a thread of its own: a test may ask inside a runtime.
    let asked = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(options.connect()).map(drop).map_err(io::Error::other)
    });
    asked.join().is_ok_and(|answer| answer.is_ok())
}

fn at(host: &str, port: u16) -> PgConnectOptions {
    // In the clear, since each handshake waits for two delayed acknowledgements, and tests connect often.
    let options = PgConnectOptions::new_without_pgpass().ssl_mode(PgSslMode::Disable);
    options.host(host).port(port).username("postgres").database("postgres")
}

/// Says what is not done; in CI the test that asks fails.
pub(super) fn say_skipped(what: &str, why: &str) {
    skipped::say(what, &format!("{why}; {VARIABLE} names another server"));
}

/// A server of our own, stopped and deleted with this value, or when this process dies.
#[derive(Debug)]
pub struct Cluster {
    directory: TempDir,
    keeper: Child,
    port: u16,
}

impl Cluster {
    /// Its database that is always there.
    pub fn options(&self) -> PgConnectOptions {
        at("127.0.0.1", self.port)
    }

    /// Its address, as `CONNECTIONS_TEST_POSTGRES_URL` takes it.
    pub fn address(&self) -> String {
        self.options().to_url_lossy().to_string()
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Keeps a private file of its user in its directory.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn keep(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.directory.path().join(name);
        fs::write(&path, text)?;
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        own(&path)
    }

    /// Adds settings, which count from the next start on.
    ///
    /// # Errors
    ///
    /// They cannot be written.
    pub fn set(&self, lines: &str) -> io::Result<()> {
        let file = self.directory.path().join("data/postgresql.conf");
        fs::OpenOptions::new().append(true).open(file)?.write_all(lines.as_bytes())
    }

    /// Stops it at once, as a crash does, or starts it again, with the program `pg_ctl` and these arguments.
    ///
    /// # Errors
    ///
    /// It does not run, or fails.
    pub fn control(&self, arguments: &[&str]) -> io::Result<()> {
        let log = self.directory.path().join("log");
        let (data, log) = (self.directory.path().join("data"), log.display().to_string());
        let data = data.display().to_string();
        let mut all = vec!["-D", &data, "-l", &log, "-w"];
        all.extend(arguments);
        run(&program("pg_ctl")?, &all, self.directory.path())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The keeper stops it when its input ends.
        drop(self.keeper.stdin.take());
        self.keeper.wait().map(drop).unwrap_or_default();
    }
}

/// Makes a cluster in a directory of its own, on a free port. It keeps its promises of durability.
///
/// # Errors
///
/// The binaries are not on this machine, or fail.
pub fn cluster() -> io::Result<Cluster> {
    start(&env::temp_dir(), "")
}

/// Makes a cluster that never waits for a disk, and loses everything with the machine: in memory where Linux offers a
/// directory there. Creating and dropping a database takes a tenth of the time that it takes on a disk.
///
/// # Errors
///
/// The binaries are not on this machine, or fail.
pub fn volatile_cluster() -> io::Result<Cluster> {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    start(&parent, "fsync = off\nfull_page_writes = off\nmax_connections = 300\n")
}

/// Makes a cluster in a new directory within `parent`, with these lines of settings besides the usual ones.
fn start(parent: &Path, more: &str) -> io::Result<Cluster> {
    let (initdb, control) = (program("initdb")?, program("pg_ctl")?);
    let directory = tempfile::Builder::new().prefix("connections-postgres-").tempdir_in(parent)?;
    own(directory.path())?;
    let data = directory.path().join("data").display().to_string();
    run(&initdb, &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], directory.path())?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let settings = format!("\nport = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n{more}");
    fs::OpenOptions::new().append(true).open(format!("{data}/postgresql.conf"))?.write_all(settings.as_bytes())?;
    // A shell that waits for the end of its input, which comes also when this process is killed.
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
    // It listens before it lets anybody in.
    while !lets_in(&cluster.options()) {
        if began.elapsed() > PATIENCE {
            return Err(io::Error::other("PostgreSQL was made and does not start"));
        }
        thread::yield_now();
    }
    Ok(cluster)
}
