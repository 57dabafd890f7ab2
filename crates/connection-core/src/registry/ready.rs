//! The readiness of a process: whether it could answer a request now.

use std::fmt;

/// The reason why a process cannot answer requests now. It names nothing of the host, so anyone may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotReady {
    /// The database cannot be read.
    Store,
    /// The tables of the database are those of another version of the program.
    Tables,
    /// The keys of this process do not open the database, and its key source does not open the newer ones.
    Keys,
    /// There is no space left for the database. It can be read, but nothing can be stored.
    Full,
}

impl NotReady {
    /// Returns the stable code, such as `store_unavailable`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Store => "store_unavailable",
            Self::Tables => "tables_differ",
            Self::Keys => "keys_unavailable",
            Self::Full => "store_full",
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "the database cannot be read",
            Self::Tables => "the tables of the database are those of another version of this program",
            Self::Keys => "the keys of this process do not open the database",
            Self::Full => "there is no space left for the database",
        })
    }
}

impl std::error::Error for NotReady {}
