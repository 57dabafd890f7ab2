//! The errors of a database, each with a remedy if there is one. They contain no values of rows.

use std::io;

use sqlx::error::DatabaseError;
#[cfg(feature = "postgres")]
use sqlx::postgres::PgDatabaseError;

use connection_seal::platform::{LockHeld, NotPrivate};

use super::{
    address::{called, is_server, unavailable},
    part::PROGRAM_TOO_OLD,
};

/// The remedy for a server that was promoted.
const AFTER_PROMOTION: &str =
    "run `connections failover`, or `connections failover --synchronous` if the standby had every commit";
/// The remedy for a server that follows another one.
const INSTEAD_OF_STANDBY: &str =
    "name its primary; if the primary is lost, promote this server, and then run `connections failover`";
/// The remedy for a file that is missing while a process has it open.
const INSTEAD_OF_A_SECOND_DATABASE: &str = "end that process, and put back the file with its log or restore a \
                                            backup; without either, the next start creates an empty database";
/// The remedy for a file whose database was moved.
const AFTER_A_MOVE: &str = "name the server in the configuration, as `database_url`; while nobody has opened the \
                            database there, `connections move --undo ADDRESS` takes the move back";
/// The remedy for a move that has begun.
const TO_END_A_MOVE: &str = "run the same `connections move ADDRESS` again, which completes the move, or \
                             `connections move --undo ADDRESS`, which takes it back";
/// The remedy for a lock that another process keeps.
pub(crate) const AFTER_THE_HOLDER: &str =
    "wait until that process has ended; if it is stopped, continue it with `kill -CONT` or end it";
/// The remedy for an address that names no database.
const TO_NAME_A_DATABASE: &str = "name a file, as in sqlite:///var/lib/connections/connections.db, or a server, as in \
                                  postgres://connections@db.example/connections";

/// The reason why the store could not do what was requested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database holds a copy that a move has not completed, or that was undone.
    #[error("the database {place} holds a copy of {from} whose move was not completed, or was taken back")]
    Arriving {
        /// The address of the server without a password.
        place: String,
        /// The database that is moved.
        from: String,
    },
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
    /// The connection to the server was lost during a commit, so that the change may be stored or not, or be stored a
    /// moment later. The program does not send it again: the stored rows tell.
    #[error("the connection to {} was lost during a commit, which may have succeeded", called(.place))]
    CommitUnknown {
        /// The address of the server without a password.
        place: String,
    },
    /// The row that was to be changed is no longer the one that was read. Trying again may succeed.
    #[error("another caller changed the {what} at the same time")]
    ChangedMeanwhile {
        /// The row or the part of it that was changed.
        what: &'static str,
    },
    /// A row with this name exists already.
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
    /// The file of a SQLite database, or its log, was moved, deleted or replaced while this process had it open. What
    /// was committed meanwhile may be lost.
    #[error(
        "the file of the database {place} was moved, deleted or replaced while this program used it, so what was \
         stored last may be lost"
    )]
    Displaced {
        /// The path of the database file.
        place: String,
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
    /// A process kept the lock that it holds while it opens, moves or restores the database. Trying again may succeed.
    #[error("the database {place} is being opened, moved or restored by {holder}")]
    Held {
        /// The path of the database file.
        place: String,
        /// The process, as words for people.
        holder: String,
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
    /// There is no such file, although a process that uses the database is running. It was moved or deleted under the
    /// process, and no other database is created in its place.
    #[error("the database {place} is missing, but a process that uses it is running")]
    MissingInUse {
        /// The path of the database file.
        place: String,
    },
    /// The database was moved to a server, and is used there alone.
    #[error("the database {place} was moved to {to}")]
    Moved {
        /// The path of the database file.
        place: String,
        /// The address of the server without a password.
        to: String,
    },
    /// A move of the database to a server has begun and not ended.
    #[error("the database {place} is being moved to {to}, and the move was not completed")]
    MoveUnfinished {
        /// The path of the database file.
        place: String,
        /// The address of the server without a password.
        to: String,
    },
    /// The file is not a database.
    #[error("{place} is not a database")]
    NotADatabase {
        /// The path of the file that was to be opened.
        place: String,
    },
    /// The address is neither a path nor one of a server in the form that this program takes. No file is created for it.
    #[error("the address of the database is neither a path nor of the form postgres://USER@HOST:PORT/DATABASE")]
    NotAnAddress {
        /// The address in that form, without a password, as far as it is known.
        corrected: String,
    },
    /// The name of a file is not UTF-8, which SQLite needs. Nothing was written.
    #[error("the name of the file {place} is not UTF-8, so SQLite cannot use it")]
    NotUnicode {
        /// The path of the file, with replacement characters.
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
    /// A newer version of this program has ended the time in which this version may write the database.
    #[error("this version of the program is too old to write the database {place}")]
    ProgramTooOld {
        /// The path of the database file, or the address of the server without a password.
        place: String,
    },
    /// The server was promoted from a standby, which may lack the last commits of its primary.
    #[error(
        "the server of the database {place} was promoted from a standby, so records of used tokens may be lost, and no \
         token that is used up by its use is sent"
    )]
    Promoted {
        /// The address of the server without a password.
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
    /// The server follows another one, and takes no writes.
    #[error("the server of the database {place} is a standby, which takes no writes")]
    Standby {
        /// The address of the server without a password.
        place: String,
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
    /// The database or its role lacks what this program needs of a server.
    #[error("{problem}")]
    Unprepared {
        /// What is missing, as a sentence for people.
        problem: String,
        /// The statement that mends it, between backticks.
        remedy: String,
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
    /// Returns the stable code, for programs; `docs/spec/words.md` lists all codes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Arriving { .. } => "copy_incomplete",
            Self::CommitUnknown { .. } => "commit_unknown",
            Self::Displaced { .. } => "store_displaced",
            Self::Moved { .. } => "store_moved",
            Self::MoveUnfinished { .. } => "move_unfinished",
            Self::ProgramTooOld { .. } => "program_too_old",
            _ => "store_failed",
        }
    }

    /// Returns what a person can do about the error, if anything.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Arriving { from, .. } => format!(
                "complete the move with the same `connections move` on the machine of {from}, or name another database"
            ),
            Self::Busy { .. } => "stop the other program that uses the database, or try again".into(),
            Self::Changed { place, .. } => format!(
                "use the version of this program that created {place}, restore it from a backup, or name another \
                 database"
            ),
            Self::ChangedMeanwhile { .. } => "try again".into(),
            Self::CommitUnknown { .. } => "read what is stored before you repeat the change".into(),
            Self::Corrupt { place, .. } => format!("restore {place} from a backup"),
            Self::Displaced { place } => format!(
                "stop every process that uses {place}, put back the file with its log, or restore a backup, and start \
                 again; a change that failed with this error may be stored, so read before you repeat it"
            ),
            Self::EngineNotBuilt { feature, .. } => {
                format!("build the program with the feature `{feature}` of connection-core, or name another database")
            }
            Self::Exposed(exposed) => exposed.remedy(),
            Self::Full { place } => format!("free space on the disk of {place}"),
            Self::Held { .. } => AFTER_THE_HOLDER.into(),
            Self::Interrupted { .. } => "run the same `connections restore` again, which completes it".into(),
            Self::InvalidAddress { .. } | Self::UnsupportedEngine { .. } => TO_NAME_A_DATABASE.into(),
            Self::MissingInUse { .. } => INSTEAD_OF_A_SECOND_DATABASE.into(),
            Self::Moved { .. } => AFTER_A_MOVE.into(),
            Self::MoveUnfinished { .. } => TO_END_A_MOVE.into(),
            Self::NotADatabase { .. } => "use another file, or move this one away".into(),
            Self::NotAnAddress { corrected } => as_server_or_file(corrected),
            Self::NotUnicode { .. } => "choose a name in UTF-8".into(),
            Self::Pooled { .. } => {
                "also name the server itself, besides the pooler: `database_direct_url` in the configuration, \
                 `direct` in a program; or change the mode of the pooler to session, and set `database_pooler` to \
                 `session`, which does not change the pooler itself"
                    .into()
            }
            Self::ProgramTooOld { .. } => "install the newer version of this program, and start it".into(),
            Self::Promoted { .. } => AFTER_PROMOTION.into(),
            Self::Standby { .. } => INSTEAD_OF_STANDBY.into(),
            Self::ReadOnly { place } if is_server(place) => {
                format!(
                    "grant SELECT, INSERT, UPDATE and DELETE on the tables of {place} to the role that this program \
                     uses, or name a server that takes writes"
                )
            }
            Self::ReadOnly { place } => {
                format!("make {place} and its directory writable for the user who runs this program")
            }
            Self::Taken { place, name } if is_server(place) => {
                format!("use another database, or another schema of {place}, or rename {name} there")
            }
            Self::Taken { name, .. } => format!("use another database, or rename {name} there"),
            Self::Unavailable { place, .. } if is_server(place) => format!(
                "check that {place} is running, that this host can reach it, and that the role, the password, and \
                 `sslmode` and the files for TLS are right"
            ),
            Self::Unavailable { place, .. } => {
                format!("check that {place} is a file, in a directory that the user who runs this program can write")
            }
            Self::Unprepared { remedy, .. } => remedy.clone(),
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

    /// Returns `true` if no other write succeeds either until somebody makes room, or the server takes writes.
    pub(super) const fn is_unwritable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::ReadOnly { .. } | Self::Standby { .. })
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
            sqlx::Error::Tls(error) => Self::Unavailable { place: owned, detail: format!("TLS failed: {error}") },
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
            Some(19) if detail.ends_with(PROGRAM_TOO_OLD) => Self::ProgramTooOld { place },
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
        if let Some(lacking) = super::postgres::lacking(error, &place) {
            return lacking;
        }
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
            "23514" if error.constraint() == Some(PROGRAM_TOO_OLD) => Self::ProgramTooOld { place },
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
        if let Some(held) = LockHeld::of(error) {
            return Self::Held { place, holder: held.holder.clone() };
        }
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

/// Returns the remedy for an address that looks like that of a server, which has this form.
fn as_server_or_file(corrected: &str) -> String {
    format!(
        "name a server as {corrected}, with the password after the user and a colon, or in the file that PGPASSFILE \
         names; the address of a file begins with sqlite:, / or ./"
    )
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
