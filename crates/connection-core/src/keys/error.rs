//! Why the keys of a database cannot be had.

use connection_seal::{KeyError, KeysetError, SealError};

use crate::store::StoreError;

/// Why the keys of a database cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenKeyError {
    /// The source of the key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyset in the database.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeysetError> for OpenKeyError {
    fn from(error: KeysetError) -> Self {
        match error {
            KeysetError::Key(error) => Self::Key(error),
            KeysetError::Seal(error) => Self::Seal(error),
        }
    }
}
