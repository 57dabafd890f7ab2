//! Which directories a user may grant on this host.
//!
//! A grant is canonical, so that a link that changes later does not change what was granted; the bounds are asked again at
//! every use, so that a host that narrows them is obeyed.

use std::path::{Path, PathBuf};

use connection_contract::{Root, host};

/// Below which directories files may be read. Without any there is no bound.
#[derive(Clone, Debug, Default)]
pub struct FilesPolicy {
    allowed: Vec<PathBuf>,
}

/// Why a directory cannot be granted; one sentence for the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum GrantError {
    /// The way there is there, but may not be gone.
    #[error("{path} cannot be read: give this program the right to, or name another directory")]
    Closed { path: String },
    /// Something else is there.
    #[error("{path} is not a directory: name the directory that it is in")]
    NotADirectory { path: String },
    /// Relative, or with a `~` that only a shell expands.
    #[error("'{path}' is not an absolute path: write it from the root on, without ~ and variables")]
    NotAbsolute { path: String },
    /// Nothing is there.
    #[error("{path} does not exist: create it, or name another directory")]
    NotFound { path: String },
    /// Its name cannot be stored.
    #[error("{path} has a name that is not Unicode: rename it, or name another directory")]
    NotUnicode { path: String },
    /// The host does not allow it.
    #[error("{path} is outside what this host allows: name a directory below {allowed}, or change [files] allow")]
    OutOfBounds { path: String, allowed: String },
}

impl FilesPolicy {
    /// No bound.
    pub fn new() -> Self {
        Self::default()
    }
    /// Allows this directory and what is below it; with the first one there is a bound.
    #[must_use]
    pub fn allow(mut self, path: impl Into<PathBuf>) -> Self {
        self.allowed.push(path.into());
        self
    }
    /// The bounds, for people.
    pub fn allowed(&self) -> impl Iterator<Item = &Path> {
        self.allowed.iter().map(PathBuf::as_path)
    }
    /// Turns an answer into a granted directory. Asks the disk, so call it where blocking is allowed.
    pub(crate) fn grant(&self, text: &str) -> Result<Root, GrantError> {
        let (path, given) = (|| text.to_owned(), Path::new(text));
        if !given.is_absolute() {
            return Err(GrantError::NotAbsolute { path: path() });
        }
        let canonical = given.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => GrantError::NotFound { path: path() },
            std::io::ErrorKind::NotADirectory => GrantError::NotADirectory { path: path() },
            _ => GrantError::Closed { path: path() },
        })?;
        if !canonical.is_dir() {
            return Err(GrantError::NotADirectory { path: path() });
        }
        if std::fs::read_dir(&canonical).is_err() {
            return Err(GrantError::Closed { path: path() });
        }
        if !self.allows(&canonical) {
            let allowed: Vec<_> = self.allowed().map(|path| path.display().to_string()).collect();
            return Err(GrantError::OutOfBounds { path: path(), allowed: allowed.join(" or ") });
        }
        canonical.to_str().map(host::root).ok_or_else(|| GrantError::NotUnicode { path: path() })
    }
    /// Whether a canonical path is within the bounds. A bound that is not there allows nothing.
    pub(crate) fn allows(&self, canonical: &Path) -> bool {
        let below = |bound: &PathBuf| bound.canonicalize().is_ok_and(|bound| canonical.starts_with(bound));
        self.allowed.is_empty() || self.allowed.iter().any(below)
    }
}
