//! Why a directory is not granted, or not opened though it was granted.

/// Why a directory is not opened for an owner, whatever was granted before.
///
/// It names the directory that was asked for, and never the one that it is kept away from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryRefused {
    /// The host bounds no directory for this owner, who is not the owner of the process.
    #[error("{path} is not opened for this owner: this host allows it no directory")]
    NoBound {
        /// The directory that was asked for.
        path: String,
    },
    /// The directory is protected, lies inside a protected directory or contains one.
    #[error("{path} is not opened: it is, contains or lies inside a directory that this host protects")]
    Protected {
        /// The directory that was asked for.
        path: String,
    },
}

impl DirectoryRefused {
    /// For programs; listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoBound { .. } => "directory_not_allowed",
            Self::Protected { .. } => "directory_protected",
        }
    }

    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoBound { .. } => "allow this owner a directory with [files] allow or FilesPolicy::allow_for",
            Self::Protected { .. } => {
                "name another directory, apart from the host's key, database, state and configuration and from the profiles \
                 of other owners"
            }
        }
    }
}

/// Why a directory cannot be granted; one sentence for the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum GrantError {
    /// The process may not list it.
    #[error("{path} cannot be read: give this program the right to, or name another directory")]
    Closed { path: String },
    /// Something else is there.
    #[error("{path} is not a directory: name the directory that it is in")]
    NotADirectory { path: String },
    /// The path is relative, or has a `~` that only a shell expands.
    #[error("'{path}' is not an absolute path: write it from the root on, without ~ and variables")]
    NotAbsolute { path: String },
    /// Nothing is there.
    #[error("{path} does not exist: create it, or name another directory")]
    NotFound { path: String },
    /// Its name cannot be stored.
    #[error("{path} has a name that is not Unicode: rename it, or name another directory")]
    NotUnicode { path: String },
    /// The host allows other directories.
    #[error("{path} is outside what this host allows: name a directory below {allowed}, or change [files] allow")]
    OutOfBounds { path: String, allowed: String },
    /// The host opens it for nobody, or not for this owner.
    #[error("{why}; {}", why.remedy())]
    Refused { why: DirectoryRefused },
}

impl From<DirectoryRefused> for GrantError {
    fn from(why: DirectoryRefused) -> Self {
        Self::Refused { why }
    }
}
