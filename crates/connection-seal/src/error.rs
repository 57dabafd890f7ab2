//! The reasons why sealed data does not open, each with its remedy.

use super::{KeyError, KeyId};

/// The reason why a value cannot be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "hosts tell a person what to do about each")]
pub enum SealError {
    /// The system gave no random numbers, or the cipher failed.
    #[error("the cryptography of this system failed")]
    Engine,
    /// The store has sealed rows, but no keys to open them with.
    #[error("the table connection_keyset is empty, but there are connections that were sealed with its keys")]
    Lost,
    /// The keyset was wrapped with a key that another source holds, while this source wraps keys by itself.
    #[error("the keyset is wrapped with key {need}, which this source does not hold")]
    NotWrapped {
        /// The key that opens the keyset.
        need: KeyId,
    },
    /// The value was changed, or it belongs to another row, column, generation or database.
    #[error("a sealed value in {table} was edited, moved or put back from an older state")]
    Tampered {
        /// The table in which the value was found, such as `connection_credential`.
        table: &'static str,
    },
    /// The value exceeds the maximum length of a sealed value.
    #[error("the value is too long to be sealed")]
    TooLong,
    /// A part of the sealed value is missing.
    #[error("a sealed value is truncated")]
    Truncated,
    /// Another process rotated the keys, and the new ones are unavailable at the moment. The value may open later.
    #[error("the keys were rotated, and the new keys cannot be loaded now: {detail}")]
    Unavailable {
        /// The reason why they are unavailable.
        detail: String,
    },
    /// The value has the format of a later version, or is not a sealed value.
    #[error("a sealed value has an unknown format")]
    UnknownFormat,
    /// The value was sealed with a key that is not loaded.
    #[error("a value is sealed with key {need}, but the available key is {have}")]
    WrongKey {
        /// The key with which the value was to be opened.
        have: KeyId,
        /// The key that opens the value.
        need: KeyId,
    },
}

impl SealError {
    /// Returns what a person can do about it, if there is something.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Engine | Self::TooLong => None,
            // The keys of a database are stored nowhere else.
            Self::Lost | Self::Tampered { table: "connection_keyset" } => {
                Some("restore the database from a backup".into())
            }
            Self::Tampered { table } if table.starts_with("connection_setup") => {
                Some("cancel the setup and begin again".into())
            }
            Self::Tampered { .. } | Self::Truncated => {
                Some("restore the database from a backup, or authorize the connection again".into())
            }
            Self::UnknownFormat => Some("use the version of this program that wrote the database".into()),
            Self::Unavailable { .. } => Some("make sure that the key source returns its key, then try again".into()),
            Self::NotWrapped { need } | Self::WrongKey { need, .. } => {
                Some(format!("restore key {need}, which belongs to this database"))
            }
        }
    }
}

impl SealError {
    /// Returns `true` if the value may open later without a repair. A caller must not conclude anything from such an
    /// error.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// The reason why a keyset cannot be wrapped or unwrapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "it is one of the two")]
pub enum KeysetError {
    /// The key source did not provide a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyset could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
}
