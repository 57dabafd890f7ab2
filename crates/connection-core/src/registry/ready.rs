//! The readiness of a process: whether it could answer a request now.

use std::fmt;

/// The reason why a process cannot answer requests now. It names nothing of the host, so anyone may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotReady {
    /// The database cannot be read.
    Store,
    /// The file of the database was moved, deleted or replaced. Lists show what the former file has, and nothing can be
    /// stored.
    Displaced,
    /// The tables of the database are those of another version of the program.
    Tables,
    /// The keys of this process do not open the database, and its key source does not open the newer ones.
    Keys,
    /// The database is on a server that is a standby. It can be read, but nothing can be stored.
    Standby,
    /// The database refuses writes: its server takes none from this program, or its file cannot be written. It can be
    /// read, but nothing can be stored.
    ReadOnly,
    /// There is no space left for the database. It can be read, but nothing can be stored.
    Full,
    /// This program is too old to write the database. It can be read, but nothing can be stored.
    TooOld,
}

impl NotReady {
    /// Returns the stable code, such as `store_unavailable`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Store => "store_unavailable",
            Self::Displaced => "store_displaced",
            Self::Tables => "tables_differ",
            Self::Keys => "keys_unavailable",
            Self::Standby => "store_standby",
            Self::ReadOnly => "store_read_only",
            Self::Full => "store_full",
            Self::TooOld => "program_too_old",
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "the database cannot be read",
            Self::Displaced => "the file of the database was moved, deleted or replaced",
            Self::Tables => "the tables of the database are those of another version of this program",
            Self::Keys => "the keys of this process do not open the database",
            Self::Standby => "the server of the database is a standby, which takes no writes",
            Self::ReadOnly => "the database can be read, and takes no writes",
            Self::Full => "there is no space left for the database",
            Self::TooOld => "this version of the program is too old to write the database",
        })
    }
}

impl std::error::Error for NotReady {}
