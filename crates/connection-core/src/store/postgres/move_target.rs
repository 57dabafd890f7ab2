//! A database on a server to which the rows of a file are moved.
//!
//! Everything is done in transactions that hold the lock under which tables are created, so that no process begins to use
//! a database while a copy arrives in it, and that what a killed process has sent is committed or undone before somebody
//! looks.

use std::{collections::BTreeSet, sync::Arc};

use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{
    super::{
        StoreError,
        location::Location,
        migrate,
        moves::{MOVE, PUT_MOVE},
        moving::{Column, NOT_CARRIED, Table, ValueType},
        part::Program,
        promotions::{COPIED_VALUES, RECORD_IN_COPY},
        rows::{MoveRow, MoveState},
        sqlite::Lines,
    },
    job::{unbegun, uncommitted},
    migrator,
    open::{LOCK_TABLES, connect_directly, place, tells_timeline},
    requirements::refuse_unprepared,
};

/// The size of a message with rows.
const CHUNK: usize = 256 * 1024;
/// The names of our relations.
const OURS: &str = "n.nspname = current_schema() AND c.relname LIKE 'connection\\_%'";

/// A connection to the server.
pub(crate) struct MoveTarget {
    connection: PgConnection,
    place: Arc<str>,
    /// `true` if the server tells its timeline.
    has_timeline: bool,
}

/// A transaction in the database. If it is dropped, nothing was changed.
pub(crate) struct Arrival<'t> {
    transaction: Transaction<'t, Postgres>,
    place: Arc<str>,
    has_timeline: bool,
}

/// What is in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetState {
    /// Nothing of this program.
    Empty,
    /// A copy that a move has made.
    Copy(MoveRow),
    /// Tables that no move has made.
    Other,
}

impl MoveTarget {
    /// Connects to a server. Returns `None` for the address of a file.
    pub(crate) async fn connect(address: &SecretString) -> Result<Option<Self>, StoreError> {
        let Location::Postgres(options) = Location::parse(address)? else { return Ok(None) };
        let mut connection = connect_directly(&options).await?;
        let place = place(&options);
        let has_timeline = tells_timeline(&mut connection, &place).await?;
        Ok(Some(Self { connection, place, has_timeline }))
    }

    /// Returns the address, without a user or password.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Begins a transaction. It waits for one of another process, for ten seconds at most.
    pub(crate) async fn begin(&mut self) -> Result<Arrival<'_>, StoreError> {
        let place = self.place.clone();
        let failed = |error: sqlx::Error| StoreError::of(&error, &place);
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
        let mut transaction = self.connection.begin_with(begin).await.map_err(|error| unbegun(&error, &place))?;
        // A large copy takes its time, and its commit must be on the disk before the next mark.
        let settings = "SET LOCAL lock_timeout TO '10s'; SET LOCAL statement_timeout TO 0; \
                        SET LOCAL idle_in_transaction_session_timeout TO 0; SET LOCAL synchronous_commit TO on";
        sqlx::raw_sql(settings).execute(&mut *transaction).await.map_err(failed)?;
        sqlx::query(LOCK_TABLES).execute(&mut *transaction).await.map_err(failed)?;
        Ok(Arrival { transaction, place: place.clone(), has_timeline: self.has_timeline })
    }

    /// Disconnects.
    pub(crate) async fn close(self) {
        // The server notices a connection that cannot say goodbye.
        self.connection.close().await.unwrap_or_default();
    }
}

impl Arrival<'_> {
    /// Returns what is in the database, and locks the row of a copy.
    pub(crate) async fn state(&mut self) -> Result<TargetState, StoreError> {
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE c.relname = 'connection_move') FROM pg_class AS c \
             JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {OURS}"
        );
        let (all, moves): (i64, i64) = self.one(sql).await?;
        if all == 0 {
            return Ok(TargetState::Empty);
        }
        if moves == 0 {
            return Ok(TargetState::Other);
        }
        let sql = AssertSqlSafe(format!("{MOVE} FOR UPDATE"));
        let found = sqlx::query_as::<_, (String, Uuid, String)>(sql).fetch_optional(&mut *self.transaction).await;
        let Some((state, move_id, other)) = found.map_err(|error| self.failed(&error))? else {
            return Ok(TargetState::Other);
        };
        // A word of a later program is none that this one may change.
        let Some(state) = MoveState::parse(&state) else { return Ok(TargetState::Other) };
        Ok(TargetState::Copy(MoveRow { state, move_id, other }))
    }

    /// Creates the tables, or brings those of a copy that was withdrawn up to date, and leaves them empty.
    pub(crate) async fn prepare(&mut self) -> Result<(), StoreError> {
        refuse_unprepared(&mut self.transaction, &self.place).await?;
        migrate::run(&migrator(Program::CURRENT), &mut *self.transaction, &self.place).await?;
        // The migration inserts a row. The one of the source takes its place, which says how its marks are written.
        self.run("DELETE FROM connection_part".to_owned()).await
    }

    /// Writes the row of the move.
    pub(crate) async fn put(&mut self, row: &MoveRow) -> Result<(), StoreError> {
        let query = sqlx::query(PUT_MOVE).bind(row.state.as_str()).bind(row.move_id).bind(&row.other);
        let done = query.execute(&mut *self.transaction).await;
        done.map(drop).map_err(|error| self.failed(&error))
    }

    /// Records the timeline of the server together with the tokens, so that a standby that has them has the record, too.
    pub(crate) async fn record_timeline(&mut self) -> Result<(), StoreError> {
        if !self.has_timeline {
            return Ok(());
        }
        self.run(RECORD_IN_COPY.to_owned()).await
    }

    /// Deletes the rows of a copy, and says so in the row of the move, so that nobody opens it.
    pub(crate) async fn withdraw(&mut self, copy: MoveRow) -> Result<(), StoreError> {
        let tables = self.tables().await?;
        // The tables of events refuse to lose rows.
        self.set_triggers(&tables, false).await?;
        let names: Vec<_> = tables.iter().map(|table| format!("\"{}\"", table.name)).collect();
        self.run(format!("TRUNCATE {}", names.join(", "))).await?;
        self.set_triggers(&tables, true).await?;
        self.put(&MoveRow { state: MoveState::Withdrawn, ..copy }).await
    }

    /// Ends the transaction.
    ///
    /// # Errors
    ///
    /// An error after which the changes may be there or not.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let place = self.place;
        self.transaction.commit().await.map_err(|error| uncommitted(&error, &place))
    }

    /// Undoes the transaction.
    pub(crate) async fn abandon(self) {
        // A connection that cannot roll back is dead, and the server rolls back.
        self.transaction.rollback().await.unwrap_or_default();
    }

    /// Returns the tables that a move carries.
    pub(in super::super) async fn tables(&mut self) -> Result<Vec<Table>, StoreError> {
        let sql = format!(
            "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), a.attidentity <> '' \
             FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
             JOIN pg_attribute AS a ON a.attrelid = c.oid WHERE {OURS} AND c.relkind = 'r' AND a.attnum > 0 \
             AND NOT a.attisdropped ORDER BY c.relname, a.attnum"
        );
        let found: Vec<(String, String, String, bool)> = self.all(sql).await?;
        let mut tables = Vec::<Table>::new();
        for (table, name, of, is_numbered) in found {
            if NOT_CARRIED.contains(&&*table) {
                continue;
            }
            let Some(of) = ValueType::parse(&of) else {
                return Err(StoreError::Taken { place: self.place.to_string(), name: table });
            };
            if tables.last().is_none_or(|last| last.name != table) {
                tables.push(Table { name: table, columns: Vec::new(), references: BTreeSet::new() });
            }
            if let Some(last) = tables.last_mut() {
                last.columns.push(Column { name, of, is_numbered });
            }
        }
        let sql = format!(
            "SELECT c.relname::text, f.relname::text FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid \
             JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_class AS f ON f.oid = k.confrelid \
             WHERE {OURS} AND k.contype = 'f'"
        );
        let references: Vec<(String, String)> = self.all(sql).await?;
        for table in &mut tables {
            let own = references.iter().filter(|(from, _)| *from == table.name);
            table.references = own.map(|(_, to)| to.clone()).collect();
        }
        Ok(tables)
    }

    /// Switches the triggers of tables on or off. Rules of the tables are not switched off.
    pub(in super::super) async fn set_triggers(&mut self, tables: &[Table], is_on: bool) -> Result<(), StoreError> {
        let word = if is_on { "ENABLE" } else { "DISABLE" };
        for table in tables {
            self.run(format!("ALTER TABLE \"{}\" {word} TRIGGER USER", table.name)).await?;
        }
        Ok(())
    }

    /// Inserts rows into a table, calls `added` with their number from time to time, and returns it.
    pub(in super::super) async fn fill(
        &mut self,
        table: &Table,
        lines: &mut Lines<'_>,
        added: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, StoreError> {
        let place = self.place.clone();
        let failed = |error: sqlx::Error| StoreError::of(&error, &place);
        let statement = format!("COPY \"{}\" ({}) FROM STDIN", table.name, table.column_list());
        let mut into = self.transaction.copy_in_raw(&statement).await.map_err(failed)?;
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut rows = 0;
        while lines.next(&mut chunk).await? {
            rows += 1;
            if chunk.len() >= CHUNK {
                into.send(&*chunk).await.map_err(failed)?;
                chunk.clear();
                added(rows);
            }
        }
        into.send(&*chunk).await.map_err(failed)?;
        into.finish().await.map_err(failed)
    }

    /// Returns the number of rows of a table, without those that only a server has.
    pub(in super::super) async fn count(&mut self, table: &Table) -> Result<i64, StoreError> {
        let copied = if table.name == "connection_kv" { COPIED_VALUES } else { "" };
        let (count,): (i64,) = self.one(format!("SELECT count(*) FROM \"{}\"{copied}", table.name)).await?;
        Ok(count)
    }

    /// Lets the server number the next row of each table after the last one.
    pub(in super::super) async fn continue_numbers(&mut self, tables: &[Table]) -> Result<(), StoreError> {
        for table in tables {
            for column in table.columns.iter().filter(|column| column.is_numbered) {
                let (table, column) = (&table.name, &column.name);
                self.run(format!(
                    "SELECT setval(pg_get_serial_sequence('\"{table}\"', '{column}'), max(\"{column}\")) FROM \"{table}\" \
                     HAVING max(\"{column}\") IS NOT NULL"
                ))
                .await?;
            }
        }
        Ok(())
    }

    async fn run(&mut self, sql: String) -> Result<(), StoreError> {
        let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut *self.transaction).await;
        done.map(drop).map_err(|error| self.failed(&error))
    }

    async fn one<T>(&mut self, sql: String) -> Result<T, StoreError>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let found = sqlx::query_as::<_, T>(AssertSqlSafe(sql)).fetch_one(&mut *self.transaction).await;
        found.map_err(|error| self.failed(&error))
    }

    async fn all<T>(&mut self, sql: String) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let found = sqlx::query_as::<_, T>(AssertSqlSafe(sql)).fetch_all(&mut *self.transaction).await;
        found.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &sqlx::Error) -> StoreError {
        StoreError::of(error, &self.place)
    }
}
