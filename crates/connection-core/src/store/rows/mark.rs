//! What tells a row that this program wrote from one that somebody edited or put back.

/// The mark of a row, and the number of the newest row event about it: both read by one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Marked {
    /// `None` in a row from before rows had marks.
    pub(crate) mark: Option<Vec<u8>>,
    /// `None` where there is no such event.
    pub(crate) newest: Option<i64>,
}

/// A row of `connection_row_event`, but for its owner, by whom it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct RowEvent {
    /// From 1, without gaps, per owner.
    pub(crate) seq: i64,
    pub(crate) subject: Vec<u8>,
    pub(crate) at: i64,
    pub(crate) chain: Vec<u8>,
}
