//! A secret in a file of its own, such as a passphrase or the secret of an OAuth application.

use std::path::PathBuf;

use connection_contract::Secret;
use secrecy::zeroize::Zeroizing;

use crate::platform::{self, NotPrivate, Unreadable};

/// The maximum length of the file, which is more than any secret that a person puts into one.
const MOST_BYTES: u64 = 64 * 1024;

/// A secret in a file that other users cannot read. A link is followed, and a group may read a file that root owns, as
/// where secrets are mounted into containers.
#[derive(Clone, Debug)]
pub struct SecretFile {
    path: PathBuf,
}

/// Why a secret was not read from its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// It is not private.
    #[error(transparent)]
    Exposed(NotPrivate),
    /// The system does not give it.
    #[error("{} cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds more than a secret.
    #[error("{} is longer than 64 KiB", .0.display())]
    TooLong(PathBuf),
}

impl SecretFileError {
    /// What to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Exposed(exposed) => exposed.remedy(),
            Self::Io { path, .. } => format!("put the secret into {}, for its owner only", path.display()),
            Self::TooLong(path) => format!("put the secret alone into {}", path.display()),
        }
    }
}

impl SecretFile {
    /// The file at that path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// What it holds now, without one newline at its end.
    ///
    /// # Errors
    ///
    /// [`SecretFileError`] names the file.
    pub async fn read(&self) -> Result<Secret, SecretFileError> {
        let this = self.clone();
        let reading = tokio::task::spawn_blocking(move || this.read_blocking()).await;
        // Only when the runtime ends.
        reading.unwrap_or_else(|_| Err(self.io(std::io::ErrorKind::Interrupted.into())))
    }

    /// As [`read`](Self::read), for a thread that may wait for the disk.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_blocking(&self) -> Result<Secret, SecretFileError> {
        let bytes = match platform::read_secret(&self.path, MOST_BYTES) {
            Ok(Some(bytes)) => Zeroizing::new(bytes),
            Ok(None) => return Err(self.io(std::io::ErrorKind::NotFound.into())),
            Err(Unreadable::Exposed(exposed)) => return Err(SecretFileError::Exposed(exposed)),
            Err(Unreadable::Io(error)) => return Err(self.io(error)),
        };
        if bytes.len() as u64 > MOST_BYTES {
            return Err(SecretFileError::TooLong(self.path.clone()));
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        Ok(Secret::new(text.strip_suffix(b"\r").unwrap_or(text)))
    }

    fn io(&self, source: std::io::Error) -> SecretFileError {
        SecretFileError::Io { path: self.path.clone(), source }
    }
}
