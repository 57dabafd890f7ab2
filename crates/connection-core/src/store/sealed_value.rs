//! A sealed value in a column.

use std::fmt;

/// A sealed value, the only form in which a secret is stored. It is made by sealing, or read from a row.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub(crate) struct Sealed(Vec<u8>);

impl Sealed {
    /// Makes what a row holds, which the driver alone makes otherwise.
    #[cfg(test)]
    pub(crate) fn from_row(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Takes what a file holds.
    pub(crate) fn of_file(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The id of the key that the value names, for the column beside it.
    pub(crate) fn key_id(&self) -> Vec<u8> {
        connection_seal::Sealed::key_id_of(&self.0).to_vec()
    }
}

impl From<connection_seal::Sealed> for Sealed {
    fn from(sealed: connection_seal::Sealed) -> Self {
        Self(sealed.into_bytes())
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
