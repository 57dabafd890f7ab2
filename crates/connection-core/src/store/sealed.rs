//! A table of every sealed column, from which a key rotation seals all values again.
//!
//! The values of a column that is missing here would be lost when their key is dropped, so a test compares the table
//! with the schema. The key of a sealed value is read from the value itself, bytes 6 to 13, never from another column.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    columns::Found,
    engine::{all, execute},
};
use crate::store::Sealed;

/// A sealed column, and its query texts.
#[derive(Debug)]
pub(crate) struct SealedColumn {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    shape: Shape,
    /// Selects key ids, with the number of values that each has sealed.
    count: &'static str,
    /// Selects the next values that a key other than `$1` sealed, by primary key.
    page: &'static str,
    /// Replaces a value if it still has the bytes that were read.
    swap: &'static str,
}

/// The structure of the primary key.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Exchange,
    Numbered,
    Input,
    Value,
}

/// The primary key of a row.
#[derive(Clone, Debug)]
pub(crate) enum SealedKey {
    /// The key of an exchange.
    Exchange(Vec<u8>),
    /// An id, and a generation or a number in a sequence; 0 if there is none.
    Numbered(Uuid, i64),
    /// A session, and one of its inputs.
    Input(Uuid, Uuid),
    /// Owner, namespace and key of a small value.
    Value(String, String, String),
}

/// A sealed value, with everything that determines its place.
#[derive(Clone, Debug)]
pub(crate) struct SealedRow {
    pub(crate) key: SealedKey,
    pub(crate) owner: String,
    pub(crate) kind: String,
    pub(crate) sealed: Sealed,
}

macro_rules! count {
    ($table:literal, $column:literal) => {
        concat!(
            "SELECT substr(",
            $column,
            ", 6, 8), COUNT(*) FROM ",
            $table,
            " WHERE ",
            $column,
            " IS NOT NULL GROUP BY substr(",
            $column,
            ", 6, 8)"
        )
    };
}

/// All sealed columns of the schema.
pub(crate) const SEALED: &[SealedColumn] = &[
    SealedColumn {
        table: "connection_approval",
        column: "sealed_request",
        shape: Shape::Numbered,
        count: count!("connection_approval", "sealed_request"),
        // An approval has one value of each sort.
        page: "SELECT id, CAST(0 AS BIGINT), owner, kind, sealed_request FROM connection_approval \
               WHERE substr(sealed_request, 6, 8) <> $1 AND (id, 0) > ($2, $3) ORDER BY id LIMIT $4",
        swap: "UPDATE connection_approval SET sealed_request = $3 WHERE id = $1 AND $2 = 0 AND sealed_request = $4",
    },
    SealedColumn {
        table: "connection_approval",
        column: "sealed_answer",
        shape: Shape::Numbered,
        count: count!("connection_approval", "sealed_answer"),
        // An approval has one value of each sort.
        page: "SELECT id, CAST(0 AS BIGINT), owner, kind, sealed_answer FROM connection_approval \
               WHERE substr(sealed_answer, 6, 8) <> $1 AND (id, 0) > ($2, $3) ORDER BY id LIMIT $4",
        swap: "UPDATE connection_approval SET sealed_answer = $3 WHERE id = $1 AND $2 = 0 AND sealed_answer = $4",
    },
    SealedColumn {
        table: "connection_credential",
        column: "sealed",
        shape: Shape::Numbered,
        count: count!("connection_credential", "sealed"),
        page: "SELECT c.connection_id, c.generation, a.owner, a.kind, c.sealed FROM connection_credential AS c \
               JOIN connection_account AS a ON a.id = c.connection_id WHERE substr(c.sealed, 6, 8) <> $1 \
               AND (c.connection_id, c.generation) > ($2, $3) ORDER BY c.connection_id, c.generation LIMIT $4",
        swap: "UPDATE connection_credential SET sealed = $3, key_id = substr($3, 6, 8) \
               WHERE connection_id = $1 AND generation = $2 AND sealed = $4",
    },
    SealedColumn {
        table: "connection_exchange",
        column: "sealed",
        shape: Shape::Exchange,
        count: count!("connection_exchange", "sealed"),
        page: "SELECT e.key, COALESCE(a.owner, s.owner), COALESCE(a.kind, s.kind), e.sealed \
               FROM connection_exchange AS e LEFT JOIN connection_account AS a ON a.id = e.connection_id \
               LEFT JOIN connection_setup AS s ON s.id = e.session_id \
               WHERE substr(e.sealed, 6, 8) <> $1 AND e.key > $2 ORDER BY e.key LIMIT $3",
        swap: "UPDATE connection_exchange SET sealed = $2 WHERE key = $1 AND sealed = $3",
    },
    SealedColumn {
        table: "connection_setup",
        column: "sealed_header",
        shape: Shape::Numbered,
        count: count!("connection_setup", "sealed_header"),
        // The place of the header has no number.
        page: "SELECT id, CAST(0 AS BIGINT), owner, kind, sealed_header FROM connection_setup \
               WHERE substr(sealed_header, 6, 8) <> $1 AND (id, 0) > ($2, $3) ORDER BY id LIMIT $4",
        swap: "UPDATE connection_setup SET sealed_header = $3 WHERE id = $1 AND $2 = 0 AND sealed_header = $4",
    },
    SealedColumn {
        table: "connection_setup",
        column: "sealed_step",
        shape: Shape::Numbered,
        count: count!("connection_setup", "sealed_step"),
        page: "SELECT id, step_seq, owner, kind, sealed_step FROM connection_setup \
               WHERE substr(sealed_step, 6, 8) <> $1 AND (id, step_seq) > ($2, $3) ORDER BY id LIMIT $4",
        swap: "UPDATE connection_setup SET sealed_step = $3 WHERE id = $1 AND step_seq = $2 AND sealed_step = $4",
    },
    SealedColumn {
        table: "connection_setup_effect",
        column: "sealed",
        shape: Shape::Numbered,
        count: count!("connection_setup_effect", "sealed"),
        page: "SELECT e.session_id, e.seq, s.owner, s.kind, e.sealed FROM connection_setup_effect AS e \
               JOIN connection_setup AS s ON s.id = e.session_id WHERE substr(e.sealed, 6, 8) <> $1 \
               AND (e.session_id, e.seq) > ($2, $3) ORDER BY e.session_id, e.seq LIMIT $4",
        swap: "UPDATE connection_setup_effect SET sealed = $3 WHERE session_id = $1 AND seq = $2 AND sealed = $4",
    },
    SealedColumn {
        table: "connection_setup_input",
        column: "sealed",
        shape: Shape::Input,
        count: count!("connection_setup_input", "sealed"),
        page: "SELECT i.session_id, i.id, s.owner, s.kind, i.sealed FROM connection_setup_input AS i \
               JOIN connection_setup AS s ON s.id = i.session_id WHERE substr(i.sealed, 6, 8) <> $1 \
               AND (i.session_id, i.id) > ($2, $3) ORDER BY i.session_id, i.id LIMIT $4",
        swap: "UPDATE connection_setup_input SET sealed = $3 WHERE session_id = $1 AND id = $2 AND sealed = $4",
    },
    SealedColumn {
        table: "connection_kv",
        column: "sealed",
        shape: Shape::Value,
        count: count!("connection_kv", "sealed"),
        page: "SELECT owner, namespace, key, sealed FROM connection_kv WHERE substr(sealed, 6, 8) <> $1 \
               AND (owner, namespace, key) > ($2, $3, $4) ORDER BY owner, namespace, key LIMIT $5",
        swap: "UPDATE connection_kv SET sealed = $4 WHERE owner = $1 AND namespace = $2 AND key = $3 AND sealed = $5",
    },
    SealedColumn {
        table: "connection_webhook_address",
        column: "sealed",
        shape: Shape::Numbered,
        count: count!("connection_webhook_address", "sealed"),
        page: "SELECT w.connection_id, w.revision, a.owner, a.kind, w.sealed FROM connection_webhook_address AS w \
               JOIN connection_account AS a ON a.id = w.connection_id WHERE substr(w.sealed, 6, 8) <> $1 \
               AND (w.connection_id, w.revision) > ($2, $3) ORDER BY w.connection_id, w.revision LIMIT $4",
        swap: "UPDATE connection_webhook_address SET sealed = $3 \
               WHERE connection_id = $1 AND revision = $2 AND sealed = $4",
    },
    SealedColumn {
        table: "connection_webhook",
        column: "sealed",
        shape: Shape::Numbered,
        count: count!("connection_webhook", "sealed"),
        // The number of an event is not known when it is sealed.
        page: "SELECT w.id, CAST(0 AS BIGINT), a.owner, a.kind, w.sealed FROM connection_webhook AS w \
               JOIN connection_account AS a ON a.id = w.connection_id WHERE substr(w.sealed, 6, 8) <> $1 \
               AND (w.id, 0) > ($2, $3) ORDER BY w.id LIMIT $4",
        swap: "UPDATE connection_webhook SET sealed = $3 WHERE id = $1 AND $2 = 0 AND sealed = $4",
    },
];

impl SealedColumn {
    /// Returns a key that is lower than that of every row.
    pub(crate) fn start(&self) -> SealedKey {
        match self.shape {
            Shape::Exchange => SealedKey::Exchange(Vec::new()),
            Shape::Numbered => SealedKey::Numbered(Uuid::nil(), i64::MIN),
            Shape::Input => SealedKey::Input(Uuid::nil(), Uuid::nil()),
            Shape::Value => SealedKey::Value(String::new(), String::new(), String::new()),
        }
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
        after: &SealedKey,
        limit: i64,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let page = match after {
            SealedKey::Exchange(key) => {
                let found = all!(self, Found<(Vec<u8>, String, String, Sealed)>, column.page, key_id, key, limit)?;
                let row = |(key, owner, kind, sealed)| SealedRow { key: SealedKey::Exchange(key), owner, kind, sealed };
                found.into_iter().filter_map(|Found(found)| found.map(row)).collect()
            }
            SealedKey::Numbered(id, number) => {
                type Row = (Uuid, i64, String, String, Sealed);
                let found = all!(self, Found<Row>, column.page, key_id, id, number, limit)?;
                let row = |(id, number, owner, kind, sealed): Row| {
                    let key = SealedKey::Numbered(id, number);
                    SealedRow { key, owner, kind, sealed }
                };
                found.into_iter().filter_map(|Found(found)| found.map(row)).collect()
            }
            SealedKey::Input(session, id) => {
                type Row = (Uuid, Uuid, String, String, Sealed);
                let found = all!(self, Found<Row>, column.page, key_id, session, id, limit)?;
                let row = |(session, id, owner, kind, sealed): Row| {
                    let key = SealedKey::Input(session, id);
                    SealedRow { key, owner, kind, sealed }
                };
                found.into_iter().filter_map(|Found(found)| found.map(row)).collect()
            }
            SealedKey::Value(owner, namespace, key) => {
                type Row = (String, String, String, Sealed);
                let found = all!(self, Found<Row>, column.page, key_id, owner, namespace, key, limit)?;
                let row = |(owner, namespace, key, sealed): Row| {
                    let key = SealedKey::Value(owner.clone(), namespace, key);
                    SealedRow { key, owner, kind: String::new(), sealed }
                };
                found.into_iter().filter_map(|Found(found)| found.map(row)).collect()
            }
        };
        Ok(page)
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
        let changed = match &row.key {
            SealedKey::Exchange(key) => execute!(self, sql, key, fresh, &row.sealed)?,
            SealedKey::Numbered(id, number) => execute!(self, sql, id, number, fresh, &row.sealed)?,
            SealedKey::Input(session, id) => execute!(self, sql, session, id, fresh, &row.sealed)?,
            SealedKey::Value(owner, namespace, key) => execute!(self, sql, owner, namespace, key, fresh, &row.sealed)?,
        };
        Ok(changed == 1)
    }
}
