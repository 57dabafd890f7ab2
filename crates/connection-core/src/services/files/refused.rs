//! The reasons why a directory is not granted, or is not opened although it was granted.

/// The reason why a directory is not opened for an owner, even if it was granted before.
///
/// It names the requested directory, and never the protected one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryRefused {
    /// The host allows this owner no directory, and the owner is not the owner of the process.
    #[error("{path} is not opened for this owner: this host allows this owner no directory")]
    NoBound {
        /// The path of the directory, as it was requested.
        path: String,
    },
    /// The directory is protected, lies inside a protected directory or contains one.
    #[error("{path} is not opened: it is, contains or lies inside a directory that this host protects")]
    Protected {
        /// The path of the directory, as it was requested.
        path: String,
    },
}

impl DirectoryRefused {
    /// Returns the stable code for programs, as listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoBound { .. } => "directory_not_allowed",
            Self::Protected { .. } => "directory_protected",
        }
    }

    /// Returns what a person can do about the error.
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

/// The reason why a directory cannot be granted, in one sentence for the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum GrantError {
    /// The process may not list the directory.
    #[error("{path} cannot be read: give this program the right to, or name another directory")]
    Closed { path: String },
    /// The path is not a directory.
    #[error("{path} is not a directory: name the directory that it is in")]
    NotADirectory { path: String },
    /// The path is relative, or has a `~` that only a shell expands.
    #[error("'{path}' is not an absolute path: write the path from the root, without ~ and variables")]
    NotAbsolute { path: String },
    /// The path does not exist.
    #[error("{path} does not exist: create it, or name another directory")]
    NotFound { path: String },
    /// The path cannot be stored as text.
    #[error("{path} has a name that is not Unicode: rename it, or name another directory")]
    NotUnicode { path: String },
    /// The host allows other directories.
    #[error("{path} is outside what this host allows: name a directory below {allowed}, or change [files] allow")]
    OutOfBounds { path: String, allowed: String },
    /// The host opens the directory for nobody, or not for this owner.
    #[error("{why}; {}", why.remedy())]
    Refused { why: DirectoryRefused },
}

impl From<DirectoryRefused> for GrantError {
    fn from(why: DirectoryRefused) -> Self {
        Self::Refused { why }
    }
}
