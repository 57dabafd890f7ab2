//! The marks that tell rows that this program wrote from rows that were edited or replaced by an older version.

use super::row;

row! {
    /// The mark of a row, and the number of its newest row event, both read by one statement.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Marked {
        /// `None` in a row from before rows had marks.
        pub(crate) mark: Option<Vec<u8>>,
        /// `None` if there is no such event.
        pub(crate) newest: Option<i64>,
    }
}

impl Marked {
    /// Returns `true` if no row event about the row is newer than its mark, so that the row was not restored. It says
    /// nothing about the columns.
    pub(crate) fn is_newest(&self) -> bool {
        let revision = self.mark.as_deref().and_then(|mark| mark.get(32..40)).and_then(|bytes| bytes.try_into().ok());
        revision.is_some_and(|bytes| self.newest == Some(i64::from_be_bytes(bytes)))
    }
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
