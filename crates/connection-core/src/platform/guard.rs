//! Files that a person may have made: judged by who else can change them, and read if they hold a secret.
//!
//! A file is judged after it is opened, by its handle, so that a link put in its place meanwhile changes nothing. Links
//! are followed, because secrets are mounted as links on Kubernetes. Root is trusted: it can read everything anyway, so a
//! file of root's that a group may read is what an administrator has decided.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{NotPrivate, Unreadable, read_most, system};

/// What is in a file, which decides what others may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a file holds a secret or it does not")]
pub enum FileContent {
    /// Settings without a secret: others may read them, and not change them.
    Settings,
    /// A secret: others may neither read nor change it.
    Secrets,
}

/// A file that is open to be read.
///
/// ```no_run
/// use connection_core::{FileContent, GuardedFile};
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
    /// Opens a file; a link is followed.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok(Self { path: path.to_owned(), file, metadata })
    }

    /// Checks that neither the file nor the directory that it is in lets other users do more than they may.
    ///
    /// # Errors
    ///
    /// [`NotPrivate`], with the command that mends it.
    pub fn check(&self, content: FileContent) -> Result<(), NotPrivate> {
        check_directories(&self.path)?;
        system::check_guarded(&self.path, &self.metadata, content)
    }

    /// Reads the rest of the file as text.
    ///
    /// # Errors
    ///
    /// The system's, and [`io::ErrorKind::InvalidData`] when it is no text.
    pub fn read_to_string(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.file.read_to_string(&mut text)?;
        Ok(text)
    }
}

/// Reads a file that holds a secret, of at most `limit` bytes; `None` when there is none.
pub(crate) fn read_secret(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Unreadable> {
    let read = || {
        // Before it is opened: the end of a pipe that nobody writes would be waited for.
        if !fs::metadata(path).map_err(Unreadable::Io)?.is_file() {
            return Err(Unreadable::Exposed(NotPrivate::NotRegular(path.to_owned())));
        }
        let guarded = match GuardedFile::open(path) {
            // What may not be opened is refused by what it is.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                check_file(path, FileContent::Secrets).map_err(Unreadable::Exposed)?;
                return Err(Unreadable::Io(error));
            }
            opened => opened.map_err(Unreadable::Io)?,
        };
        guarded.check(FileContent::Secrets).map_err(Unreadable::Exposed)?;
        read_most(guarded.file, limit).map_err(Unreadable::Io)
    };
    match read() {
        // Another process may remove it at any moment.
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// As [`GuardedFile::check`], for a file that is not to be opened here; one that is not there is fine.
///
/// When a process closes a file, the system lets go of all locks that the process has on it. So this never opens the
/// files of a database that may be open already. Nobody else can put another file in their place, since their directory
/// is checked first.
pub(crate) fn check_file(path: &Path, content: FileContent) -> Result<(), NotPrivate> {
    check_directories(path)?;
    match fs::metadata(path) {
        Ok(metadata) => system::check_guarded(path, &metadata, content),
        // Whoever opens it is told why that fails.
        Err(_) => Ok(()),
    }
}

/// Checks the directory that a file is in, and the one that a link leads to: who can write there can put another file in
/// its place.
fn check_directories(path: &Path) -> Result<(), NotPrivate> {
    system::check_directory(parent(path))?;
    match path.canonicalize() {
        Ok(real) if real.parent() != path.parent() => system::check_directory(parent(&real)),
        // What is not there is in no directory.
        _ => Ok(()),
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
