//! The errors of a database, each with a remedy if there is one. They contain no values of rows.

use std::io;

use sqlx::error::DatabaseError;
#[cfg(feature = "postgres")]
use sqlx::postgres::PgDatabaseError;

use connection_seal::platform::NotPrivate;

/// The reason why the store could not do what was requested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process held the database for too long. Trying again may succeed.
    #[error("the database {place} is busy")]
    Busy {
        /// The path of the database file, or the address of the server without a password.
        place: String,
    },
    /// An applied migration differs from the one of this program.
    #[error("migration {version} of the database {place} differs from the one of this program")]
    Changed {
        /// The path of the database file, or the address of the server without a password.
        place: String,
        /// The number of the first migration that differs.
        version: i64,
    },
    /// The store was closed, or the runtime that it works on has shut down.
    #[error("the store is closed")]
    Closed,
    /// A row with this name exists already, or the row was changed in between.
    #[error("another row has the same {what}")]
    Conflict {
        /// The table and columns, or the name of the constraint.
        what: String,
    },
    /// The database cannot be read: it is damaged, or was edited by another program.
    #[error("the database {place} is damaged: {detail}")]
    Corrupt {
        /// The path of the database file, or the address of the server without a password.
        place: String,
        /// The message of the engine, or a description of the value or row that cannot be read.
        detail: String,
    },
    /// This program was built without the engine of the database.
    #[error("this program was built without {engine}, which is the feature `{feature}` of connection-core")]
    EngineNotBuilt {
        /// The name of the engine, `SQLite` or `PostgreSQL`.
        engine: &'static str,
        /// The feature of connection-core that adds the engine, `sqlite` or `postgres`.
        feature: &'static str,
    },
    /// Other users can read or change a file of the database.
    #[error("the database is not private: {0}")]
    Exposed(NotPrivate),
    /// The disk of the database is full, or a quota is used up.
    #[error("there is no space left for the database {place}")]
    Full {
        /// The path of the database file, or the address of the server without a password.
        place: String,
    },
    /// A restore was interrupted while it replaced the database, which is therefore not in its place.
    #[error("the database {place} is missing, because its restore from a backup was interrupted")]
    Interrupted {
        /// The path of the database file.
        place: String,
    },
    /// The address names no database that could be kept.
    #[error("{reason}")]
    InvalidAddress {
        /// The problem with the address, as a clause for people.
        reason: &'static str,
    },
    /// A later version of this program has changed the database.
    #[error("the database {place} has version {have}, which is newer than this program's {known}")]
    Newer {
        /// The path of the database file, or the address of the server without a password.
        place: String,
        /// The number of the migration that is not known.
        have: i64,
        /// The number of the last migration that is known.
        known: i64,
    },
    /// The file is not a database.
    #[error("{place} is not a database")]
    NotADatabase {
        /// The path of the file that was to be opened.
        place: String,
    },
    /// A write panicked, and was rolled back.
    #[error("a write to the store crashed and was undone")]
    Panicked,
    /// A pooler is between this program and the server, but the configuration does not say so.
    #[error("a pooler is between this program and the database {place}")]
    Pooled {
        /// The name of the database, as it was requested from the pooler.
        place: String,
    },
    /// The database cannot be written.
    #[error("the database {place} cannot be written")]
    ReadOnly {
        /// The name of the database, or the directory that contains it.
        place: String,
    },
    /// A row violates a rule of its table.
    #[error("the database {place} refused a row: {detail}")]
    Refused {
        /// The path of the database file, or the address of the server without a password.
        place: String,
        /// The rule that the row violates.
        detail: String,
    },
    /// The database has a table of another program with one of our names.
    #[error("the database {place} has a table or index {name} that this program did not create")]
    Taken {
        /// The path of the database file, or the address of the server without a password.
        place: String,
        /// The name of the table or index, or `connection_` if the engine does not state it.
        name: String,
    },
    /// The database cannot be reached.
    #[error("{}: {detail}", unavailable(.place))]
    Unavailable {
        /// The path of the database file, or the address of the server without a password.
        place: String,
        /// The message of the operating system or of the engine.
        detail: String,
    },
    /// An unreleased build made the database, and no release can use it.
    #[error("the database {place} comes from an unreleased build of this program and must be set up anew")]
    Unreleased {
        /// The path of the database file, or the address of the server without a password.
        place: String,
    },
    /// The host's pool lacks options that keep rows intact.
    #[error("the host's pool of {place} was opened without {}", lacks.join(", "))]
    Unsuited {
        /// The path of the database file.
        place: String,
        /// The options, as named by sqlx's `SqliteConnectOptions`.
        lacks: Vec<&'static str>,
    },
    /// Databases of this engine are not supported.
    #[error("databases of the type '{engine}' are not supported")]
    UnsupportedEngine {
        /// The part of the address before the colon.
        engine: String,
    },
}

impl StoreError {
    /// Returns what a person can do about the error, if anything.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Busy { .. } => "stop the other program that uses the database, or try again".into(),
            Self::Changed { place, .. } => {
                format!(
                    "use the version of this program that created {place}, restore it from a backup, or name another \
                     database"
                )
            }
            Self::Corrupt { place, .. } => format!("restore {place} from a backup"),
            Self::EngineNotBuilt { feature, .. } => {
                format!("build the program with the feature `{feature}` of connection-core, or name another database")
            }
            Self::Exposed(exposed) => exposed.remedy(),
            Self::Full { place } => format!("free space on the disk of {place}"),
            Self::Interrupted { .. } => "run the same `connections restore` again, which completes it".into(),
            Self::InvalidAddress { .. } | Self::UnsupportedEngine { .. } => {
                "name a file, as in sqlite:///var/lib/connections/connections.db, or a server, as in \
                 postgres://connections@db.example/connections"
                    .into()
            }
            Self::Newer { .. } => "install the newer version of this program".into(),
            Self::NotADatabase { .. } => "use another file, or move this one away".into(),
            Self::Pooled { .. } => {
                "also name the server itself, besides the pooler: `database_direct_url` in the configuration, \
                 `direct` in a program"
                    .into()
            }
            Self::ReadOnly { place } if is_server(place) => {
                format!(
                    "give the role that this program uses the right to write the tables of {place}; if there are no \
                     tables yet, create them with another role (`connection_core::migrate`)"
                )
            }
            Self::ReadOnly { place } => format!(
                "make {place} and its directory writable for the user who runs this \
                                                 program"
            ),
            Self::Taken { place, name } if is_server(place) => {
                format!("use another database, or another schema of {place}, or rename {name} there")
            }
            Self::Taken { name, .. } => format!("use another database, or rename {name} there"),
            Self::Unavailable { place, .. } if is_server(place) => {
                format!(
                    "check that {place} is running, that this host can reach it, and that the role and password \
                         are right"
                )
            }
            Self::Unavailable { place, .. } => {
                format!("check that {place} is a file, in a directory that the user who runs this program can write")
            }
            Self::Unreleased { place } if is_server(place) => {
                format!(
                    "name another database or schema than {place}, or drop this one; then connect the accounts anew"
                )
            }
            Self::Unreleased { place } => {
                format!(
                    "move {place} away, which makes the next start create a database; then connect the accounts anew"
                )
            }
            Self::Unsuited { lacks, .. } => format!("open the pool with {}", lacks.join(" and ")),
            Self::Closed | Self::Conflict { .. } | Self::Panicked | Self::Refused { .. } => return None,
        };
        Some(remedy)
    }

    /// Converts an error of the driver. Only messages of the engine are copied, never a value.
    pub(super) fn of(error: &sqlx::Error, place: &str) -> Self {
        let owned = place.to_owned();
        match error {
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::PoolTimedOut if is_server(place) => {
                Self::Unavailable { place: owned, detail: "no connection became available in time".into() }
            }
            sqlx::Error::PoolTimedOut => Self::Busy { place: owned },
            sqlx::Error::Io(error) => Self::io(error, owned),
            sqlx::Error::Tls(_) => Self::Unavailable { place: owned, detail: "TLS failed".into() },
            sqlx::Error::Database(error) => Self::of_engine(&**error, owned),
            sqlx::Error::ColumnDecode { index, .. } => {
                let detail = format!("the value of {index} is not one that this program writes");
                Self::Corrupt { place: owned, detail }
            }
            sqlx::Error::Decode(_) => {
                Self::Corrupt { place: owned, detail: "a value is not one that this program writes".into() }
            }
            _ => Self::Unavailable { place: owned, detail: "the driver failed".into() },
        }
    }

    fn of_engine(error: &(dyn DatabaseError + 'static), place: String) -> Self {
        #[cfg(feature = "postgres")]
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            return Self::of_postgres(error, place);
        }
        Self::of_sqlite(error, place)
    }

    fn of_sqlite(error: &dyn DatabaseError, place: String) -> Self {
        let detail = error.message().to_owned();
        if error.is_unique_violation() {
            return Self::Conflict { what: detail.trim_start_matches("UNIQUE constraint failed: ").to_owned() };
        }
        let code = error.code().and_then(|code| code.parse::<i64>().ok());
        // The primary result code is the low byte (https://www.sqlite.org/rescode.html).
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => Self::Busy { place },
            Some(1) if detail.starts_with("no such ") => Self::Corrupt { place, detail },
            Some(3 | 8) => Self::ReadOnly { place },
            Some(11) => Self::Corrupt { place, detail },
            Some(13) => Self::Full { place },
            // A file could not be opened or extended. SQLite does not say why.
            Some(10 | 14) if is_disk_full(&place) => Self::Full { place },
            Some(19) => Self::Refused { place, detail },
            Some(26) => Self::NotADatabase { place },
            _ => Self::Unavailable { place, detail },
        }
    }

    /// Converts an error by its SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>). The
    /// message names tables and constraints. Values are in the detail, which is not copied.
    #[cfg(feature = "postgres")]
    fn of_postgres(error: &PgDatabaseError, place: String) -> Self {
        let detail = error.message().to_owned();
        match error.code() {
            "23505" => Self::Conflict { what: error.constraint().unwrap_or("a row").to_owned() },
            // Serialization failure, deadlock, timeout of a lock or a statement, too many connections.
            "40001" | "40P01" | "55P03" | "57014" | "53300" => Self::Busy { place },
            // A prepared statement is missing, or belongs to another client: the connection is shared through a
            // pooler.
            "26000" | "42P05" => Self::Pooled { place },
            "08P01" if detail.starts_with("unsupported startup parameter") => Self::Pooled { place },
            // Tables and columns that existed when the database was opened.
            "42P01" | "42703" => Self::Corrupt { place, detail },
            "53100" => Self::Full { place },
            "25006" | "42501" => Self::ReadOnly { place },
            code if code.starts_with("XX") => Self::Corrupt { place, detail },
            code if code.starts_with("23") || code.starts_with("22") => {
                // The message of class 22 contains the rejected value.
                let detail = error.constraint().map_or_else(|| format!("SQLSTATE {code}"), str::to_owned);
                Self::Refused { place, detail }
            }
            // Raised by SQL itself, as our triggers do.
            "P0001" => Self::Refused { place, detail },
            _ => Self::Unavailable { place, detail },
        }
    }

    pub(super) fn io(error: &io::Error, place: String) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { place },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { place },
            _ if is_server(&place) => Self::Unavailable { place, detail: cause(error) },
            _ => Self::Unavailable { place, detail: error.to_string() },
        }
    }
}

/// Returns what happened on the way to a server, without the number of the system error.
fn cause(error: &io::Error) -> String {
    let words = error.kind().to_string();
    // An error that is not from the system has its own message, such as the problem with a certificate.
    if error.raw_os_error().is_none() || words.starts_with("uncategorized") { error.to_string() } else { words }
}

/// Returns the beginning of the sentence for a database that is not available.
fn unavailable(place: &str) -> String {
    match server(place) {
        Some(server) => format!("cannot reach {server}"),
        None => format!("the database {place} is not available"),
    }
}

/// Returns the name of a database for people: `PostgreSQL at db.example:5432`, or the path of a file.
pub(crate) fn called(place: &str) -> String {
    server(place).unwrap_or_else(|| format!("the database {place}"))
}

/// Returns the server of a database, without the name of the database on it; `None` for a file.
fn server(place: &str) -> Option<String> {
    let there = place.strip_prefix("postgres://")?;
    Some(format!("PostgreSQL at {}", there.rsplit_once('/').map_or(there, |(server, _)| server)))
}

/// Returns `true` if the disk of a database file has no space left.
#[cfg(unix)]
fn is_disk_full(place: &str) -> bool {
    let directory = std::path::Path::new(place).parent();
    directory.and_then(|directory| rustix::fs::statvfs(directory).ok()).is_some_and(|disk| disk.f_bavail == 0)
}

#[cfg(not(unix))]
fn is_disk_full(_: &str) -> bool {
    false
}

fn is_server(place: &str) -> bool {
    place.starts_with("postgres://")
}
