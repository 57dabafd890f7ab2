//! Where a sealed value belongs. It is authenticated with the value, so that it opens nowhere else.

use uuid::Uuid;

/// What the first part of the associated data says, so that another use of the key is never mistaken for this one.
const FORMAT: &[u8] = b"connections/row/v1";

/// One column of one row, in one generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a place that lacks a part is another place")]
pub struct Place<'a> {
    /// The table, which errors name.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The primary key, without what is in `sequence`.
    pub key: &'a [u8],
    /// Empty where the table has none.
    pub owner: &'a str,
    /// Empty where the table has none.
    pub kind: &'a str,
    /// The generation, or the number in a sequence; 0 where there is none.
    pub sequence: i64,
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
