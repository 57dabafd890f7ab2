//! Queries of `connection_keyset`.

use super::{
    Reader, StoreError, Tx,
    engine::{execute, optional},
    rows::KeysetRow,
};

impl Reader {
    pub(crate) async fn keyset(&mut self) -> Result<Option<KeysetRow>, StoreError> {
        const SQL: &str = "SELECT store_id, revision, slot_a, slot_b FROM connection_keyset WHERE only_row = 1";
        optional!(self, KeysetRow, SQL)
    }
}

impl Tx {
    /// `false` when there is one already: another first start was faster, and its keys are the ones to read.
    pub(crate) async fn insert_keyset(&mut self, row: &KeysetRow) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_keyset (only_row, store_id, revision, slot_a, slot_b) \
                           VALUES (1, $1, $2, $3, $4) ON CONFLICT (only_row) DO NOTHING";
        Ok(execute!(self, SQL, row.store_id, row.revision, &row.slot_a, &row.slot_b)? == 1)
    }

    /// Writes the slots of `row`, and the next revision, if the stored revision still is that of `row`.
    #[cfg_attr(not(test), expect(dead_code, reason = "for a change of the key source"))]
    pub(crate) async fn update_keyset(&mut self, row: &KeysetRow) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_keyset SET slot_a = $2, slot_b = $3, revision = revision + 1 \
                           WHERE only_row = 1 AND revision = $1";
        Ok(execute!(self, SQL, row.revision, &row.slot_a, &row.slot_b)? == 1)
    }
}
