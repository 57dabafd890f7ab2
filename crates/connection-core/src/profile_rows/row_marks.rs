//! The marks that authenticate profiles and slots.
//!
//! A profile's directory decides which identity a tool runs with, so a row that was edited from outside is
//! rejected.

use connection_contract::Kind;

use crate::{
    guard::{RowError, Subject},
    keys::Sealer,
    store::{
        StoreError, Tx,
        rows::{ProfileRow, SlotRow},
    },
};

const PROFILE: &str = "connection_profile";
const SLOT: &str = "connection_profile_slot";

/// The owner and kind of some profiles, with what is needed to mark and check their rows.
#[derive(Clone, Copy)]
pub(crate) struct RowMarks<'a> {
    pub(crate) sealer: &'a Sealer,
    pub(crate) owner: &'a str,
    pub(crate) kind: &'a Kind,
    pub(crate) now: i64,
}

fn fields(row: &ProfileRow) -> [Vec<u8>; 4] {
    let ProfileRow { label, directory, is_default, is_implicit, .. } = row;
    [
        label.clone().into_bytes(),
        directory.clone().into_bytes(),
        vec![u8::from(*is_default)],
        vec![u8::from(*is_implicit)],
    ]
}

impl RowMarks<'_> {
    /// Checks that a profile is as this program last wrote it.
    ///
    /// # Errors
    ///
    /// The row was edited, or replaced by an older version.
    pub(crate) fn check(&self, row: &ProfileRow) -> Result<(), RowError> {
        let key = [self.kind.as_str().as_bytes(), row.id.as_bytes()];
        let what = || format!("the profile '{}' of kind '{}' ({})", row.label, self.kind, row.id).into();
        Subject { table: PROFILE, owner: self.owner, key: &key }.check(self.sealer, &row.marked, &fields(row), what)
    }

    /// Checks a slot in the same way as [`check`](Self::check).
    pub(crate) fn check_slot(&self, row: &SlotRow) -> Result<(), RowError> {
        let key = [self.kind.as_str().as_bytes(), row.slot.as_bytes()];
        let what = || format!("the profile of the slot '{}' of kind '{}'", row.slot, self.kind).into();
        let subject = Subject { table: SLOT, owner: self.owner, key: &key };
        subject.check(self.sealer, &row.marked, &[row.profile_id.as_bytes()], what)
    }

    async fn mark(&self, tx: &mut Tx, row: &ProfileRow) -> Result<Vec<u8>, StoreError> {
        let key = [self.kind.as_str().as_bytes(), row.id.as_bytes()];
        Subject { table: PROFILE, owner: self.owner, key: &key }.written(tx, self.sealer, self.now, &fields(row)).await
    }

    pub(crate) async fn insert(&self, tx: &mut Tx, row: &ProfileRow) -> Result<(), StoreError> {
        let mark = self.mark(tx, row).await?;
        tx.insert_profile(self.owner, self.kind.as_str(), row, &mark).await
    }

    /// Writes the whole row with a new mark.
    pub(crate) async fn update(&self, tx: &mut Tx, row: &ProfileRow) -> Result<(), StoreError> {
        let mark = self.mark(tx, row).await?;
        tx.update_profile(row, self.now, Some(&mark)).await.map(drop)
    }

    /// Clears the default flag of the other profiles if `wanted` is the default, and the implicit flag if `wanted`
    /// uses the tool's own directory. A row whose mark is invalid keeps that mark, so it stays invalid.
    pub(crate) async fn make_place(
        &self,
        tx: &mut Tx,
        rows: &[ProfileRow],
        wanted: &ProfileRow,
    ) -> Result<(), StoreError> {
        for before in rows.iter().filter(|row| row.id != wanted.id) {
            let is_default = before.is_default && !wanted.is_default;
            let is_implicit = before.is_implicit && !wanted.is_implicit;
            if (is_default, is_implicit) == (before.is_default, before.is_implicit) {
                continue;
            }
            let row = ProfileRow { is_default, is_implicit, ..before.clone() };
            match self.check(before) {
                Ok(()) => self.update(tx, &row).await?,
                Err(_) => tx.update_profile(&row, self.now, None).await.map(drop)?,
            }
        }
        Ok(())
    }

    pub(crate) async fn delete(&self, tx: &mut Tx, row: &ProfileRow) -> Result<(), StoreError> {
        let key = [self.kind.as_str().as_bytes(), row.id.as_bytes()];
        tx.delete_profile(row.id).await?;
        Subject { table: PROFILE, owner: self.owner, key: &key }.deleted(tx, self.sealer, self.now).await
    }

    pub(crate) async fn put_slot(&self, tx: &mut Tx, row: &SlotRow) -> Result<(), StoreError> {
        let kind = self.kind.as_str();
        let id = row.profile_id;
        let key = [kind.as_bytes(), row.slot.as_bytes()];
        let subject = Subject { table: SLOT, owner: self.owner, key: &key };
        let mark = subject.written(tx, self.sealer, self.now, &[id.as_bytes()]).await?;
        tx.put_profile_slot(self.owner, kind, &row.slot, id, self.now, &mark).await
    }

    /// Removes a slot; returns `false` if it does not exist.
    pub(crate) async fn delete_slot(&self, tx: &mut Tx, slot: &str) -> Result<bool, StoreError> {
        let kind = self.kind.as_str();
        if !tx.delete_profile_slot(self.owner, kind, slot).await? {
            return Ok(false);
        }
        let key = [kind.as_bytes(), slot.as_bytes()];
        let subject = Subject { table: SLOT, owner: self.owner, key: &key };
        subject.deleted(tx, self.sealer, self.now).await.map(|()| true)
    }
}
