//! Checks of files that a person may have created: other users must not be able to change them, or to read those that
//! hold a secret.
//!
//! A file is checked through its handle after it was opened, so a link that replaces it meanwhile has no effect. Links
//! are followed, because Kubernetes mounts secrets as links. Root is trusted, because it can read everything anyway. If
//! root lets a group read its file, an administrator has decided so. Containers get secrets of root that everybody may
//! read, on a read-only file system in memory; these are accepted.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{NotPrivate, Unreadable, read_limited, system};

/// The content of a file, which determines what other users may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a file holds a secret or it does not")]
pub enum FileContent {
    /// Settings without a secret: other users may read the file but not change it.
    Settings,
    /// A secret: other users may neither read nor change the file.
    Secrets,
}

/// A file that is open for reading.
///
/// ```no_run
/// use connection_seal::platform::{FileContent, GuardedFile};
///
/// let mut file = GuardedFile::open("settings.toml".as_ref())?;
/// file.check(FileContent::Settings)?;
/// let text = file.read_to_string()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct GuardedFile {
    path: PathBuf,
    file: File,
    metadata: Metadata,
}

impl GuardedFile {
    /// Opens a file, following links.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok(Self { path: path.to_owned(), file, metadata })
    }

    /// Checks that neither the file nor its directory gives other users more access than the content allows.
    ///
    /// # Errors
    ///
    /// [`NotPrivate`], with the command that corrects it.
    pub fn check(&self, content: FileContent) -> Result<(), NotPrivate> {
        check_directories(&self.path)?;
        system::check_guarded(&self.path, &self.metadata, content)
    }

    /// Reads the rest of the file as text.
    ///
    /// # Errors
    ///
    /// Errors of the system, and [`io::ErrorKind::InvalidData`] if the file is not text.
    pub fn read_to_string(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.file.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Reads the rest of the file, but at most `limit + 1` bytes, so that the caller can detect a file that is too long.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub fn read_limited(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        read_limited(&self.file, limit)
    }
}

/// Reads a file with a secret. Returns `None` if it does not exist.
///
/// At most `limit + 1` bytes are read, so that the caller can detect a file that is too long.
pub fn read_secret(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Unreadable> {
    let read = || {
        // The type is checked before the file is opened, because opening a pipe without a writer would block.
        if !fs::metadata(path).map_err(Unreadable::Io)?.is_file() {
            return Err(Unreadable::Exposed(NotPrivate::NotRegular(path.to_owned())));
        }
        let guarded = match GuardedFile::open(path) {
            // A file that may not be opened is checked by its path, so that the error names what is wrong.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                check_file(path, FileContent::Secrets).map_err(Unreadable::Exposed)?;
                // The check accepts a file of root, which only root and a group may be able to read.
                return Err(match system::is_of_another_user(path) {
                    true => Unreadable::Exposed(NotPrivate::Owner(path.to_owned())),
                    false => Unreadable::Io(error),
                });
            }
            opened => opened.map_err(Unreadable::Io)?,
        };
        guarded.check(FileContent::Secrets).map_err(Unreadable::Exposed)?;
        read_limited(&guarded.file, limit).map_err(Unreadable::Io)
    };
    match read() {
        // Another process may remove the file at any moment.
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Checks as [`GuardedFile::check`] does, but without opening the file. A missing file is accepted.
///
/// When a process closes a file, the system releases all locks of the process on that file. This function therefore
/// never opens the files of a database, which may be open already. No other user can replace the file in between,
/// since its directory is checked first.
pub fn check_file(path: &Path, content: FileContent) -> Result<(), NotPrivate> {
    check_directories(path)?;
    match fs::metadata(path) {
        Ok(metadata) => system::check_guarded(path, &metadata, content),
        // The call that opens the file reports why it fails.
        Err(_) => Ok(()),
    }
}

/// Checks the directory of a file, and that of the file that a link leads to. A user who can write there can
/// replace the file.
fn check_directories(path: &Path) -> Result<(), NotPrivate> {
    system::check_directory(parent(path))?;
    match path.canonicalize() {
        Ok(real) if real.parent() != path.parent() => system::check_directory(parent(&real)),
        // A file that does not exist is in no directory.
        _ => Ok(()),
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
