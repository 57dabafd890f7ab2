//! The traits for sources of the key that opens the keyset. A host may implement them.

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use secrecy::SecretBox;

use super::KeyError;

/// A source of the one key that is not in the database.
///
/// A source either holds a key and implements [`load`](Self::load), or wraps keys itself and implements
/// [`wrapper`](Self::wrapper), as a key management service does.
#[async_trait]
pub trait KeySource: Send + Sync + fmt::Debug {
    /// Returns a name for people, such as `file /home/ada/.config/connections/key/root.key`.
    fn name(&self) -> String;

    /// Returns the key, or `None` if the source holds none. By default, returns `None`.
    ///
    /// # When it is called
    ///
    /// When a store is opened, and again after another process has rotated the keys of the store.
    ///
    /// # Errors
    ///
    /// When the source is unavailable, or the key that it holds cannot be trusted.
    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError> {
        Ok(None)
    }

    /// Creates a key and stores it.
    ///
    /// # When it is called
    ///
    /// At the first start on an empty database, and when a database changes to this source, if the source holds no key.
    ///
    /// # Repetition
    ///
    /// If two processes create a key at the same time, one gets [`KeyError::Exists`] and loads the key of the other.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotSupported`] if keys come from elsewhere. This is the default.
    async fn create(&self) -> Result<SecretBox<[u8; 32]>, KeyError> {
        Err(KeyError::NotSupported { source_name: self.name() })
    }

    /// Returns the files in which the source stores keys. By default, there are none.
    ///
    /// # When it is called
    ///
    /// When a registry is opened. The registry then protects the files from every connection.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Returns the wrapper, if the source wraps keys instead of returning its own. Keysets are then wrapped and opened
    /// with it, and not with a key from [`load`](Self::load) or [`create`](Self::create).
    fn wrapper(&self) -> Option<&dyn KeyWrapper> {
        None
    }
}

/// Lets a host choose the source at run time.
#[async_trait]
impl<T: KeySource + ?Sized> KeySource for Arc<T> {
    fn name(&self) -> String {
        (**self).name()
    }

    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError> {
        (**self).load().await
    }

    async fn create(&self) -> Result<SecretBox<[u8; 32]>, KeyError> {
        (**self).create().await
    }

    fn files(&self) -> Vec<PathBuf> {
        (**self).files()
    }

    fn wrapper(&self) -> Option<&dyn KeyWrapper> {
        (**self).wrapper()
    }
}

/// Wraps keys with a key that never leaves the wrapper, as a key management service does.
#[async_trait]
pub trait KeyWrapper: Send + Sync {
    /// Wraps a key, which is secret and used for one keyset, and returns at most 4096 bytes to store in its place.
    ///
    /// # Errors
    ///
    /// When the key cannot be wrapped now.
    async fn wrap(&self, key: &SecretBox<[u8; 32]>, context: &KeyContext) -> Result<Vec<u8>, KeyError>;

    /// Returns the key that was wrapped.
    ///
    /// # When it is called
    ///
    /// At the same times as [`KeySource::load`], and at once after each [`wrap`](Self::wrap), because a key that cannot
    /// be unwrapped is lost.
    ///
    /// # Errors
    ///
    /// When the key cannot be unwrapped now, or was wrapped by another wrapper.
    async fn unwrap(&self, wrapped: &[u8], context: &KeyContext) -> Result<SecretBox<[u8; 32]>, KeyError>;
}

/// The database for which a key is wrapped. It holds no secret, and services log it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyContext {
    /// The name of the program, `connections`.
    pub app: &'static str,
    /// The id of the database, a UUID.
    pub store_id: String,
}
