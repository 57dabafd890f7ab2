//! Queries of `connection_keyset`.

use super::{
    Reader, StoreError, Tx,
    engine::{execute, optional},
    rows::KeysetRow,
    signals::Changed,
};

impl Reader {
    pub(crate) async fn keyset(&mut self) -> Result<Option<KeysetRow>, StoreError> {
        const SQL: &str = "SELECT store_id, revision, keys_revision, slot_a, slot_b FROM connection_keyset \
                           WHERE only_row = 1";
        optional!(self, KeysetRow, SQL)
    }

    /// Returns the revision of the keys, which changes whenever they do; `None` if there is no keyset.
    pub(crate) async fn keys_revision(&mut self) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "SELECT keys_revision FROM connection_keyset WHERE only_row = 1";
        let found = optional!(self, (i64,), SQL)?;
        Ok(found.map(|(revision,)| revision))
    }
}

impl Tx {
    /// Inserts the keyset. Returns `false` if there is one already: another first start was faster, and the caller must
    /// read its keyset.
    pub(crate) async fn insert_keyset(&mut self, row: &KeysetRow) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_keyset (only_row, store_id, revision, keys_revision, slot_a, slot_b) \
                           VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (only_row) DO NOTHING";
        self.changed(Changed::Keys);
        Ok(execute!(self, SQL, row.store_id, row.revision, row.keys_revision, &row.slot_a, &row.slot_b)? == 1)
    }

    /// Writes the content of `row` as the next revision, if the stored revision is still that of `row`.
    pub(crate) async fn update_keyset(&mut self, row: &KeysetRow) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_keyset SET keys_revision = $2, slot_a = $3, slot_b = $4, \
                           revision = revision + 1 WHERE only_row = 1 AND revision = $1";
        self.changed(Changed::Keys);
        Ok(execute!(self, SQL, row.revision, row.keys_revision, &row.slot_a, &row.slot_b)? == 1)
    }
}
