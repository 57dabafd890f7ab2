//! Migrates the tables of a database to this program's version, on any engine.
//!
//! Migrations are embedded and go forward only. Their table is `connection_migrations`, so that a host can keep its
//! own migrations in the same database.

use sqlx::{
    SqlSafeStr as _,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
};

use super::{StoreError, columns::row, part::Program};

const TABLE: &str = "connection_migrations";

/// Selects the migrations that were applied, in their order.
pub(super) const APPLIED: &str =
    "SELECT version, checksum, description FROM connection_migrations WHERE success ORDER BY version";

row! {
    /// A migration that was applied to a database.
    pub(super) struct AppliedMigration {
        version: i64,
        checksum: Vec<u8>,
        /// The words in the name of its file.
        description: String,
    }
}

impl From<(i64, Vec<u8>, String)> for AppliedMigration {
    fn from(columns: (i64, Vec<u8>, String)) -> Self {
        let (version, checksum, description) = columns;
        Self { version, checksum, description }
    }
}

/// Includes the migrations of an engine, whose file names are a number and words. A test compares the list with the
/// folder.
macro_rules! embedded {
    ($engine:literal: $($name:literal,)+) => {
        [$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $engine, "/", $name, ".sql")))),+]
    };
}

pub(super) use embedded;

/// Creates a migrator for these files and those of a [stand-in](Program::more), with our table. The caller takes the lock:
/// sqlx has none for SQLite, and its session lock for PostgreSQL does not work with a pooler.
pub(super) fn configured(files: &[(&'static str, &'static str)], more: &[(&'static str, &'static str)]) -> Migrator {
    let migration = |&(name, text): &(&'static str, &'static str)| {
        let (version, words) = name.split_once('_').unwrap_or((name, ""));
        // A file name without a number would get a wrong version; a test compares the versions with the files.
        let version = version.parse().unwrap_or(0);
        Migration::new(version, words.replace('_', " ").into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(files.iter().chain(more).map(migration).collect());
    migrator.dangerous_set_table_name(TABLE);
    migrator.set_locking(false);
    migrator
}

/// Returns `true` if the applied migrations begin with those of this program, by checksum. A newer program may have applied
/// later ones.
pub(super) fn are_all(applied: &[AppliedMigration], migrator: &Migrator) -> bool {
    let mut applied = applied.iter().map(|applied| (applied.version, &*applied.checksum));
    migrator.iter().all(|known| applied.next() == Some((known.version, &*known.checksum)))
}

/// Refuses a database that only newer programs may write: `oldest` is the schema generation of the oldest one.
pub(super) fn refuse_too_old(oldest: Option<(i64,)>, program: &Program, place: &str) -> Result<(), StoreError> {
    match oldest {
        Some((oldest,)) if oldest > program.schema => Err(StoreError::ProgramTooOld { place: place.to_owned() }),
        _ => Ok(()),
    }
}

/// Refuses a database of an unreleased build. The first migration of such a build has another name than the one of the
/// first release.
pub(super) fn refuse_unreleased(
    applied: &[AppliedMigration],
    migrator: &Migrator,
    place: &str,
) -> Result<(), StoreError> {
    match (applied.first(), migrator.iter().next()) {
        (Some(applied), Some(known))
            if applied.version == known.version && applied.description != known.description =>
        {
            Err(StoreError::Unreleased { place: place.to_owned() })
        }
        _ => Ok(()),
    }
}

#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a file is compared with its backup"))]
/// Checks that this program can use a database with these migrations, of which some may be missing, and returns the
/// number of the last one.
pub(super) fn check(migrator: &Migrator, applied: &[AppliedMigration], place: &str) -> Result<Option<i64>, StoreError> {
    refuse_unreleased(applied, migrator, place)?;
    let are_all = are_all(applied, migrator);
    for AppliedMigration { version, checksum, .. } in applied {
        let known = migrator.iter().find(|known| known.version == *version);
        let is_fine = known.map_or(are_all, |known| *known.checksum == **checksum);
        if !is_fine {
            return Err(StoreError::Changed { place: place.to_owned(), version: *version });
        }
    }
    Ok(applied.last().map(|applied| applied.version))
}

pub(super) async fn run<C: Migrate>(migrator: &Migrator, connection: &mut C, place: &str) -> Result<(), StoreError> {
    // `run` would call this, but its own future is not recognized as `Send` ("`Acquire` is not general enough").
    let Err(error) = migrator.run_direct(None, connection, false).await else { return Ok(()) };
    match error {
        MigrateError::VersionMissing(unknown) => match unfit(migrator, connection, unknown).await {
            // A newer program has applied all migrations of this one, and then its own.
            None => Ok(()),
            Some(version) => Err(StoreError::Changed { place: place.to_owned(), version }),
        },
        error => Err(refused(&error, place)),
    }
}

/// Returns the migration by which a database with the migration `unknown` does not fit this program, if there is one: the
/// first that was applied with another text, or `unknown` if one of this program was not applied.
async fn unfit<C: Migrate>(migrator: &Migrator, connection: &mut C, unknown: i64) -> Option<i64> {
    // If the list cannot be read now, the first error is the one to report.
    let Ok(applied) = connection.list_applied_migrations(TABLE).await else { return Some(unknown) };
    let of = |known: &Migration| applied.iter().find(|applied| applied.version == known.version);
    let differs = |known: &&Migration| of(known).is_some_and(|applied| applied.checksum != known.checksum);
    let different = migrator.iter().find(differs).map(|known| known.version);
    // The list is not in an order. A later migration than all of this program is that of a newer one.
    let is_later = migrator.iter().all(|known| of(known).is_some() && known.version < unknown);
    different.or((!is_later).then_some(unknown))
}

fn refused(error: &MigrateError, place: &str) -> StoreError {
    let owned = place.to_owned();
    match error {
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => {
            StoreError::Changed { place: owned, version: *version }
        }
        MigrateError::Execute(error) => unreadable_table(error, place),
        MigrateError::ExecuteMigration(error, _) => {
            foreign_table(error, place).unwrap_or_else(|| StoreError::of(error, place))
        }
        _ => StoreError::Unavailable { place: owned, detail: "its tables could not be brought up to date".into() },
    }
}

/// Returns the reason why the table of migrations could not be read. A table without our columns belongs to another
/// program.
pub(super) fn unreadable_table(error: &sqlx::Error, place: &str) -> StoreError {
    let is_another = error.as_database_error().is_some_and(|error| {
        // 42703 is PostgreSQL's undefined_column. SQLite has only a message.
        error.code().is_some_and(|code| code == "42703") || error.message().starts_with("no such column")
    });
    if is_another {
        return StoreError::Taken { place: place.to_owned(), name: TABLE.to_owned() };
    }
    foreign_table(error, place).unwrap_or_else(|| StoreError::of(error, place))
}

/// Returns the error for a table of another program with one of our names.
fn foreign_table(error: &sqlx::Error, place: &str) -> Option<StoreError> {
    let error = error.as_database_error()?;
    let message = error.message();
    // 42P07 is PostgreSQL's duplicate_table, also for indexes. SQLite has only a message.
    let is_taken = error.code().is_some_and(|code| code == "42P07")
        || message.contains("already exists")
        || message.contains("already a");
    let mut words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let name = words.find(|word| word.starts_with("connection_"))?;
    is_taken.then(|| StoreError::Taken { place: place.to_owned(), name: name.to_owned() })
}
