//! A sealed value in a column.

use std::fmt;

use sqlx::{Database, Decode, Encode, Type, encode::IsNull, error::BoxDynError};

/// A sealed value, the only form in which a secret is stored. It is made by sealing, or read from a row.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed(Vec<u8>);

impl Sealed {
    /// Creates the value that a row holds. Outside of tests, only the driver does this.
    #[cfg(test)]
    pub(crate) fn from_row(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Creates the value that a file or a statement holds.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the id of the key that the value names, for the column beside it.
    pub(crate) fn key_id(&self) -> Vec<u8> {
        connection_seal::Sealed::key_id_of(&self.0).to_vec()
    }
}

impl From<connection_seal::Sealed> for Sealed {
    fn from(sealed: connection_seal::Sealed) -> Self {
        Self(sealed.into_bytes())
    }
}

impl<DB: Database> Type<DB> for Sealed
where
    Vec<u8>: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <Vec<u8> as Type<DB>>::type_info()
    }

    fn compatible(info: &DB::TypeInfo) -> bool {
        <Vec<u8> as Type<DB>>::compatible(info)
    }
}

impl<'q, DB: Database> Encode<'q, DB> for Sealed
where
    Vec<u8>: Encode<'q, DB>,
{
    fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.0.encode_by_ref(buffer)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Sealed
where
    Vec<u8>: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Vec::decode(value).map(Self)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
