//! The list of every sealed column, from which a key rotation seals all values again.
//!
//! The values of a column that is missing here would be lost when their key is dropped, so a test compares the list with
//! the schema. The key of a sealed value is read from the value itself, bytes 6 to 13, never from another column.

use uuid::Uuid;

use super::{
    Reader, SealedCell, SealedKey, StoreError, Tx,
    columns::Found,
    engine::{all, execute},
};
use crate::store::Sealed;

/// A sealed column, and its query texts.
#[derive(Debug)]
pub(crate) struct SealedColumn {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    /// The word for a row in messages.
    what: &'static str,
    /// A key that is before that of every row.
    first: SealedKey,
    /// Selects key ids, with the number of values that each has sealed.
    count: &'static str,
    /// Selects the next values that a key other than `$1` sealed, by primary key.
    page: &'static str,
    /// Replaces a value if it still has the bytes that were read.
    swap: &'static str,
}

/// A sealed value that was read.
#[derive(Clone, Debug)]
pub(crate) struct SealedRow {
    pub(crate) cell: SealedCell,
    pub(crate) sealed: Sealed,
}

/// Defines sealed columns, and the list of them.
macro_rules! sealed_columns {
    ($($name:ident: $table:literal, $column:literal, $what:literal, $first:ident, $page:literal, $swap:literal;)*) => {
        $(pub(crate) const $name: SealedColumn = SealedColumn {
            table: $table,
            column: $column,
            what: $what,
            first: SealedKey::$first,
            count: concat!(
                "SELECT substr(", $column, ", 6, 8), COUNT(*) FROM ", $table,
                " WHERE ", $column, " IS NOT NULL GROUP BY substr(", $column, ", 6, 8)",
            ),
            page: $page,
            swap: $swap,
        };)*
        /// All sealed columns of the schema.
        pub(crate) const SEALED: &[SealedColumn] = &[$($name),*];
    };
}

sealed_columns! {
    APPROVAL_REQUEST: "connection_approval", "sealed_request", "approval", NUMBERED,
        "SELECT id, CAST(0 AS BIGINT), owner, kind, sealed_request FROM connection_approval \
         WHERE substr(sealed_request, 6, 8) <> $1 AND (id, 0) > ($2, $3) ORDER BY id LIMIT $4",
        "UPDATE connection_approval SET sealed_request = $3 WHERE id = $1 AND $2 = 0 AND sealed_request = $4";
    APPROVAL_ANSWER: "connection_approval", "sealed_answer", "approval", NUMBERED,
        "SELECT id, CAST(0 AS BIGINT), owner, kind, sealed_answer FROM connection_approval \
         WHERE substr(sealed_answer, 6, 8) <> $1 AND (id, 0) > ($2, $3) ORDER BY id LIMIT $4",
        "UPDATE connection_approval SET sealed_answer = $3 WHERE id = $1 AND $2 = 0 AND sealed_answer = $4";
    CREDENTIAL: "connection_credential", "sealed", "connection", NUMBERED,
        "SELECT c.connection_id, c.generation, a.owner, a.kind, c.sealed FROM connection_credential AS c \
         JOIN connection_account AS a ON a.id = c.connection_id WHERE substr(c.sealed, 6, 8) <> $1 \
         AND (c.connection_id, c.generation) > ($2, $3) ORDER BY c.connection_id, c.generation LIMIT $4",
        "UPDATE connection_credential SET sealed = $3, key_id = substr($3, 6, 8) WHERE connection_id = $1 \
         AND generation = $2 AND sealed = $4";
    EXCHANGE_ANSWER: "connection_exchange", "sealed", "the answer to exchange", BYTES,
        "SELECT e.key, COALESCE(a.owner, s.owner), COALESCE(a.kind, s.kind), e.sealed FROM connection_exchange AS e \
         LEFT JOIN connection_account AS a ON a.id = e.connection_id \
         LEFT JOIN connection_setup AS s ON s.id = e.session_id WHERE substr(e.sealed, 6, 8) <> $1 AND e.key > $2 \
         ORDER BY e.key LIMIT $3",
        "UPDATE connection_exchange SET sealed = $2 WHERE key = $1 AND sealed = $3";
    LIVENESS_WORDS: "connection_liveness", "sealed_words", "connection", NUMBERED,
        "SELECT l.connection_id, l.generation, a.owner, a.kind, l.sealed_words FROM connection_liveness AS l \
         JOIN connection_account AS a ON a.id = l.connection_id WHERE substr(l.sealed_words, 6, 8) <> $1 \
         AND (l.connection_id, l.generation) > ($2, $3) ORDER BY l.connection_id LIMIT $4",
        "UPDATE connection_liveness SET sealed_words = $3 WHERE connection_id = $1 AND generation = $2 \
         AND sealed_words = $4";
    REFRESH_WORDS: "connection_credential", "sealed_refresh_words", "connection", NUMBERED,
        "SELECT c.connection_id, c.generation, a.owner, a.kind, c.sealed_refresh_words FROM connection_credential AS c \
         JOIN connection_account AS a ON a.id = c.connection_id WHERE substr(c.sealed_refresh_words, 6, 8) <> $1 \
         AND (c.connection_id, c.generation) > ($2, $3) ORDER BY c.connection_id, c.generation LIMIT $4",
        "UPDATE connection_credential SET sealed_refresh_words = $3 WHERE connection_id = $1 AND generation = $2 \
         AND sealed_refresh_words = $4";
    SETUP_HEADER: "connection_setup", "sealed_header", "setup session", NUMBERED,
        "SELECT id, CAST(0 AS BIGINT), owner, kind, sealed_header FROM connection_setup \
         WHERE substr(sealed_header, 6, 8) <> $1 AND (id, 0) > ($2, $3) ORDER BY id LIMIT $4",
        "UPDATE connection_setup SET sealed_header = $3 WHERE id = $1 AND $2 = 0 AND sealed_header = $4";
    SETUP_STEP: "connection_setup", "sealed_step", "setup session", NUMBERED,
        "SELECT id, step_seq, owner, kind, sealed_step FROM connection_setup WHERE substr(sealed_step, 6, 8) <> $1 \
         AND (id, step_seq) > ($2, $3) ORDER BY id LIMIT $4",
        "UPDATE connection_setup SET sealed_step = $3 WHERE id = $1 AND step_seq = $2 AND sealed_step = $4";
    SETUP_EFFECT: "connection_setup_effect", "sealed", "setup session", NUMBERED,
        "SELECT e.session_id, e.seq, s.owner, s.kind, e.sealed FROM connection_setup_effect AS e \
         JOIN connection_setup AS s ON s.id = e.session_id WHERE substr(e.sealed, 6, 8) <> $1 \
         AND (e.session_id, e.seq) > ($2, $3) ORDER BY e.session_id, e.seq LIMIT $4",
        "UPDATE connection_setup_effect SET sealed = $3 WHERE session_id = $1 AND seq = $2 AND sealed = $4";
    SETUP_INPUT: "connection_setup_input", "sealed", "setup session", INPUT,
        "SELECT i.session_id, i.id, s.owner, s.kind, i.sealed FROM connection_setup_input AS i \
         JOIN connection_setup AS s ON s.id = i.session_id WHERE substr(i.sealed, 6, 8) <> $1 \
         AND (i.session_id, i.id) > ($2, $3) ORDER BY i.session_id, i.id LIMIT $4",
        "UPDATE connection_setup_input SET sealed = $3 WHERE session_id = $1 AND id = $2 AND sealed = $4";
    STORED_VALUE: "connection_kv", "sealed", "value", VALUE,
        "SELECT owner, namespace, key, sealed FROM connection_kv WHERE substr(sealed, 6, 8) <> $1 \
         AND (owner, namespace, key) > ($2, $3, $4) ORDER BY owner, namespace, key LIMIT $5",
        "UPDATE connection_kv SET sealed = $4 WHERE owner = $1 AND namespace = $2 AND key = $3 AND sealed = $5";
    WEBHOOK_ADDRESS: "connection_webhook_address", "sealed", "the webhook address of connection", NUMBERED,
        "SELECT w.connection_id, w.revision, a.owner, a.kind, w.sealed FROM connection_webhook_address AS w \
         JOIN connection_account AS a ON a.id = w.connection_id WHERE substr(w.sealed, 6, 8) <> $1 \
         AND (w.connection_id, w.revision) > ($2, $3) ORDER BY w.connection_id, w.revision LIMIT $4",
        "UPDATE connection_webhook_address SET sealed = $3 WHERE connection_id = $1 AND revision = $2 AND sealed = $4";
    // The number of an event is not known when it is sealed.
    WEBHOOK: "connection_webhook", "sealed", "webhook", NUMBERED,
        "SELECT w.id, CAST(0 AS BIGINT), a.owner, a.kind, w.sealed FROM connection_webhook AS w \
         JOIN connection_account AS a ON a.id = w.connection_id WHERE substr(w.sealed, 6, 8) <> $1 \
         AND (w.id, 0) > ($2, $3) ORDER BY w.id LIMIT $4",
        "UPDATE connection_webhook SET sealed = $3 WHERE id = $1 AND $2 = 0 AND sealed = $4";
}

impl SealedColumn {
    /// Returns the cell of the row with this id and number: a generation, a position in a sequence, or 0.
    pub(crate) fn at(&self, id: Uuid, number: i64, owner: &str, kind: &str) -> SealedCell {
        self.cell(SealedKey::Numbered(id, number), owner, kind)
    }

    /// Returns the cell of the row with this key. The owner and the kind are empty if the row has none.
    pub(crate) fn cell(&self, key: SealedKey, owner: &str, kind: &str) -> SealedCell {
        let &Self { table, column, what, .. } = self;
        SealedCell { table, column, what, key, owner: owner.to_owned(), kind: kind.to_owned() }
    }

    /// Returns a cell that is before that of every row.
    pub(crate) fn start(&self) -> SealedCell {
        self.cell(self.first.clone(), "", "")
    }
}

impl Reader {
    /// Returns the number of values of this column that each key has sealed.
    pub(crate) async fn sealed_counts(&mut self, column: &SealedColumn) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
        // A value that is too short to contain a key id is counted under an empty one.
        let counts = all!(self, (Option<Vec<u8>>, i64), column.count)?;
        Ok(counts.into_iter().map(|(id, count)| (id.unwrap_or_default(), count)).collect())
    }

    /// Returns the next values after `after` that another key sealed, in the order of their primary keys.
    pub(crate) async fn sealed_page(
        &mut self,
        column: &SealedColumn,
        key_id: &[u8],
        after: &SealedCell,
        limit: i64,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let page = column.page;
        let row = |key, owner: &str, kind: &str, sealed| SealedRow { cell: column.cell(key, owner, kind), sealed };
        Ok(match &after.key {
            SealedKey::Bytes(key, _) => {
                let found = all!(self, Found<(Vec<u8>, String, String, Sealed)>, page, key_id, key, limit)?;
                let found = found.into_iter().filter_map(|Found(found)| found);
                found.map(|(key, owner, kind, sealed)| row(SealedKey::Bytes(key, 0), &owner, &kind, sealed)).collect()
            }
            SealedKey::Numbered(id, number) => {
                type Row = (Uuid, i64, String, String, Sealed);
                let found = all!(self, Found<Row>, page, key_id, id, number, limit)?;
                let found = found.into_iter().filter_map(|Found(found)| found);
                let row = |(id, number, owner, kind, sealed): Row| {
                    row(SealedKey::Numbered(id, number), &owner, &kind, sealed)
                };
                found.map(row).collect()
            }
            SealedKey::Input(session, id) => {
                type Row = (Uuid, Uuid, String, String, Sealed);
                let found = all!(self, Found<Row>, page, key_id, session, id, limit)?;
                let found = found.into_iter().filter_map(|Found(found)| found);
                let row =
                    |(session, id, owner, kind, sealed): Row| row(SealedKey::Input(session, id), &owner, &kind, sealed);
                found.map(row).collect()
            }
            SealedKey::Value(namespace, key) => {
                type Row = (String, String, String, Sealed);
                let found = all!(self, Found<Row>, page, key_id, &after.owner, namespace, key, limit)?;
                let found = found.into_iter().filter_map(|Found(found)| found);
                let row =
                    |(owner, namespace, key, sealed): Row| row(SealedKey::Value(namespace, key), &owner, "", sealed);
                found.map(row).collect()
            }
        })
    }
}

impl Tx {
    /// Replaces the value of `row` by `fresh`. Returns `false` if it is no longer there.
    pub(crate) async fn swap_sealed(
        &mut self,
        column: &SealedColumn,
        row: &SealedRow,
        fresh: &Sealed,
    ) -> Result<bool, StoreError> {
        let sql = column.swap;
        let SealedRow { cell, sealed } = row;
        let changed = match &cell.key {
            SealedKey::Bytes(key, _) => execute!(self, sql, key, fresh, sealed)?,
            SealedKey::Numbered(id, number) => execute!(self, sql, id, number, fresh, sealed)?,
            SealedKey::Input(session, id) => execute!(self, sql, session, id, fresh, sealed)?,
            SealedKey::Value(namespace, key) => execute!(self, sql, &cell.owner, namespace, key, fresh, sealed)?,
        };
        Ok(changed == 1)
    }
}
