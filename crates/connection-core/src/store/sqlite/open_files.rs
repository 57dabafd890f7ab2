//! The files of an open database, to notice that they were moved, deleted or replaced.
//!
//! The metadata of their paths is compared with that of the files that were opened. No file is opened for this: SQLite
//! would lose its locks on a file when this process closes another handle of it. A change that keeps the inode, such as
//! a copy over the file, is not noticed, and nothing is noticed on other systems than Unix.

use std::{
    fs::{self, Metadata},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use connection_egress::OPERATIONS;
use connection_seal::platform;
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{super::StoreError, own_pool::sibling_path};

/// The files of an open database. After a difference was noticed, the database stays displaced.
#[derive(Debug)]
pub(super) struct OpenFiles {
    place: Arc<str>,
    /// The paths, and what was there when the database was opened. It is empty where metadata identifies no file.
    files: Vec<(PathBuf, Metadata)>,
    is_displaced: AtomicBool,
}

impl OpenFiles {
    /// Looks at the file of a database before it is opened.
    pub(super) fn before_opening(path: &Path, place: Arc<str>) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let files = look(path).into_iter().collect();
        Self { place, files, is_displaced: AtomicBool::new(false) }
    }

    /// Looks at the log, which a connection of this process has open from now on, and compares the file of the database
    /// with that of before the opening.
    ///
    /// # Errors
    ///
    /// [`StoreError::Displaced`].
    pub(super) fn opened(&mut self) -> Result<(), StoreError> {
        let log = self.files.first().and_then(|(database, _)| log_of(database)).and_then(look);
        if self.are_in_place() {
            self.files.extend(log);
            Ok(())
        } else {
            Err(self.displaced())
        }
    }

    /// Compares the files with those at their paths. The first difference is logged.
    ///
    /// # Errors
    ///
    /// [`StoreError::Displaced`].
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.refuse_displaced()?;
        if self.are_in_place() {
            return Ok(());
        }
        let error = self.displaced();
        if !self.is_displaced.swap(true, Ordering::AcqRel) {
            let remedy = error.remedy().unwrap_or_default();
            tracing::error!(target: OPERATIONS, code = error.code(), "{error}; {remedy}");
        }
        Err(error)
    }

    /// Returns the error of a difference that was noticed before. The files are not looked at.
    ///
    /// # Errors
    ///
    /// [`StoreError::Displaced`].
    pub(super) fn refuse_displaced(&self) -> Result<(), StoreError> {
        if self.is_displaced.load(Ordering::Acquire) { Err(self.displaced()) } else { Ok(()) }
    }

    /// Opens a connection, unless other files are at the paths by now.
    ///
    /// # Errors
    ///
    /// [`StoreError::Displaced`], and the errors of the driver.
    pub(super) async fn connect(&self, options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
        self.check()?;
        let connection = options.connect().await.map_err(|error| self.failed(&error))?;
        self.check()?;
        Ok(connection)
    }

    /// Converts an error of the driver.
    pub(super) fn failed(&self, error: &sqlx::Error) -> StoreError {
        StoreError::of(error, &self.place)
    }

    fn displaced(&self) -> StoreError {
        StoreError::Displaced { place: self.place.to_string() }
    }

    fn are_in_place(&self) -> bool {
        let Some(((database, opened), logs)) = self.files.split_first() else { return true };
        is_in_place(database, opened)
            && logs.iter().all(|(log, opened)| {
                // The directory that a link leads to may have another name by now.
                is_in_place(log, opened) || log_of(database).is_some_and(|log| is_in_place(&log, opened))
            })
    }
}

/// Returns the path of the log of a database. SQLite keeps the log beside the file that a link leads to.
fn log_of(database: &Path) -> Option<PathBuf> {
    database.canonicalize().ok().map(|real| sibling_path(&real, "-wal"))
}

/// Returns `true` if the file that was opened is at the path. A path that cannot be examined is one at which it is not
/// known to be: another user may have put another file into its place.
fn is_in_place(path: &Path, opened: &Metadata) -> bool {
    fs::metadata(path).is_ok_and(|found| platform::is_same_file(&found, opened))
}

/// Returns what identifies the file at a path, which may be a link to it.
fn look(path: PathBuf) -> Option<(PathBuf, Metadata)> {
    let found = if cfg!(unix) { fs::metadata(&path).ok() } else { None };
    found.map(|metadata| (path, metadata))
}
