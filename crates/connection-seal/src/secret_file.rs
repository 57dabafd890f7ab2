//! A secret that is the only content of a file, such as a passphrase or the secret of an OAuth application.

use std::path::PathBuf;

use connection_contract::Secret;
use secrecy::zeroize::Zeroizing;

use crate::platform::{self, NotPrivate, Unreadable};

/// The maximum length of the file, which is more than any secret that a person puts into one.
const MAX_BYTES: u64 = 64 * 1024;

/// A file with a secret that other users cannot read.
///
/// Links are followed, and a group may read a file that root owns: containers get their secrets like this.
#[derive(Clone, Debug)]
pub struct SecretFile {
    path: PathBuf,
}

/// The reason why a secret was not read from its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// The file is not private.
    #[error(transparent)]
    Exposed(NotPrivate),
    /// The system could not read the file.
    #[error("{} cannot be read: {source}", path.display())]
    Io {
        /// The file that cannot be read.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is longer than 64 KiB.
    #[error("{} is longer than 64 KiB", .0.display())]
    TooLong(PathBuf),
}

impl SecretFileError {
    /// Returns what a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Exposed(exposed) => exposed.remedy(),
            Self::Io { path, .. } => format!("put the secret into {}, readable only by its owner", path.display()),
            Self::TooLong(path) => format!("put nothing but the secret into {}", path.display()),
        }
    }
}

impl SecretFile {
    /// Returns a handle to the file at `path`, which is not read yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads the secret, without one newline at its end.
    ///
    /// # Errors
    ///
    /// [`SecretFileError`], which names the file.
    pub async fn read(&self) -> Result<Secret, SecretFileError> {
        let this = self.clone();
        let reading = tokio::task::spawn_blocking(move || this.read_blocking()).await;
        // This happens only when the runtime shuts down.
        reading.unwrap_or_else(|_| Err(self.io(std::io::ErrorKind::Interrupted.into())))
    }

    /// Reads the secret as [`read`](Self::read) does, on a thread that may wait for the disk.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`read`](Self::read).
    pub fn read_blocking(&self) -> Result<Secret, SecretFileError> {
        let bytes = match platform::read_secret(&self.path, MAX_BYTES) {
            Ok(Some(bytes)) => Zeroizing::new(bytes),
            Ok(None) => return Err(self.io(std::io::ErrorKind::NotFound.into())),
            Err(Unreadable::Exposed(exposed)) => return Err(SecretFileError::Exposed(exposed)),
            Err(Unreadable::Io(error)) => return Err(self.io(error)),
        };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(SecretFileError::TooLong(self.path.clone()));
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        Ok(Secret::new(text.strip_suffix(b"\r").unwrap_or(text)))
    }

    fn io(&self, source: std::io::Error) -> SecretFileError {
        SecretFileError::Io { path: self.path.clone(), source }
    }
}
