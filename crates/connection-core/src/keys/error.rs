//! An error that keeps the keys of a database from being opened.

use connection_seal::{KeyError, KeysetError, SealError};

use crate::store::StoreError;

/// An error that keeps the keys of a database from being opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenKeyError {
    /// An error of the key source.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An error of the keyset in the database.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The keyset or a sealed value could not be read or written.
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
