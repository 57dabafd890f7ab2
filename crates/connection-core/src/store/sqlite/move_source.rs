//! A database in a file that is moved to a server: locked against all other processes, and read table by table.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    future::poll_fn,
    path::Path,
    pin::Pin,
    sync::Arc,
};

use connection_contract::encode;
use futures_core::Stream;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection, ValueRef as _, sqlite::SqliteRow};

use super::{
    super::{
        StoreError, Tx,
        engine::{Connection, Engine},
        migrate,
        moving::{Column, Table, ValueType},
        part::Program,
        rows::MoveRow,
    },
    blocking, lock, migrator,
    replaced::Replaced,
};

/// A database that no other process has open or opens.
pub(crate) struct MoveSource {
    tx: Tx,
    place: Arc<str>,
    _lock: File,
}

/// The rows of one table.
pub(in super::super) struct Lines<'s> {
    rows: Pin<Box<dyn Stream<Item = Result<SqliteRow, sqlx::Error>> + Send + 's>>,
    columns: &'s [Column],
    place: Arc<str>,
}

impl MoveSource {
    /// Waits until no process is opening the database, locks it, and checks that it is whole.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] if a process has the database open, and other errors if it cannot be read.
    pub(crate) async fn open(database: &Path) -> Result<Self, StoreError> {
        let place: Arc<str> = database.display().to_string().into();
        let file = database.to_owned();
        let lock = blocking(place.to_string(), move || lock(&file)).await?;
        let Replaced { reader } = Replaced::open(database).await?;
        Ok(Self { tx: Tx::new(reader), place, _lock: lock })
    }

    /// Unlocks the database. What was written is in its file and not only in its log.
    pub(crate) async fn close(self) {
        if let Connection::Sqlite(connection) = self.tx.into_connection() {
            // What was committed is safe. If closing fails, the next opening cleans up the log.
            connection.close().await.unwrap_or_default();
        }
    }

    /// Returns the connection. Each write is a transaction of its own, which is on the disk when it returns.
    pub(crate) fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Returns the row of the move; `None` for a database that is not moved.
    pub(crate) async fn moved(&mut self) -> Result<Option<MoveRow>, StoreError> {
        match self.tx.moved().await {
            // An older program made the tables, which has no moves.
            Err(StoreError::Corrupt { detail, .. }) if detail.starts_with("no such table") => Ok(None),
            moved => moved,
        }
    }

    /// Returns `true` if the tables are exactly those of this program: a newer one has perhaps added some, which this one
    /// cannot carry.
    ///
    /// # Errors
    ///
    /// [`StoreError::ProgramTooOld`], and the errors of a query.
    pub(crate) async fn is_current(&mut self) -> Result<bool, StoreError> {
        let (program, migrator) = (Program::CURRENT, migrator(Program::CURRENT));
        let applied = self.tx.applied_migrations().await?;
        if !migrate::are_all(&applied, &migrator) {
            return Ok(false);
        }
        migrate::refuse_too_old(Some((self.tx.part().await?.oldest,)), program, &self.place)?;
        Ok(applied.len() == migrator.iter().count())
    }

    /// Returns the columns of each of our tables, as the schema has them.
    pub(in super::super) async fn columns(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
        const SQL: &str = "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
                           WHERE t.type = 'table' AND t.name LIKE 'connection\\_%' ESCAPE '\\'";
        let place = self.place.clone();
        let found = sqlx::query_as::<_, (String, String)>(SQL).fetch_all(self.connection()?).await;
        let mut tables = BTreeMap::<String, BTreeSet<String>>::new();
        for (table, column) in found.map_err(|error| StoreError::of(&error, &place))? {
            tables.entry(table).or_default().insert(column);
        }
        Ok(tables)
    }

    /// Returns the number of rows of a table.
    pub(in super::super) async fn count(&mut self, table: &Table) -> Result<i64, StoreError> {
        let place = self.place.clone();
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM \"{}\"", table.name));
        let counted = sqlx::query_as::<_, (i64,)>(sql).fetch_one(self.connection()?).await;
        counted.map(|(count,)| count).map_err(|error| StoreError::of(&error, &place))
    }

    /// Reads the rows of a table. Few of them are in memory at once.
    pub(in super::super) fn lines<'s>(&'s mut self, table: &'s Table) -> Result<Lines<'s>, StoreError> {
        let place = self.place.clone();
        let sql = AssertSqlSafe(format!("SELECT {} FROM \"{}\"", table.column_list(), table.name));
        let rows = sqlx::query(sql).fetch(self.connection()?);
        Ok(Lines { rows, columns: &table.columns, place })
    }

    /// Returns the path.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match self.tx.engine() {
            Engine::Sqlite(connection) => Ok(connection),
            _ => Err(StoreError::Closed),
        }
    }
}

impl Lines<'_> {
    /// Adds the next row to `into`, in the text format of PostgreSQL's `COPY`. Returns `false` after the last one.
    ///
    /// <https://www.postgresql.org/docs/current/sql-copy.html> describes the format.
    pub(in super::super) async fn next(&mut self, into: &mut Vec<u8>) -> Result<bool, StoreError> {
        let Some(row) = poll_fn(|cx| self.rows.as_mut().poll_next(cx)).await else { return Ok(false) };
        let added = row.and_then(|row| add(&row, self.columns, into));
        added.map(|()| true).map_err(|error| StoreError::of(&error, &self.place))
    }
}

fn add(row: &SqliteRow, columns: &[Column], into: &mut Vec<u8>) -> Result<(), sqlx::Error> {
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            into.push(b'\t');
        }
        if row.try_get_raw(at)?.is_null() {
            into.extend_from_slice(b"\\N");
            continue;
        }
        match column.of {
            ValueType::Bool | ValueType::Integer => {
                into.extend_from_slice(row.try_get::<i64, _>(at)?.to_string().as_bytes());
            }
            ValueType::Float => into.extend_from_slice(row.try_get::<f64, _>(at)?.to_string().as_bytes()),
            ValueType::Bytes => {
                into.extend_from_slice(b"\\\\x");
                into.extend_from_slice(encode::hex(row.try_get::<&[u8], _>(at)?).as_bytes());
            }
            ValueType::Uuid => into.extend_from_slice(encode::hex(row.try_get::<&[u8], _>(at)?).as_bytes()),
            ValueType::Text => escape(row.try_get::<&str, _>(at)?, into),
        }
    }
    into.push(b'\n');
    Ok(())
}

fn escape(text: &str, into: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => into.extend_from_slice(b"\\\\"),
            b'\n' => into.extend_from_slice(b"\\n"),
            b'\r' => into.extend_from_slice(b"\\r"),
            b'\t' => into.extend_from_slice(b"\\t"),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_text_is_one_field_whatever_is_in_it() {
        let mut into = Vec::new();
        escape("a\tb\\N\r\nc, \"d\" é", &mut into);
        assert_eq!(String::from_utf8(into).unwrap(), "a\\tb\\\\N\\r\\nc, \"d\" é");
    }
}
