//! The marks that authenticate profiles and slots.
//!
//! A profile's directory decides which identity a tool runs with, so a row that was edited from outside is
//! rejected.

use crate::{
    guard,
    keys::Sealer,
    store::{
        StoreError, Tx,
        rows::{ProfileRow, SlotRow},
    },
};

/// The sealer that marks rows, and the time of the change.
#[derive(Clone, Copy)]
pub(crate) struct RowMarks<'a> {
    pub(crate) sealer: &'a Sealer,
    pub(crate) now: i64,
}

impl RowMarks<'_> {
    pub(crate) async fn insert(&self, tx: &mut Tx, row: &ProfileRow) -> Result<(), StoreError> {
        let mark = guard::written(tx, self.sealer, self.now, row).await?;
        tx.insert_profile(row, &mark).await
    }

    /// Writes the whole row with a new mark.
    pub(crate) async fn update(&self, tx: &mut Tx, row: &ProfileRow) -> Result<(), StoreError> {
        let mark = guard::written(tx, self.sealer, self.now, row).await?;
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
            match guard::check(self.sealer, before) {
                Ok(()) => self.update(tx, &row).await?,
                Err(_) => tx.update_profile(&row, self.now, None).await.map(drop)?,
            }
        }
        Ok(())
    }

    pub(crate) async fn delete(&self, tx: &mut Tx, row: &ProfileRow) -> Result<(), StoreError> {
        guard::deleted(tx, self.sealer, self.now, row).await?;
        tx.delete_profile(row.id).await.map(drop)
    }

    pub(crate) async fn put_slot(&self, tx: &mut Tx, row: &SlotRow) -> Result<(), StoreError> {
        let mark = guard::written(tx, self.sealer, self.now, row).await?;
        tx.put_profile_slot(row, self.now, &mark).await
    }

    pub(crate) async fn delete_slot(&self, tx: &mut Tx, row: &SlotRow) -> Result<(), StoreError> {
        guard::deleted(tx, self.sealer, self.now, row).await?;
        tx.delete_profile_slot(row).await
    }
}
