//! The row that names what is frozen.

use super::{StoredMark, row};

row! {
    /// The row of `connection_freeze`.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct FreezeRow {
        /// The names of what is frozen, as JSON.
        pub(crate) frozen: String,
        /// Who froze and thawed what and when, as JSON.
        pub(crate) notes: String,
        pub(crate) marked: StoredMark,
    }
}

row! {
    /// The part of the row of `connection_freeze` that is read beside a connection or a grant: two that are equal are
    /// of the same row. Every column is `None` if the row is missing.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct FreezeSign {
        frozen as z_frozen: Option<String>,
        mark as z_mark: Option<Vec<u8>>,
        newest as z_newest: Option<i64>,
    }
}

impl FreezeSign {
    /// Returns the sign of a row that was read as a whole.
    pub(crate) fn of(row: Option<&FreezeRow>) -> Self {
        let Some(FreezeRow { frozen, marked: StoredMark { mark, newest }, .. }) = row else { return Self::default() };
        Self { frozen: Some(frozen.clone()), mark: mark.clone(), newest: *newest }
    }
}
