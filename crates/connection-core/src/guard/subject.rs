//! A row with a mark.

use connection_contract::DisplayText;

use super::{RowError, RowFault};
use crate::{
    keys::Sealer,
    store::{StoreError, Tx, rows::Marked},
};

/// The name of a row, in bytes.
const NAME: usize = 32;
/// A name, a revision and a MAC.
const LENGTH: usize = NAME + 8 + 32;

/// The name of a row, which may be missing from its table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) table: &'static str,
    pub(crate) owner: &'a str,
    /// The primary key, without the owner.
    pub(crate) key: &'a [&'a [u8]],
}

impl Subject<'_> {
    /// Returns the name of the row in its mark and in its row events.
    pub(crate) fn name(&self, sealer: &Sealer) -> [u8; NAME] {
        let parts: Vec<&[u8]> =
            [self.table.as_bytes(), self.owner.as_bytes()].into_iter().chain(self.key.iter().copied()).collect();
        sealer.mac_of("connections/row/subject/v1", &parts)
    }

    fn mac(&self, sealer: &Sealer, name: &[u8], revision: i64, fields: &[impl AsRef<[u8]>]) -> [u8; 32] {
        let revision = revision.to_be_bytes();
        let parts: Vec<&[u8]> =
            [self.table.as_bytes(), name, &revision[..]].into_iter().chain(fields.iter().map(AsRef::as_ref)).collect();
        sealer.mac_of("connections/row/v1", &parts)
    }

    /// Records that the row is written with these columns, and returns its mark. The transaction holds the owner's
    /// lock.
    pub(crate) async fn written(
        &self,
        tx: &mut Tx,
        sealer: &Sealer,
        at: i64,
        fields: &[impl AsRef<[u8]>],
    ) -> Result<Vec<u8>, StoreError> {
        let revision = self.append(tx, sealer, at).await?;
        let name = self.name(sealer);
        Ok([&name[..], &revision.to_be_bytes(), &self.mac(sealer, &name, revision, fields)].concat())
    }

    /// Records that the row is deleted. The transaction holds the owner's lock.
    pub(crate) async fn deleted(&self, tx: &mut Tx, sealer: &Sealer, at: i64) -> Result<(), StoreError> {
        self.append(tx, sealer, at).await.map(drop)
    }

    async fn append(&self, tx: &mut Tx, sealer: &Sealer, at: i64) -> Result<i64, StoreError> {
        let mac = |bytes: &[u8]| event_mac(sealer, bytes);
        tx.append_row_event(self.owner, &self.name(sealer), at, &mac).await
    }

    /// Checks that the row is as it was written last. `what` is the name that people know it by.
    ///
    /// # Errors
    ///
    /// It was edited, or put back.
    pub(crate) fn check(
        &self,
        sealer: &Sealer,
        marked: &Marked,
        fields: &[impl AsRef<[u8]>],
        what: impl FnOnce() -> DisplayText,
    ) -> Result<(), RowError> {
        match self.fault(sealer, marked, fields) {
            None => Ok(()),
            Some(fault) => Err(RowError { table: self.table, owner: self.owner.to_owned(), what: what(), fault }),
        }
    }

    fn fault(&self, sealer: &Sealer, marked: &Marked, fields: &[impl AsRef<[u8]>]) -> Option<RowFault> {
        let Some(mark) = &marked.mark else { return Some(RowFault::Unmarked) };
        let parts = mark.split_at_checked(NAME).filter(|_| mark.len() == LENGTH);
        let parts = parts.and_then(|(name, rest)| rest.split_first_chunk::<8>().map(|rest| (name, rest)));
        let Some((name, (revision, mac))) = parts else { return Some(RowFault::Edited) };
        let revision = i64::from_be_bytes(*revision);
        if name != self.name(sealer) || mac != self.mac(sealer, name, revision, fields) {
            return Some(RowFault::Edited);
        }
        match marked.newest {
            Some(newest) if newest == revision => None,
            Some(newest) if newest > revision => Some(RowFault::Outdated),
            // The event of the row itself is gone.
            _ => Some(RowFault::Edited),
        }
    }
}

/// Encodes an optional column, so that an absent one differs from an empty one.
pub(crate) fn optional(bytes: Option<&[u8]>) -> Vec<u8> {
    bytes.map_or_else(Vec::new, |bytes| [&[1], bytes].concat())
}

/// The link from a row event to the one before it.
pub(crate) fn event_mac(sealer: &Sealer, bytes: &[u8]) -> [u8; 32] {
    sealer.mac("connections/row/event/v1", bytes)
}

/// Returns the MAC that links an event of a connection to the one before it.
pub(crate) fn connection_event_mac(sealer: &Sealer, bytes: &[u8]) -> [u8; 32] {
    sealer.mac("connections/event/v1", bytes)
}
