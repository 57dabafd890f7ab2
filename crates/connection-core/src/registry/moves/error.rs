//! The reasons why a store is not moved, or a move not taken back.

use std::path::PathBuf;

use super::super::backup::AFTER_A_RENEWAL;
use crate::{Error, OpenError, StoreError};

/// The reason why a store was not moved, or a move not taken back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The node keeps answers of providers that could not be recorded.
    #[error("{} has answers of providers that could not be recorded in the database", directory.display())]
    AnswersKept {
        /// The state directory.
        directory: PathBuf,
    },
    /// The copy was opened, and its tokens may have been used.
    #[error("the database {server} was opened after the move, so the move is not taken back")]
    CopyOpened {
        /// The address of the server, without a user or password.
        server: String,
    },
    /// The server does not have the copy that the database names.
    #[error("{database} was moved to {to}, and the server that was named does not have this copy")]
    CopyMissing {
        /// The path of the database.
        database: String,
        /// The address to which it was moved, without a user or password.
        to: String,
    },
    /// A table does not have the same number of rows in both databases.
    #[error("the table {table} has other rows in {server} than in the file")]
    CopyDiffers {
        /// The name of the table.
        table: String,
        /// The address of the server, without a user or password.
        server: String,
    },
    /// Requests that use up a token or a code have no answer, and nobody has concluded them.
    #[error("requests that use up a token have no answer yet: {}", of.join(", "))]
    ExchangesOpen {
        /// The connections and setups whose requests these are.
        of: Vec<String>,
    },
    /// A process has the database open.
    #[error("a process has the database {place} open")]
    InUse {
        /// The path of the database.
        place: String,
    },
    /// There is no database.
    #[error("there is no database {}", file.display())]
    Missing {
        /// The path of the database.
        file: PathBuf,
    },
    /// The role may not create tables on the server.
    #[error("the role may not create tables in the database {server}")]
    NotAllowed {
        /// The address of the server, without a user or password.
        server: String,
    },
    /// The store is not the file of a SQLite database that was named by its path.
    #[error("the database is not a file, so there is nothing to move")]
    NotAFile,
    /// The address is not that of a PostgreSQL server.
    #[error("the address to move to is not that of a PostgreSQL server")]
    NotAServer,
    /// This program was built without one of the two engines.
    #[error("this program was built without SQLite or without PostgreSQL, and a move needs both")]
    NotBuilt,
    /// The server has tables of this program already.
    #[error("the database {server} is not empty: it has tables of this program")]
    NotEmpty {
        /// The address of the server, without a user or password.
        server: String,
    },
    /// The database was not moved.
    #[error("the database {database} was not moved")]
    NotMoved {
        /// The path of the database.
        database: String,
    },
    /// A move was begun by a program with other tables.
    #[error("the move of {database} was begun by another version of this program")]
    OtherVersion {
        /// The path of the database.
        database: String,
    },
    /// A courier, which outlives the command that was killed, finishes a renewal.
    #[error("a renewal of a credential in the database {place} is finishing")]
    Renewing {
        /// The path of the database.
        place: String,
    },
    /// The database on the server, or its role, lacks what this program needs.
    #[error("{problem}")]
    Unprepared {
        /// What is missing, as a sentence for people.
        problem: String,
        /// The statement that mends it, between backticks.
        remedy: String,
    },
    /// Answers could not be recorded, or rows not be read.
    #[error(transparent)]
    Registry(#[from] Error),
    /// The key does not open the database, or one of the two databases cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl MoveError {
    /// Returns the stable code, for programs; `docs/spec/words.md` lists all codes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AnswersKept { .. } => "answers_kept",
            Self::CopyOpened { .. } => "copy_opened",
            Self::CopyMissing { .. } => "copy_missing",
            Self::CopyDiffers { .. } => "copy_differs",
            Self::ExchangesOpen { .. } => "exchanges_open",
            Self::InUse { .. } | Self::Renewing { .. } => "database_in_use",
            Self::Missing { .. } => "database_missing",
            Self::NotAllowed { .. } | Self::NotAServer | Self::NotEmpty { .. } | Self::Unprepared { .. } => {
                "target_unsuited"
            }
            Self::NotAFile => "database_not_a_file",
            Self::NotBuilt => "store_failed",
            Self::NotMoved { .. } => "not_moved",
            Self::OtherVersion { .. } => "move_unfinished",
            Self::Registry(error) => error.code(),
            Self::Open(error) => error.code(),
        }
    }

    /// Returns the remedy, if something can be done.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::AnswersKept { .. } => {
                "the log says what prevents it; `connections doctor` may help, and an answer that is moved away is lost"
            }
            Self::CopyOpened { .. } => {
                "use the database on the server; an earlier backup can be restored here, with tokens that are not sent by \
                 themselves"
            }
            Self::CopyMissing { .. } => {
                "name the server that the database names; if it is lost, `connections backup` and then `connections \
                 restore` make the file usable, with tokens that are not sent by themselves"
            }
            Self::CopyDiffers { .. } => "take the move back with `connections move --undo ADDRESS`, and move again",
            Self::ExchangesOpen { .. } => {
                "refresh these connections on the machine that sent the requests, or authorize them again; cancel these \
                 setups with `connections setup cancel`"
            }
            Self::InUse { .. } => "stop all processes that use it, such as `connections serve`",
            Self::Renewing { .. } => AFTER_A_RENEWAL,
            Self::NotAllowed { .. } => "give the role the right to create tables there, or name another role",
            Self::NotAServer => "name a server, as in postgres://connections@db.example/connections",
            Self::NotBuilt => "build the program with the features `sqlite` and `postgres` of connection-core",
            Self::NotEmpty { .. } => "name an empty database, or drop the tables of this program there",
            Self::OtherVersion { .. } => {
                "complete the move with that version, or take it back with `connections move --undo ADDRESS`"
            }
            Self::Missing { .. } | Self::NotAFile | Self::NotMoved { .. } => return None,
            Self::Unprepared { remedy, .. } => remedy.as_str(),
            Self::Registry(error) => return error.remedy(),
            Self::Open(error) => return error.remedy(),
        };
        Some(remedy.to_owned())
    }
}

impl From<StoreError> for MoveError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}
