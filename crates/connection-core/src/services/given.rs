//! Secret values that the host provides to a kind, in place of values that the kind would store. An example is the
//! application that the operator registered at a provider.

use std::{collections::HashMap, error::Error as StdError, fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use connection_contract::{Kind, Secret, ServiceError};
use secrecy::zeroize::Zeroizing;

use crate::platform::{self, NotPrivate, Unreadable};

/// The maximum size of a secret file: more than any secret that a person writes into a file.
const MOST_BYTES: u64 = 64 * 1024;

/// A secret value that a host provides to a kind.
#[async_trait]
pub trait HostSecret: Send + Sync + fmt::Debug {
    /// Returns the value, in the form in which the kind would store it.
    ///
    /// # When it is called
    ///
    /// Each time the kind reads the value, so that a new value takes effect at once; in a setup, once.
    ///
    /// # Errors
    ///
    /// The value is not available now. The error's text is logged, so it must not contain a secret.
    async fn read(&self) -> Result<Secret, Box<dyn StdError + Send + Sync>>;
}

/// The provided values, by kind and key.
#[derive(Debug, Default)]
pub(crate) struct Given(HashMap<(Kind, String), Arc<dyn HostSecret>>);

impl Given {
    pub(crate) fn give(&mut self, kind: Kind, key: String, value: Arc<dyn HostSecret>) {
        self.0.insert((kind, key), value);
    }

    pub(crate) fn has(&self, kind: &Kind, key: &str) -> bool {
        self.find(kind, key).is_some()
    }

    /// Returns the value, if the host provides one.
    pub(crate) async fn read(&self, kind: &Kind, key: &str) -> Option<Result<Secret, ServiceError>> {
        let value = self.find(kind, key)?;
        Some(value.read().await.map_err(|error| {
            tracing::warn!(%kind, key, error, "a value that the host gives cannot be read");
            ServiceError::Unavailable
        }))
    }

    fn find(&self, kind: &Kind, key: &str) -> Option<&Arc<dyn HostSecret>> {
        self.0.get(&(kind.clone(), key.to_owned()))
    }
}

/// A secret in a file that other users cannot read. Links are followed, and a group may read a file that root owns,
/// because secrets are mounted into containers like this.
#[derive(Clone, Debug)]
pub struct SecretFile {
    path: PathBuf,
}

#[async_trait]
impl HostSecret for SecretFile {
    async fn read(&self) -> Result<Secret, Box<dyn StdError + Send + Sync>> {
        Ok(Self::read(self).await?)
    }
}

/// The reason why a secret was not read from its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// The file is not private.
    #[error(transparent)]
    Exposed(NotPrivate),
    /// The system cannot read the file.
    #[error("{} cannot be read: {source}", path.display())]
    Io {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The file is too long for a secret.
    #[error("{} is longer than 64 KiB", .0.display())]
    TooLong(PathBuf),
}

impl SecretFileError {
    /// Returns what a person can do about the error.
    pub fn remedy(&self) -> String {
        match self {
            Self::Exposed(exposed) => exposed.remedy(),
            Self::Io { path, .. } => format!("put the secret into {}, for its owner only", path.display()),
            Self::TooLong(path) => format!("put the secret alone into {}", path.display()),
        }
    }
}

impl SecretFile {
    /// Creates a secret for the file at that path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the current content of the file, without one newline at its end.
    ///
    /// # Errors
    ///
    /// [`SecretFileError`], which names the file.
    pub async fn read(&self) -> Result<Secret, SecretFileError> {
        let this = self.clone();
        let reading = tokio::task::spawn_blocking(move || this.read_blocking()).await;
        // The task is lost only when its runtime shuts down.
        reading.unwrap_or_else(|_| Err(self.io(std::io::ErrorKind::Interrupted.into())))
    }

    /// Reads the file as [`read`](Self::read) does, on a thread that may block.
    ///
    /// # Errors
    ///
    /// The errors of [`read`](Self::read).
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
