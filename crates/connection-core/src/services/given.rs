//! Secret values that the host gives a kind, in the place of what the kind would keep: such as the application that the
//! operator registered at a provider.

use std::{collections::HashMap, error::Error as StdError, fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use connection_contract::{Kind, Secret, ServiceError};
use secrecy::zeroize::Zeroizing;

use crate::platform::{self, NotPrivate, Unreadable};

/// More than any secret that a person puts into a file.
const MOST_BYTES: u64 = 64 * 1024;

/// A secret value that a host gives a kind.
#[async_trait]
pub trait HostSecret: Send + Sync + fmt::Debug {
    /// The value, as the kind itself would keep it.
    ///
    /// # When it is called
    ///
    /// Each time that the kind reads it, so that a value that was replaced works from then on; in a setup once.
    ///
    /// # Errors
    ///
    /// When it cannot be had now. The text is logged, and so has no secret in it.
    async fn read(&self) -> Result<Secret, Box<dyn StdError + Send + Sync>>;
}

/// By kind and key.
#[derive(Debug, Default)]
pub(crate) struct Given(HashMap<(Kind, String), Arc<dyn HostSecret>>);

impl Given {
    pub(crate) fn give(&mut self, kind: Kind, key: String, value: Arc<dyn HostSecret>) {
        self.0.insert((kind, key), value);
    }

    pub(crate) fn has(&self, kind: &Kind, key: &str) -> bool {
        self.find(kind, key).is_some()
    }

    /// The value, where the host gives one.
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

/// A secret in a file that other users cannot read. A link is followed, and a group may read a file that root owns, as
/// where secrets are mounted into containers.
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
