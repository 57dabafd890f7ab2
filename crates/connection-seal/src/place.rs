//! The place to which a sealed value belongs. It is authenticated with the value, so the value opens nowhere else.

use uuid::Uuid;

/// The first part of the associated data. It keeps other uses of the key apart from this one.
const FORMAT: &[u8] = b"connections/row/v1";

/// A place for a sealed value: one column of one row, in one generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a place that lacks a part is another place")]
pub struct Place<'a> {
    /// The table, which the error of a value that does not open names.
    pub table: &'static str,
    /// The column of the table that holds the value.
    pub column: &'static str,
    /// The primary key, without the part that is in `sequence`.
    pub key: &'a [u8],
    /// The owner; empty if the table has no such column.
    pub owner: &'a str,
    /// The kind; empty if the table has no such column.
    pub kind: &'a str,
    /// The generation, or the number in a sequence; 0 if the row has neither.
    pub sequence: i64,
}

impl Place<'_> {
    /// Returns the associated data. Each part follows its length, so no two places have the same data.
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
