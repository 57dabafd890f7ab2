//! Finds rows that decide who gets a secret or what is run, and that somebody edited or restored without the key.
//!
//! The row of a connection is compared with the newest event of the connection, which states how the row was left. A
//! row of the other [`TABLES`] carries a mark: the row's name, a revision, the layout of the mark, a digest of the columns
//! that matter, and a MAC over all of them. The revision is the number of the newest row event about the row; the
//! deletion of a row appends such an event, too. A row that was edited therefore has another digest, and a row that was
//! restored has an old revision.

mod error;
mod mark;
mod tables;

pub use error::{RowError, RowFault};
pub(crate) use mark::{check, deleted, name, refusal, written};
pub(crate) use tables::TABLES;

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

/// Returns the MAC that links a row event to the one before it.
pub(crate) fn event_mac(sealer: &Sealer, bytes: &[u8]) -> [u8; 32] {
    sealer.mac("connections/row/event/v1", bytes)
}

/// Returns the MAC that links an event of a connection to the one before it.
pub(crate) fn connection_event_mac(sealer: &Sealer, bytes: &[u8]) -> [u8; 32] {
    sealer.mac("connections/event/v1", bytes)
}
