//! Where a sealed value belongs. It is authenticated with the value, so that it opens nowhere else.

use uuid::Uuid;

/// What the first part of the associated data says, so that another use of the key is never mistaken for this one.
const FORMAT: &[u8] = b"connections/row/v1";

/// One column of one row, in one generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    /// The primary key, without what is in `sequence`.
    pub(crate) key: &'a [u8],
    /// Empty where the table has none.
    pub(crate) owner: &'a str,
    /// Empty where the table has none.
    pub(crate) kind: &'a str,
    /// The generation, or the number in a sequence; 0 where there is none.
    pub(crate) sequence: i64,
}

/// The key of a small value of a plugin, in a place of `connection_kv` with its owner and nothing more: each part with its
/// length before it.
pub(crate) fn kv_key(namespace: &str, key: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + namespace.len() + key.len());
    for part in [namespace, key] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

impl Place<'_> {
    /// Each part with its length before it, so that no two places are written alike.
    pub(super) fn associated_data(&self, store: Uuid, header: &[u8]) -> Vec<u8> {
        let sequence = self.sequence.to_be_bytes();
        let parts: [&[u8]; 9] = [
            FORMAT,
            store.as_bytes(),
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.key,
            self.owner.as_bytes(),
            self.kind.as_bytes(),
            &sequence,
            header,
        ];
        let mut data = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}
