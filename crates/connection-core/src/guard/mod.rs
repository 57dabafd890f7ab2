//! Finds rows that decide who gets a secret or what is run, and that somebody edited or restored without the key.
//!
//! The row of a connection is compared with the newest event of the connection, which states how the row was left. A
//! row of the other tables carries a mark: the row's name, a revision, and a MAC over both and over the columns that
//! matter. The revision is the number of the newest row event about the row; the deletion of a row appends such an
//! event, too. A row that was edited therefore has a wrong MAC, and a row that was restored has an old revision.

mod error;
mod subject;

pub use error::{RowError, RowFault};
pub(crate) use subject::{Subject, connection_event_mac, event_mac, optional};

use crate::{
    keys::Sealer,
    store::{RowDifference, StandingRow, rows::AccountFacts},
};

const TABLE: &str = "connection_account";

/// Returns why the row of a connection is refused, compared with the newest event that was read with it.
pub(crate) fn refused(sealer: &Sealer, row: &StandingRow) -> Option<RowError> {
    let fault = match row.row_difference(&|bytes| connection_event_mac(sealer, bytes))? {
        RowDifference::Edited => RowFault::Edited,
        RowDifference::Outdated => RowFault::Outdated,
        RowDifference::Removed => RowFault::Removed,
        RowDifference::Untold => RowFault::Unmarked,
    };
    let AccountFacts { id, owner, kind, label, .. } = &row.account;
    let what = format!("connection {kind}:{label} ({id})");
    Some(RowError { table: TABLE, owner: owner.clone(), what: what.into(), fault })
}
