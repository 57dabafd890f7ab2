//! Where the key comes from that opens the keyset: the port that a host may implement.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretBox;

use crate::platform::NotPrivate;

/// Holds the one key that is not in the database.
#[async_trait]
pub trait KeySource: Send + Sync + fmt::Debug {
    /// What people call it: `file /home/ada/.config/connections/key/root.key`.
    fn name(&self) -> String;

    /// The key; `None` when the source holds none.
    ///
    /// # When it is called
    ///
    /// Once when a store is opened.
    ///
    /// # Errors
    ///
    /// When the source cannot tell, or what it holds cannot be trusted.
    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError>;

    /// Makes a key and keeps it.
    ///
    /// # When it is called
    ///
    /// At the first start on an empty database, when the source holds none.
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
}

/// Why a key source gives no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is a key already.
    #[error("the key source '{source_name}' holds a key already")]
    Exists {
        /// The source.
        source_name: String,
    },
    /// Others may have read the key, or changed it.
    #[error("the key is not private: {0}")]
    Exposed(NotPrivate),
    /// What the source holds is no key, or a damaged one.
    #[error("the key source '{source_name}' holds no whole key")]
    Malformed {
        /// The source.
        source_name: String,
    },
    /// The database was sealed, and the key is gone.
    #[error("the key source '{source_name}' holds no key, and the database is sealed with one")]
    Missing {
        /// The source.
        source_name: String,
    },
    /// The source makes no keys.
    #[error("the key source '{source_name}' holds no key and makes none")]
    NotSupported {
        /// The source.
        source_name: String,
    },
    /// The system does not let it be read or written.
    #[error("the key source '{source_name}' cannot be used: {detail}")]
    Unavailable {
        /// The source.
        source_name: String,
        /// What the system says.
        detail: String,
    },
}

impl KeyError {
    /// What a person does about it, when there is something.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Exposed(exposed) => Some(exposed.remedy()),
            Self::Malformed { source_name } | Self::Missing { source_name } => {
                Some(format!("restore the key of '{source_name}' from a backup: without it the database stays closed"))
            }
            Self::NotSupported { source_name } => Some(format!("put a key of 32 bytes into '{source_name}'")),
            Self::Unavailable { source_name, .. } => {
                Some(format!("see that the user who runs this may use '{source_name}', and that it is where it says"))
            }
            Self::Exists { .. } => None,
        }
    }
}
