//! The directories that an owner may grant on this host.
//!
//! A grant is a canonical path, so a link that changes later does not change the grant. The bounds and the
//! protected directories are checked again at every use, so that a host can narrow them.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::protected::Protected;
use crate::owner::has_environment;

/// The directories below which the owners of a host may read files.
///
/// The owner of the process may read any directory, unless the host [allows](Self::allow) only some. Every other
/// owner may read only the directories that the host allows; without any, nothing.
///
/// No owner may read a [protected](Self::protect) directory: a root must not be one, lie inside one or contain one.
/// A registry always protects the files of its key sources, its SQLite database, its state directory and the
/// directories of the profiles of other owners.
///
/// ```
/// use connection_core::FilesPolicy;
///
/// let policy = FilesPolicy::new()
///     .allow("/srv/shared")
///     .allow_for("ada", "/srv/ada")
///     .protect("/etc/acme")
///     .protect_file("/var/lib/acme/settings.toml");
/// assert_eq!(policy.allowed().count(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct FilesPolicy {
    allowed: Vec<PathBuf>,
    allowed_for: Vec<(String, PathBuf)>,
    pub(super) protected: Protected,
}

/// The bound of an owner, before any directory is examined.
pub(super) enum Bound<'a> {
    /// The owner may read below these directories.
    Below(Vec<&'a Path>),
    /// The owner may read nothing.
    Nothing,
    /// The owner may read everything that is not protected.
    Unbounded,
}

impl FilesPolicy {
    /// Creates a policy without allowed directories: the owner of the process may read all of them, and other
    /// owners none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows this directory and everything below it to every owner. The first call also limits the owner of the
    /// process.
    #[must_use]
    pub fn allow(mut self, path: impl Into<PathBuf>) -> Self {
        self.allowed.push(path.into());
        self
    }

    /// Allows this directory and everything below it to one owner, in addition to what every owner is
    /// [allowed](Self::allow).
    #[must_use]
    pub fn allow_for(mut self, owner: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.allowed_for.push((owner.into(), path.into()));
        self
    }

    /// Protects this directory: no root may be this directory, lie inside it or contain it, whatever is allowed. A
    /// directory that does not exist is protected once it exists.
    #[must_use]
    pub fn protect(mut self, path: impl AsRef<Path>) -> Self {
        self.protected.directory(path.as_ref());
        self
    }

    /// Protects this file, its directory, and the files that SQLite keeps beside it. A hard link to one of these
    /// files is not read either, wherever it is.
    #[must_use]
    pub fn protect_file(mut self, path: impl AsRef<Path>) -> Self {
        self.protected.file(path.as_ref());
        self
    }

    /// Returns the directories that every owner is allowed, for people.
    pub fn allowed(&self) -> impl Iterator<Item = &Path> {
        self.allowed.iter().map(PathBuf::as_path)
    }

    /// Also protects the directories and files that are at the protected paths now, so that they stay protected after
    /// they are renamed.
    pub(crate) fn hold(mut self) -> Self {
        self.protected.hold();
        self
    }

    /// Returns `true` if a directory is protected, lies inside a protected one or contains one.
    ///
    /// # Errors
    ///
    /// The directory, or a protected path, cannot be examined.
    pub(crate) fn protects(&self, directory: &Path) -> io::Result<bool> {
        self.protected.touches(directory)
    }

    /// Grants a directory to the owner of the process.
    #[cfg(test)]
    pub(crate) fn grant(
        &self,
        text: &str,
    ) -> Result<connection_contract::GrantedDirectory, super::refused::GrantError> {
        super::Bounds::from(self.clone()).grant(text)
    }

    /// Returns what an owner may read.
    pub(super) fn bound(&self, owner: &str) -> Bound<'_> {
        let own = self.allowed_for.iter().filter(|(other, _)| other == owner).map(|(_, path)| path.as_path());
        let all: Vec<_> = self.allowed().chain(own).collect();
        match (all.is_empty(), has_environment(owner)) {
            (false, _) => Bound::Below(all),
            (true, true) => Bound::Unbounded,
            (true, false) => Bound::Nothing,
        }
    }
}

impl Bound<'_> {
    /// Returns `true` if a canonical path is within the bound. An allowed directory that does not exist allows nothing.
    pub(super) fn allows(&self, canonical: &Path) -> bool {
        match self {
            Self::Below(paths) => {
                paths.iter().any(|path| path.canonicalize().is_ok_and(|bound| canonical.starts_with(bound)))
            }
            Self::Nothing => false,
            Self::Unbounded => true,
        }
    }
}
