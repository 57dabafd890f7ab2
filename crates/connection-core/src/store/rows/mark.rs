//! The marks that tell rows that this program wrote from rows that were edited or replaced by an older version.

use super::row;

row! {
    /// The mark of a row, and the number of its newest row event, both read by one statement.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct StoredMark {
        /// `None` in a row that has not been written, and in one that was written outside of the program.
        pub(crate) mark: Option<Vec<u8>>,
        /// `None` if there is no such event.
        pub(crate) newest: Option<i64>,
    }
}

/// A row as it was written once, by the number of its row event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowSign {
    pub(crate) subject: [u8; 32],
    pub(crate) revision: i64,
}

impl StoredMark {
    /// Returns the mark that a transaction has just written.
    pub(crate) fn written(mark: Vec<u8>) -> Self {
        Self { newest: revision(&mark), mark: Some(mark) }
    }

    /// Returns the row and its revision; `None` without a mark.
    pub(crate) fn sign(&self) -> Option<RowSign> {
        let mark = self.mark.as_deref()?;
        Some(RowSign { subject: *mark.first_chunk()?, revision: revision(mark)? })
    }

    /// Returns `true` if no row event about the row is newer than its mark, so that the row was not restored. It says
    /// nothing about the columns.
    pub(crate) fn is_newest(&self) -> bool {
        let revision = self.mark.as_deref().and_then(revision);
        revision.is_some() && revision == self.newest
    }
}

/// Returns the revision in a mark.
fn revision(mark: &[u8]) -> Option<i64> {
    mark.get(32..40).and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes)
}

row! {
    /// A row of `connection_row_event`, without its owner, which the query gives.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct RowEvent {
        /// The number of the event: from 1, without gaps, for each owner.
        pub(crate) seq: i64,
        pub(crate) subject: Vec<u8>,
        pub(crate) at: i64,
        pub(crate) chain: Vec<u8>,
    }
}
