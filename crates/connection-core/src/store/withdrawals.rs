//! Queries of `connection_withdrawal`, which numbers the withdrawals, and of `connection_presence`, which has the
//! processes that use connections.

use super::{
    Reader, StoreError, Tx,
    clock::clocked,
    engine::{Engine, all, execute, later, optional},
};

impl Reader {
    /// Returns the number of the last withdrawal.
    pub(crate) async fn withdrawals(&mut self) -> Result<i64, StoreError> {
        const SQL: &str = "SELECT number FROM connection_withdrawal WHERE id = 1";
        Ok(optional!(self, (i64,), SQL)?.map(|(number,)| number).unwrap_or_default())
    }

    /// Returns the names of the processes that are present and have not confirmed a withdrawal, without this one.
    ///
    /// A process counts as present for a second more than it believes itself to be, because the database's clock counts
    /// whole seconds. One that was seen later than now was seen before the clock was set back.
    pub(crate) async fn unconfirmed(&mut self, process: &str, number: i64) -> Result<Vec<String>, StoreError> {
        let sql = clocked!(
            self,
            "SELECT name FROM connection_presence WHERE id <> $1 AND confirmed < $2 AND seen_at >= ",
            " - 4 AND seen_at <= ",
            " + 5 ORDER BY name"
        );
        Ok(all!(self, (String,), sql, process, number)?.into_iter().map(|(name,)| name).collect())
    }

    /// Returns the names of the processes that are present, each with the schema generation of its program, if it tells
    /// it.
    pub(crate) async fn present(&mut self) -> Result<Vec<(String, Option<i64>)>, StoreError> {
        let sql = clocked!(
            self,
            "SELECT name, program FROM connection_presence WHERE seen_at >= ",
            " - 4 AND seen_at <= ",
            " + 5 ORDER BY name"
        );
        all!(self, (String, Option<i64>), sql)
    }
}

impl Tx {
    /// Counts the last withdrawal of a job. It is the last statement of the job, so that no other job waits for the row
    /// until this one ends.
    pub(super) async fn count_withdrawal(&mut self) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_withdrawal (id, number) VALUES (1, 1) \
                           ON CONFLICT (id) DO UPDATE SET number = connection_withdrawal.number + 1";
        later!(self, SQL)
    }

    /// Records that a process is present, and that it has taken in a withdrawal and all before it. `program` is the
    /// schema generation of its program.
    pub(crate) async fn announce_process(
        &mut self,
        process: &str,
        name: &str,
        confirmed: i64,
        program: i64,
    ) -> Result<(), StoreError> {
        let sql = clocked!(
            self,
            "INSERT INTO connection_presence (id, name, seen_at, confirmed, program) VALUES ($1, $2, ",
            ", $3, $4) ON CONFLICT (id) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at, \
             confirmed = excluded.confirmed, program = excluded.program"
        );
        execute!(self, sql, process, name, confirmed, program).map(drop)
    }

    /// Deletes the rows of processes that ended without their own doing.
    pub(crate) async fn forget_absent(&mut self) -> Result<(), StoreError> {
        let sql = clocked!(self, "DELETE FROM connection_presence WHERE seen_at < ", " - 60");
        execute!(self, sql).map(drop)
    }

    /// Records that a process is not present.
    pub(crate) async fn leave(&mut self, process: &str) -> Result<(), StoreError> {
        later!(self, "DELETE FROM connection_presence WHERE id = $1", process)
    }
}
