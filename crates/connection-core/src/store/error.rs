//! What a database refuses or cannot do, with the way out. No value of a row is in it.

use std::io;

/// Why the store could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process held it for too long; trying again may work.
    #[error("the database {place} is busy")]
    Busy {
        /// The database.
        place: String,
    },
    /// A migration is not the one that was applied.
    #[error("migration {version} of the database {place} is not the one of this program")]
    Changed {
        /// The database.
        place: String,
        /// The migration's number.
        version: i64,
    },
    /// It was closed.
    #[error("the store is closed")]
    Closed,
    /// There is a row with this name already, or it was changed in between.
    #[error("another row has the same {what}")]
    Conflict {
        /// Table and columns, or the constraint's name.
        what: String,
    },
    /// It cannot be read: broken, or edited by another program.
    #[error("the database {place} is damaged: {detail}")]
    Corrupt {
        /// The database.
        place: String,
        /// What the engine says.
        detail: String,
    },
    /// The disk is full.
    #[error("there is no space left for the database {place}")]
    Full {
        /// The database.
        place: String,
    },
    /// The address names no database that could be kept.
    #[error("{reason}")]
    InvalidAddress {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A later version of this program has changed it.
    #[error("the database {place} has version {have}, which is newer than this program's {known}")]
    Newer {
        /// The database.
        place: String,
        /// The migration that is not known.
        have: i64,
        /// The last migration that is.
        known: i64,
    },
    /// The file is something else.
    #[error("{place} is not a database")]
    NotADatabase {
        /// The file.
        place: String,
    },
    /// A write crashed; nothing of it was kept.
    #[error("a write to the store crashed and was undone")]
    Panicked,
    /// It cannot be written.
    #[error("the database {place} cannot be written")]
    ReadOnly {
        /// The database, or the directory that it is in.
        place: String,
    },
    /// A row breaks a rule of its table.
    #[error("the database {place} refused a row: {detail}")]
    Refused {
        /// The database.
        place: String,
        /// The rule.
        detail: String,
    },
    /// It cannot be reached.
    #[error("the database {place} is not available: {detail}")]
    Unavailable {
        /// The database.
        place: String,
        /// What the system says.
        detail: String,
    },
    /// There is no support for databases of this sort.
    #[error("databases of the sort '{engine}' are not supported")]
    UnsupportedEngine {
        /// What stands before the colon.
        engine: String,
    },
}

impl StoreError {
    /// What a person does about it, when there is something.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Busy { .. } => "end the other program that holds the database, or try again".into(),
            Self::Changed { place, .. } => format!("use the program that made {place}, or restore it from a backup"),
            Self::Corrupt { place, .. } => format!("restore {place} from a backup"),
            Self::Full { place } => format!("free space on the disk of {place}"),
            Self::InvalidAddress { .. } => "name a file, as in sqlite:///var/lib/connections/connections.db".into(),
            Self::Newer { .. } => "install the newer version of this program".into(),
            Self::NotADatabase { .. } => "name another file, or move this one away".into(),
            Self::ReadOnly { place } => format!("make {place} and its directory writable for the user who runs this"),
            Self::UnsupportedEngine { .. } => "name a file, as in sqlite:///var/lib/connections/connections.db".into(),
            Self::Unavailable { place, .. } => {
                format!("see that {place} is a file, in a directory that the user who runs this can write")
            }
            Self::Closed | Self::Conflict { .. } | Self::Panicked | Self::Refused { .. } => return None,
        };
        Some(remedy)
    }

    /// What a driver's error means here. Only what the engine says of itself is taken over, never a value.
    pub(super) fn of(error: &sqlx::Error, place: &str) -> Self {
        let place = place.to_owned();
        match error {
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::PoolTimedOut => Self::Busy { place },
            sqlx::Error::Io(error) => Self::io(error, place),
            sqlx::Error::Database(error) if error.is_unique_violation() => {
                Self::Conflict { what: error.message().trim_start_matches("UNIQUE constraint failed: ").to_owned() }
            }
            sqlx::Error::Database(error) => {
                let detail = error.message().to_owned();
                let code = error.code().and_then(|code| code.parse::<i64>().ok());
                // The primary result code is the low byte (https://www.sqlite.org/rescode.html).
                match code.map(|code| code & 0xff) {
                    Some(5 | 6) => Self::Busy { place },
                    Some(3 | 8) => Self::ReadOnly { place },
                    Some(11) => Self::Corrupt { place, detail },
                    Some(13) => Self::Full { place },
                    Some(19) => Self::Refused { place, detail },
                    Some(26) => Self::NotADatabase { place },
                    _ => Self::Unavailable { place, detail },
                }
            }
            sqlx::Error::ColumnDecode { index, .. } => {
                Self::Corrupt { place, detail: format!("the value of {index} is not one that this program writes") }
            }
            sqlx::Error::Decode(_) => {
                Self::Corrupt { place, detail: "a value is not one that this program writes".into() }
            }
            _ => Self::Unavailable { place, detail: "the driver failed".into() },
        }
    }

    pub(super) fn io(error: &io::Error, place: String) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { place },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { place },
            _ => Self::Unavailable { place, detail: error.to_string() },
        }
    }
}
