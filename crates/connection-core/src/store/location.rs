//! The location of a database: an address, or a pool of the host.

#[cfg(feature = "postgres")]
use std::str::FromStr as _;
use std::{ffi::OsString, fmt, path::PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
#[cfg(feature = "sqlite")]
use sqlx::SqlitePool;
#[cfg(feature = "postgres")]
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgSslMode},
};
#[cfg(feature = "postgres")]
use tokio::runtime::Handle;

use super::{StoreError, address::StoreAddress, part::Program};

/// The database of a registry: an address, or a pool of the host.
///
/// A pool of the host is used as it is and never closed. All of our tables have names that begin with
/// `connection_`, so the host can keep its own tables beside them.
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionRegistry, StoreSource};
///
/// // A pooler in transaction mode, and the server behind it.
/// let pooled = StoreSource::from("postgres://app@pooler:6432/app").direct("postgres://app@db:5432/app");
/// let builder = ConnectionRegistry::builder().store(pooled);
/// ```
pub struct StoreSource {
    pub(super) source: Source,
    /// The address of the server itself, if `source` leads to a pooler.
    pub(super) direct: Option<SecretString>,
    /// The version of the program that opens the database.
    pub(super) program: &'static Program,
}

pub(super) enum Source {
    Address(SecretString),
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePool),
    /// A pool of the host, and the runtime on which its connections must live.
    #[cfg(feature = "postgres")]
    Postgres(PgPool, Option<Handle>),
}

impl StoreSource {
    /// Sets the direct address of the server, for an address or a pool that leads to a pooler in transaction mode.
    /// Tables are created and notifications are received over this address. It may be that of a pooler in session mode,
    /// also if `source` is the same address.
    #[must_use]
    pub fn direct(mut self, address: impl Into<SecretString>) -> Self {
        self.direct = Some(address.into());
        self
    }

    fn new(source: Source) -> Self {
        Self { source, direct: None, program: Program::CURRENT }
    }

    /// Opens the database as another version of the program.
    #[cfg(feature = "workspace-tests")]
    pub(crate) fn of(self, program: &'static Program) -> Self {
        Self { program, ..self }
    }

    /// Records the current runtime as that of the host. Connections of the host's pool must live there, because the
    /// pool keeps them.
    pub(crate) fn here(self) -> Self {
        let source = match self.source {
            #[cfg(feature = "postgres")]
            Source::Postgres(pool, _) => Source::Postgres(pool, Handle::try_current().ok()),
            other => other,
        };
        Self { source, ..self }
    }

    /// Returns the state directory, which is beside the file of a SQLite database.
    pub(crate) fn state_directory(&self) -> Option<PathBuf> {
        self.file().map(state_beside)
    }

    /// Returns `true` for a SQLite database, by an address or by a pool.
    pub(crate) fn is_sqlite(&self) -> bool {
        match &self.source {
            Source::Address(_) => self.file().is_some(),
            #[cfg(feature = "sqlite")]
            Source::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            Source::Postgres(..) => false,
        }
    }

    /// Returns the file of a SQLite database that is named by an address; `None` for a server or a pool, and for an
    /// address that cannot be used.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::StoreSource;
    ///
    /// # #[cfg(feature = "sqlite")]
    /// assert_eq!(StoreSource::from("sqlite:///srv/app.db").file(), Some("/srv/app.db".into()));
    /// assert_eq!(StoreSource::from("postgres://app@db/app").file(), None);
    /// ```
    pub fn file(&self) -> Option<PathBuf> {
        let Source::Address(address) = &self.source else { return None };
        match Location::parse(address) {
            #[cfg(feature = "sqlite")]
            Ok(Location::Sqlite(path)) => Some(path),
            _ => None,
        }
    }
}

/// Returns the default state directory of a database file.
pub(crate) fn state_beside(database: impl Into<OsString>) -> PathBuf {
    let mut directory = database.into();
    directory.push(".state");
    directory.into()
}

impl fmt::Debug for StoreSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may contain a password.
        f.write_str(match &self.source {
            Source::Address(_) => "StoreSource(address)",
            #[cfg(feature = "sqlite")]
            Source::Sqlite(_) => "StoreSource(SqlitePool)",
            #[cfg(feature = "postgres")]
            Source::Postgres(..) => "StoreSource(PgPool)",
        })
    }
}

impl From<&str> for StoreSource {
    fn from(address: &str) -> Self {
        Self::new(Source::Address(address.into()))
    }
}

impl From<String> for StoreSource {
    fn from(address: String) -> Self {
        Self::new(Source::Address(address.into()))
    }
}

impl From<SecretString> for StoreSource {
    fn from(address: SecretString) -> Self {
        Self::new(Source::Address(address))
    }
}

#[cfg(feature = "sqlite")]
impl From<SqlitePool> for StoreSource {
    fn from(pool: SqlitePool) -> Self {
        Self::new(Source::Sqlite(pool))
    }
}

#[cfg(feature = "postgres")]
impl From<PgPool> for StoreSource {
    fn from(pool: PgPool) -> Self {
        Self::new(Source::Postgres(pool, None))
    }
}

/// The options of the server itself, for a database that is reached through a pooler.
#[cfg(feature = "postgres")]
pub(super) type Direct = PgConnectOptions;
#[cfg(not(feature = "postgres"))]
pub(super) type Direct = std::convert::Infallible;

/// The maximum length of the path of a database on Unix, in bytes: SQLite takes 512, with the end of the name of its log.
const MAX_PATH: usize = 504;

/// The reason against an address with a list of servers.
const SEVERAL_SERVERS: &str = "the address of the database names several servers, and this program takes one: that of \
                               the primary, or a name that leads to it";

/// The reason against an address whose names may hold more than names.
#[cfg(feature = "postgres")]
const MORE_THAN_A_NAME: &str = "the name of the host, the database or the user in the address of the database has a \
                                character in it that is between the parts of an address, such as : @ & = ; or %";

/// The reason against a mode of TLS that the driver would ignore.
#[cfg(feature = "postgres")]
const UNKNOWN_TLS_MODE: &str = "the variable PGSSLMODE is none of disable, allow, prefer, require, verify-ca and \
                                verify-full, so it would be ignored: correct it, or put sslmode into the address of the \
                                database";

/// The reason against a parameter for TLS that the driver would ignore.
const UNKNOWN_TLS_PARAMETER: &str = "the address of the database asks for TLS in a way that would be ignored: the \
                                     parameters are sslmode (disable, allow, prefer, require, verify-ca or \
                                     verify-full), sslrootcert, sslcert and sslkey, with & between them";

/// A parsed address, by engine. It has no `Debug`, because the options of PostgreSQL show the password.
pub(super) enum Location {
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(Box<PgConnectOptions>),
}

impl Location {
    /// Parses `sqlite://PATH`, `sqlite:PATH`, a path, or `postgres://…`, with the schemes in any letter case. Errors do
    /// not repeat the address, which may contain a password.
    ///
    /// A text that looks like the address of a server in another form is no path, unless there is such a file.
    pub(super) fn parse(address: &SecretString) -> Result<Self, StoreError> {
        let url = address.expose_secret();
        let given = StoreAddress::new(url);
        if given.is_of_postgres() {
            let reason = "a character of the password in the address of the database is not encoded: write # as %23, \
                          / as %2F, ? as %3F and @ as %40";
            return if given.has_unencoded_password() {
                Err(StoreError::InvalidAddress { reason })
            } else if given.names_several_servers() {
                Err(StoreError::InvalidAddress { reason: SEVERAL_SERVERS })
            } else if given.has_unknown_tls_parameter() {
                Err(StoreError::InvalidAddress { reason: UNKNOWN_TLS_PARAMETER })
            } else {
                Self::server(url)
            };
        }
        let (path, is_url) = given.path_of_url().map_or((url, false), |path| (path, true));
        let given = StoreAddress::new(path);
        let is_of_server = !is_url && given.is_of_server();
        let is_there = || given.exists();
        let is_too_long = || std::path::absolute(path).is_ok_and(|path| path.as_os_str().len() > MAX_PATH);
        let reason = match path {
            "" => "the address of the database names no file",
            _ if path.contains(":memory:") => "a database in memory would lose every connection at the end",
            _ if given.is_file_uri() => "the address of the database is a path, not a file: URI",
            _ if path.contains('\0') => "the address of the database holds a zero byte",
            _ if is_url && path.contains(['?', '#']) => "options in the address of a SQLite database are not supported",
            _ if given.has_control_characters() && !is_there() => {
                "the address of the database has a control character in it, such as the end of a line"
            }
            _ if cfg!(unix) && is_too_long() && !is_there() => {
                "the path of the database is longer than 504 bytes, and SQLite opens no such file"
            }
            _ if given.is_quoted() && !is_there() => "the address of the database is in quotation marks",
            _ if is_of_server && !is_there() => {
                return Err(match given.other_engine() {
                    Some(engine) => StoreError::UnsupportedEngine { engine: engine.to_owned() },
                    None => StoreError::NotAnAddress { corrected: given.corrected() },
                });
            }
            _ if !is_url && given.is_unfinished() && !is_there() => {
                "the address of the database has a placeholder in it that was not replaced, such as ${NAME}, or a \
                 quotation mark or white space at an end"
            }
            _ => return Self::file(path),
        };
        Err(StoreError::InvalidAddress { reason })
    }

    /// Returns the options of the server itself, for use as a direct address.
    pub(super) fn direct(self) -> Result<Direct, StoreError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(options) => Ok(*options),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => {
                let reason = "the direct address is that of a server, as in postgres://USER@HOST:PORT/DATABASE";
                Err(StoreError::InvalidAddress { reason })
            }
        }
    }

    #[cfg(feature = "sqlite")]
    fn file(path: &str) -> Result<Self, StoreError> {
        Ok(Self::Sqlite(PathBuf::from(path)))
    }

    #[cfg(not(feature = "sqlite"))]
    fn file(_: &str) -> Result<Self, StoreError> {
        Err(StoreError::EngineNotBuilt { engine: "SQLite", feature: "sqlite" })
    }

    #[cfg(feature = "postgres")]
    fn server(url: &str) -> Result<Self, StoreError> {
        let refused = |reason| Err(StoreError::InvalidAddress { reason });
        let Ok(options) = PgConnectOptions::from_str(url) else {
            return refused("the address of the database is not of the form postgres://USER@HOST:PORT/DATABASE");
        };
        if options.get_host().contains(',') {
            return refused(SEVERAL_SERVERS);
        }
        // The driver would look up the name `[::1]`.
        let literal = options.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let options = match literal.map(str::to_owned) {
            Some(literal) => options.host(&literal),
            None => options,
        };
        if hold_more_than_names(&options) {
            return refused(MORE_THAN_A_NAME);
        }
        if !["sslmode=", "ssl-mode="].iter().any(|name| url.contains(name)) && !knows_tls_mode_of_environment() {
            return refused(UNKNOWN_TLS_MODE);
        }
        Ok(Self::Postgres(Box::new(options)))
    }

    #[cfg(not(feature = "postgres"))]
    fn server(_: &str) -> Result<Self, StoreError> {
        Err(StoreError::EngineNotBuilt { engine: "PostgreSQL", feature: "postgres" })
    }
}

/// Returns `true` if the name of the host, the database or the user has a character in it that is between the parts of an
/// address. The name may hold a setting or a password then, and names are shown, also by the server.
#[cfg(feature = "postgres")]
fn hold_more_than_names(options: &PgConnectOptions) -> bool {
    let holds_more = |name: &str| name.contains([':', '=', '?', '&', ';', '#', '%']);
    let (host, user) = (options.get_host(), options.get_username());
    let database = options.get_database().unwrap_or(user);
    let address = host.split_once('%').filter(|(_, zone)| !holds_more(zone)).map_or(host, |(address, _)| address);
    let is_host = address.parse::<std::net::Ipv6Addr>().is_ok() || !holds_more(host) && !host.contains('@');
    let socket = options.get_socket().map(|socket| socket.to_string_lossy());
    let is_socket = socket.is_none_or(|socket| !socket.contains(['=', '&', ';']));
    !is_host || !is_socket || holds_more(user) || holds_more(database) || database.contains('@')
}

/// Returns `true` if the variable `PGSSLMODE` is unset, empty or one of the modes. The driver takes any other value, such
/// as one in quotation marks, for `prefer`, and connects without TLS to a server that offers none.
#[cfg(feature = "postgres")]
#[expect(clippy::disallowed_methods, reason = "the driver reads the variable, and does not report what it ignores")]
fn knows_tls_mode_of_environment() -> bool {
    let mode = std::env::var_os("PGSSLMODE").unwrap_or_default();
    mode.is_empty() || mode.to_str().is_some_and(|mode| PgSslMode::from_str(mode).is_ok())
}
