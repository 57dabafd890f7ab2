//! The directories and files of a host that no connection can read.
//!
//! They are named by path and looked up each time something is opened, so that a directory that is created later is
//! protected as well. Those that existed when the registry was opened stay protected wherever they are moved.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::identity::{self, Directory, Identity};

/// The endings of the files that SQLite keeps beside a database.
const DATABASE_SUFFIXES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The protected directories and files, by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Protected {
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
    held: OpenedPaths,
}

/// The directories and files that existed when the registry was opened.
#[derive(Clone, Debug, Default)]
struct OpenedPaths {
    directories: Arc<Vec<Directory>>,
    /// The files, without those that SQLite keeps beside a database: these are removed, and another file may then get
    /// their inode.
    files: Vec<Identity>,
}

impl Protected {
    /// Keeps the directories and files that exist now protected wherever they are moved. If one of them cannot be
    /// examined, each use examines it again and fails.
    pub(super) fn hold(&mut self) {
        let parents = self.files.iter().filter_map(|path| path.parent());
        let real: Vec<_> = self.files.iter().filter_map(|path| path.canonicalize().ok()).collect();
        let paths = self
            .directories
            .iter()
            .map(PathBuf::as_path)
            .chain(parents)
            .chain(real.iter().filter_map(|path| path.parent()));
        self.held = OpenedPaths {
            directories: Arc::new(paths.filter_map(|path| Directory::open(path).ok()).collect()),
            files: self.files.iter().filter_map(|path| identity::at(path).ok()).collect(),
        };
    }

    pub(super) fn directory(&mut self, path: &Path) {
        // A relative path is resolved against the current working directory of this process.
        self.directories.push(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    }

    pub(super) fn file(&mut self, path: &Path) {
        self.files.push(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    }

    /// Returns the protected directories and files that exist now.
    ///
    /// # Errors
    ///
    /// A protected path exists and cannot be examined.
    pub(super) fn look(&self) -> io::Result<ProtectedNow> {
        let mut found = ProtectedNow { directories: Vec::new(), files: self.held.files.clone() };
        for directory in &*self.held.directories {
            // A directory that was removed is skipped.
            found.directories.extend(if_exists(directory.and_above())?);
        }
        for path in &self.directories {
            found.add_directory(path)?;
        }
        for path in &self.files {
            found.add_file(path)?;
            // SQLite keeps its files beside the database itself, not beside a link to it.
            if let Some(real) = if_exists(path.canonicalize())?.filter(|real| real != path) {
                found.add_file(&real)?;
            }
        }
        Ok(found)
    }
}

impl Protected {
    /// Returns `true` if a directory is protected, lies inside a protected one or contains one.
    ///
    /// # Errors
    ///
    /// The directory, or a protected path, cannot be examined.
    pub(super) fn touches(&self, directory: &Path) -> io::Result<bool> {
        let directories = Directory::open(&directory.canonicalize()?)?.and_above()?;
        let found = self.look()?;
        Ok(found.holds_any(&directories) || directories.first().is_some_and(|directory| found.lies_in(directory)))
    }
}

/// The protected directories and files at one moment.
#[derive(Debug, Default)]
pub(super) struct ProtectedNow {
    /// Each protected directory, followed by those that it lies in.
    directories: Vec<Vec<Identity>>,
    files: Vec<Identity>,
}

impl ProtectedNow {
    fn add_directory(&mut self, path: &Path) -> io::Result<()> {
        let Some(directory) = if_exists(Directory::open(path))? else { return Ok(()) };
        self.directories.push(directory.and_above()?);
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            self.add_directory(parent)?;
        }
        let beside = DATABASE_SUFFIXES.iter().map(|end| {
            let mut name = OsString::from(path);
            name.push(end);
            PathBuf::from(name)
        });
        for path in std::iter::once(path.to_owned()).chain(beside) {
            self.files.extend(if_exists(identity::at(&path))?);
        }
        Ok(())
    }

    /// Returns `true` if one of these directories is protected.
    pub(super) fn holds_any(&self, directories: &[Identity]) -> bool {
        self.directories.iter().filter_map(|found| found.first()).any(|found| directories.contains(found))
    }

    /// Returns `true` if a protected directory lies inside this one.
    pub(super) fn lies_in(&self, directory: &Identity) -> bool {
        self.directories.iter().any(|found| found.contains(directory))
    }

    /// Returns `true` if this file is protected.
    pub(super) fn has_file(&self, file: &Identity) -> bool {
        self.files.contains(file)
    }
}

/// Turns the error for a missing path into `None`.
fn if_exists<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
