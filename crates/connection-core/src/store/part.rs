//! The table `connection_part`: which programs may write the store, and in which form they write marks.
//!
//! Each version of the program has a schema generation. A migration only adds, so that a program of the former
//! generation goes on beside it, until `oldest` is raised. Each transaction therefore begins with a check, apart from
//! those that end a request which is out; see [`Admission`].

use super::{
    Lock, Reader, StoreError, Tx,
    columns::row,
    engine::{execute, optional},
};

/// The name of the constraint that a program violates that is too old to write.
pub(super) const PROGRAM_TOO_OLD: &str = "connection_program_too_old";

/// Selects the schema generation of the oldest program that may write, for the opening of a database.
pub(super) const OLDEST: &str = "SELECT oldest FROM connection_part WHERE name = 'core'";

/// A version of this program, as its stores know it.
#[derive(Debug)]
pub(crate) struct Program {
    /// The schema generation. It grows by one with each release that adds to the tables or to the marks.
    pub(crate) schema: i64,
    /// The migrations of a stand-in of tests, after those of the files.
    pub(super) more: &'static [(&'static str, &'static str)],
    /// Fails with [`PROGRAM_TOO_OLD`] if this program may no longer write, and otherwise changes nothing.
    #[cfg(feature = "sqlite")]
    pub(super) check: &'static str,
    /// Begins a transaction of SQLite with the check, in two statements. The engine has one writer, so that no other process
    /// can change what was checked before the end of the transaction.
    #[cfg(feature = "sqlite")]
    pub(super) begin_sqlite: &'static str,
    /// Begins a synced transaction of PostgreSQL with the check. A lock, which all writers share, keeps the result true until
    /// the end of the transaction.
    #[cfg(feature = "postgres")]
    pub(super) begin_synced: &'static str,
    /// Begins a relaxed transaction of PostgreSQL with the check.
    #[cfg(feature = "postgres")]
    pub(super) begin_relaxed: &'static str,
}

macro_rules! check {
    ($schema:literal) => {
        concat!("UPDATE connection_part SET refused = 1 WHERE name = 'core' AND oldest > ", $schema)
    };
}

/// Shares the lock that [`Lock::Part`] takes alone.
#[cfg(feature = "postgres")]
macro_rules! shared_lock {
    () => {
        "; SELECT pg_advisory_xact_lock_shared(hashtextextended('connections/part/core', 0)); "
    };
}

macro_rules! program {
    ($schema:literal, $more:expr) => {
        Program {
            schema: $schema,
            more: $more,
            #[cfg(feature = "sqlite")]
            check: check!($schema),
            #[cfg(feature = "sqlite")]
            begin_sqlite: concat!("BEGIN IMMEDIATE; ", check!($schema), "; "),
            #[cfg(feature = "postgres")]
            begin_synced: concat!(crate::store::postgres::begin!("on"), shared_lock!(), check!($schema)),
            #[cfg(feature = "postgres")]
            begin_relaxed: concat!(crate::store::postgres::begin!("off"), shared_lock!(), check!($schema)),
        }
    };
}

impl Program {
    /// This program.
    pub(crate) const CURRENT: &'static Self = &program!(1, &[]);

    /// The stand-in for the next version, with which tests replace this program: it has a migration more, and each of its
    /// marks covers a column more.
    #[cfg(feature = "workspace-tests")]
    pub(crate) const NEXT: &'static Self =
        &program!(2, &[("9000_stand_in", "ALTER TABLE connection_agent ADD COLUMN stand_in TEXT")]);
}

/// Determines whether a job runs although this program may no longer write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// The transaction begins with the check.
    Checked,
    /// The job ends a request that is out, or notes the first opening of a copy. `docs/spec/store.md` lists the statements
    /// of such jobs, which every later migration leaves as they are.
    Always,
}

row! {
    /// The row of the part `core`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct PartRow {
        /// The schema generation of the oldest program that may write.
        pub(crate) oldest: i64,
        /// The schema generation in whose form marks are written.
        pub(crate) written: i64,
    }
}

impl Reader {
    /// Returns the row of the part `core`.
    pub(crate) async fn part(&mut self) -> Result<PartRow, StoreError> {
        const SQL: &str = "SELECT oldest, written FROM connection_part WHERE name = 'core'";
        optional!(self, PartRow, SQL)?.ok_or_else(|| StoreError::Corrupt {
            place: self.place.to_string(),
            detail: "connection_part has no row for this program".into(),
        })
    }
}

impl Tx {
    /// Makes this schema generation that of the oldest program that may write, and of the form of marks, unless a later one
    /// is. Returns `true` if something was changed.
    ///
    /// # Errors
    ///
    /// On PostgreSQL [`StoreError::Busy`] if a job takes longer than others may wait, and the errors of the store.
    pub(crate) async fn finish_upgrade(&mut self, schema: i64) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_part SET oldest = $1, written = $1 \
                           WHERE name = 'core' AND oldest <= $1 AND written < $1";
        self.lock_alone(Lock::Part).await?;
        Ok(execute!(self, SQL, schema)? == 1)
    }

    /// Returns the error for a row of this table that uses a column which a former program does not know.
    pub(crate) fn refused_before_finish(&self, table: &str) -> StoreError {
        let detail = format!("a new column of {table} is written only after `connections upgrade finish`");
        StoreError::Refused { place: self.place.to_string(), detail }
    }
}
