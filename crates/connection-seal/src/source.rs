//! Where the key comes from that opens the keyset: the ports that a host may implement.

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use secrecy::SecretBox;

use super::KeyError;

/// Holds the one key that is not in the database, or has it held by a service of keys.
///
/// A source either gives a key, and has [`load`](Self::load), or wraps keys by itself, and has
/// [`wrapper`](Self::wrapper).
#[async_trait]
pub trait KeySource: Send + Sync + fmt::Debug {
    /// What people call it: `file /home/ada/.config/connections/key/root.key`.
    fn name(&self) -> String;

    /// The key; `None` when the source holds none, which is what the given body says.
    ///
    /// # When it is called
    ///
    /// When a store is opened, and again when the keys of the store were rotated by another process.
    ///
    /// # Errors
    ///
    /// When the source cannot tell, or what it holds cannot be trusted.
    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError> {
        Ok(None)
    }

    /// Makes a key and keeps it.
    ///
    /// # When it is called
    ///
    /// At the first start on an empty database, and when a database changes to this source; each time only when the
    /// source holds none.
    ///
    /// # Repetition
    ///
    /// Of two that make one at once, one gets [`KeyError::Exists`] and loads the key of the other.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotSupported`] where keys come from elsewhere, which is what the given body says.
    async fn create(&self) -> Result<SecretBox<[u8; 32]>, KeyError> {
        Err(KeyError::NotSupported { source_name: self.name() })
    }

    /// The files in which the source keeps keys; none, which is what the given body says, for a source that keeps its keys
    /// elsewhere.
    ///
    /// # When it is called
    ///
    /// When a registry is opened, which then protects them from every connection.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// For a source that lets no key out and wraps those of others. Then it is asked for no key of its own.
    fn wrapper(&self) -> Option<&dyn KeyWrapper> {
        None
    }
}

/// For a host that chooses when it runs.
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

/// Wraps keys with one that never leaves it, as a key management service does.
#[async_trait]
pub trait KeyWrapper: Send + Sync {
    /// What to store in the place of this key, which is secret and used for one keyset: at most 4096 bytes.
    ///
    /// # Errors
    ///
    /// When it cannot be wrapped now.
    async fn wrap(&self, key: &SecretBox<[u8; 32]>, context: &KeyContext) -> Result<Vec<u8>, KeyError>;

    /// The key that was wrapped.
    ///
    /// # When it is called
    ///
    /// As [`KeySource::load`], and at once after each [`wrap`](Self::wrap), since what cannot be unwrapped is lost.
    ///
    /// # Errors
    ///
    /// When it cannot be unwrapped now, or was wrapped by another.
    async fn unwrap(&self, wrapped: &[u8], context: &KeyContext) -> Result<SecretBox<[u8; 32]>, KeyError>;
}

/// For which database a key is wrapped. Nothing of it is secret; services log it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyContext {
    /// `connections`.
    pub app: &'static str,
    /// The id of the database, a UUID.
    pub store_id: String,
}
