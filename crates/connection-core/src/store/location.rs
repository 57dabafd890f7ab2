//! The location of a database: an address, or a pool of the host.

use std::{fmt, path::PathBuf, str::FromStr as _};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{PgPool, SqlitePool, postgres::PgConnectOptions};
use tokio::runtime::Handle;

use super::StoreError;

/// The database of a registry: an address, or a pool of the host.
///
/// A pool of the host is used as it is and never closed. All of our tables have names that begin with
/// `connection_`, so the host can keep its own tables beside them.
pub struct StoreSource(pub(super) Source);

pub(super) enum Source {
    Address(SecretString),
    Sqlite(SqlitePool),
    /// A pool, and the runtime of the host, which connections of the pool must not outlive.
    Postgres(PgPool, Option<Handle>),
}

impl StoreSource {
    /// Records the current runtime as that of the host. Connections of the host's pool must live there, because the
    /// pool keeps them.
    pub(crate) fn here(self) -> Self {
        match self.0 {
            Source::Postgres(pool, _) => Self(Source::Postgres(pool, Handle::try_current().ok())),
            other => Self(other),
        }
    }
}

impl StoreSource {
    /// Returns the state directory, which is beside the file of a SQLite database.
    pub(crate) fn state_directory(&self) -> Option<PathBuf> {
        let Source::Address(address) = &self.0 else { return None };
        let Ok(Location::Sqlite(path)) = Location::parse(address) else { return None };
        let mut directory = path.into_os_string();
        directory.push(".state");
        Some(directory.into())
    }
}

impl StoreSource {
    /// Returns the file of a SQLite database that is named by an address.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let Source::Address(address) = &self.0 else { return None };
        match Location::parse(address) {
            Ok(Location::Sqlite(path)) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Debug for StoreSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may contain a password.
        f.write_str(match &self.0 {
            Source::Address(_) => "StoreSource(address)",
            Source::Sqlite(_) => "StoreSource(SqlitePool)",
            Source::Postgres(..) => "StoreSource(PgPool)",
        })
    }
}

impl From<&str> for StoreSource {
    fn from(address: &str) -> Self {
        Self(Source::Address(address.into()))
    }
}

impl From<String> for StoreSource {
    fn from(address: String) -> Self {
        Self(Source::Address(address.into()))
    }
}

impl From<SecretString> for StoreSource {
    fn from(address: SecretString) -> Self {
        Self(Source::Address(address))
    }
}

impl From<SqlitePool> for StoreSource {
    fn from(pool: SqlitePool) -> Self {
        Self(Source::Sqlite(pool))
    }
}

impl From<PgPool> for StoreSource {
    fn from(pool: PgPool) -> Self {
        Self(Source::Postgres(pool, None))
    }
}

/// A parsed address, by engine.
#[derive(Debug)]
pub(super) enum Location {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl Location {
    /// Parses `sqlite://PATH`, `sqlite:PATH`, a path, or `postgres://…`. Errors do not repeat the address, which
    /// may contain a password.
    pub(super) fn parse(address: &SecretString) -> Result<Self, StoreError> {
        let url = address.expose_secret();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url);
            let reason = "the address of the database is not of the form postgres://USER@HOST:PORT/DATABASE";
            return match options {
                Ok(options) => Ok(Self::Postgres(Box::new(options))),
                Err(_) => Err(StoreError::InvalidAddress { reason }),
            };
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
            _ => return Ok(Self::Sqlite(PathBuf::from(path))),
        };
        Err(StoreError::InvalidAddress { reason })
    }
}
