//! Where a database is, from what people write.

use std::path::PathBuf;

use super::StoreError;

/// A database by its engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    Sqlite(PathBuf),
}

impl Location {
    /// Reads `sqlite://PATH`, `sqlite:PATH` or a path. The address is not repeated in errors: it may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
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
            _ if is_url && path.contains(['?', '#']) => "options in the address of a database are not supported",
            _ => return Ok(Self::Sqlite(PathBuf::from(path))),
        };
        Err(StoreError::InvalidAddress { reason })
    }
}
