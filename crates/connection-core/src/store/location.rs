//! The location of a database: an address, or a pool of the host.

#[cfg(feature = "postgres")]
use std::str::FromStr as _;
use std::{fmt, path::PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
#[cfg(feature = "sqlite")]
use sqlx::SqlitePool;
#[cfg(feature = "postgres")]
use sqlx::{PgPool, postgres::PgConnectOptions};
#[cfg(feature = "postgres")]
use tokio::runtime::Handle;

use super::StoreError;

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
    /// Tables are created and notifications are received over this address.
    #[must_use]
    pub fn direct(mut self, address: impl Into<SecretString>) -> Self {
        self.direct = Some(address.into());
        self
    }

    fn new(source: Source) -> Self {
        Self { source, direct: None }
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
        let mut directory = self.file()?.into_os_string();
        directory.push(".state");
        Some(directory.into())
    }

    /// Returns the file of a SQLite database that is named by an address.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let Source::Address(address) = &self.source else { return None };
        match Location::parse(address) {
            #[cfg(feature = "sqlite")]
            Ok(Location::Sqlite(path)) => Some(path),
            _ => None,
        }
    }
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

/// A parsed address, by engine.
#[derive(Debug)]
pub(super) enum Location {
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(Box<PgConnectOptions>),
}

impl Location {
    /// Parses `sqlite://PATH`, `sqlite:PATH`, a path, or `postgres://…`. Errors do not repeat the address, which
    /// may contain a password.
    pub(super) fn parse(address: &SecretString) -> Result<Self, StoreError> {
        let url = address.expose_secret();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Self::server(url);
        }
        let (path, is_url) = match (url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")), url) {
            (Some(path), _) => (path, true),
            (None, plain) => (plain, false),
        };
        if let Some((engine, _)) = url.split_once("://").filter(|_| !is_url) {
            return Err(StoreError::UnsupportedEngine { engine: engine.to_owned() });
        }
        let reason = match path {
            "" => "the address of the database names no file",
            _ if path.contains(":memory:") => "a database in memory would lose every connection at the end",
            _ if path.starts_with("file:") => "the address of the database is a path, not a file: URI",
            _ if path.contains('\0') => "the address of the database holds a zero byte",
            _ if is_url && path.contains(['?', '#']) => "options in the address of a SQLite database are not supported",
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
        let reason = "the address of the database is not of the form postgres://USER@HOST:PORT/DATABASE";
        match PgConnectOptions::from_str(url) {
            Ok(options) => Ok(Self::Postgres(Box::new(options))),
            Err(_) => Err(StoreError::InvalidAddress { reason }),
        }
    }

    #[cfg(not(feature = "postgres"))]
    fn server(_: &str) -> Result<Self, StoreError> {
        Err(StoreError::EngineNotBuilt { engine: "PostgreSQL", feature: "postgres" })
    }
}
