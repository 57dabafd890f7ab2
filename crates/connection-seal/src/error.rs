//! Why sealed data does not open: a closed list, each with its way out.

use super::{KeyError, KeyId};

/// Why a value cannot be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "hosts tell a person what to do about each")]
pub enum SealError {
    /// The system's random numbers or the cipher failed.
    #[error("the cryptography of this system failed")]
    Engine,
    /// There are sealed rows, and no keys to open them with.
    #[error("connection_keyset is empty, and there are connections that were sealed with what it held")]
    Lost,
    /// The keyset was wrapped with a key that another source holds, and this source wraps by itself.
    #[error("the keyset is wrapped with key {need}, which this source does not hold")]
    NotWrapped {
        /// The key that opens it.
        need: KeyId,
    },
    /// It was changed, or it belongs to another row, column, generation or database.
    #[error("a sealed value in {table} was edited, moved or put back from an older state")]
    Tampered {
        /// Where it was found.
        table: &'static str,
    },
    /// It is longer than anything that is sealed.
    #[error("the value is too long to be sealed")]
    TooLong,
    /// A part of it is missing.
    #[error("a sealed value is cut short")]
    Truncated,
    /// Another process rotated the keys, and the new ones cannot be had now. It may open later.
    #[error("the keys were rotated, and the new ones cannot be had now: {detail}")]
    Unavailable {
        /// What keeps them away.
        detail: String,
    },
    /// It is of a later version, or no sealed value at all.
    #[error("a sealed value has an unknown format")]
    UnknownFormat,
    /// It was sealed with a key that is not here.
    #[error("a value is sealed with key {need}, and the key at hand is {have}")]
    WrongKey {
        /// The key in use.
        have: KeyId,
        /// The key that opens it.
        need: KeyId,
    },
}

impl SealError {
    /// What a person does about it, when there is something.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Engine | Self::TooLong => None,
            // Nothing else holds the keys of a database.
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
            Self::Unavailable { .. } => Some("see that the key source gives its key, and do it again".into()),
            Self::NotWrapped { need } | Self::WrongKey { need, .. } => {
                Some(format!("restore key {need}, which belongs to this database"))
            }
        }
    }
}

impl SealError {
    /// Returns `true` if the value may open later without anything being mended: then nothing is to be concluded from it.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Why a keyset cannot be wrapped or unwrapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "it is one of the two")]
pub enum KeysetError {
    /// The source of the key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyset itself.
    #[error(transparent)]
    Seal(#[from] SealError),
}
