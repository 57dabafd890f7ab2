//! The error for a row that is refused.

use connection_contract::DisplayText;

use super::TABLES;

/// The sign by which a row shows that it is not as this program left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowFault {
    /// The row was changed outside of the program.
    Edited,
    /// The row, of which there is always one, is missing.
    Missing,
    /// The row has a mark of this program whose layout this version does not know.
    OtherVersion,
    /// The row is older than the newest event about it: somebody restored an earlier copy.
    Outdated,
    /// The row was removed by the program, and somebody restored it.
    Removed,
    /// The row has no mark: it was written outside of the program.
    Unmarked,
}

impl RowFault {
    /// Returns what happened to the row, as the predicate of a sentence.
    pub(crate) fn predicate(self) -> &'static str {
        match self {
            Self::Edited => "was changed outside of this program",
            Self::Missing => "is missing",
            Self::OtherVersion => "was written by another version of this program",
            Self::Outdated => "is older than the newest event about it, so somebody restored it",
            Self::Removed => "was removed, and somebody restored it",
            Self::Unmarked => "was written outside of this program",
        }
    }
}

/// A row of the database that decides who gets a secret or what is run, and that is refused because it was edited, or put
/// back, by somebody who can write the database and has no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}{} is refused: its row in {table} {}", self.of_owner(), self.why())]
#[non_exhaustive]
pub struct RowError {
    /// The name of the table that holds the row.
    pub table: &'static str,
    /// The owner that the row belongs to; empty for a row of the whole store.
    pub owner: String,
    /// A description of the row for people: `the state of the extension 'deploy'`.
    pub what: DisplayText,
    /// The sign by which the row is refused.
    pub fault: RowFault,
}

impl RowError {
    fn of_owner(&self) -> String {
        if self.owner.is_empty() { String::new() } else { format!(" of owner '{}'", self.owner) }
    }

    fn why(&self) -> &'static str {
        self.fault.predicate()
    }

    /// Returns the stable code for programs, as listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self.fault {
            RowFault::OtherVersion => "row_version",
            RowFault::Outdated | RowFault::Removed => "row_outdated",
            RowFault::Edited | RowFault::Missing | RowFault::Unmarked => "row_changed",
        }
    }

    /// Returns the remedy: first, find out who can write to the database.
    pub fn remedy(&self) -> String {
        let remedy = match self.table {
            "connection_account" => "remove the connection, then connect its account again",
            "connection_row_event" => "restore the database from a backup that you trust",
            table => {
                TABLES.iter().find(|marked| marked.name() == table).map_or("write it again", |table| table.remedy())
            }
        };
        if self.fault == RowFault::OtherVersion {
            return format!("update this program to the version that wrote the row; or {remedy}");
        }
        format!("find out who can write the database; {remedy}")
    }
}
