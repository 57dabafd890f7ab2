//! Queries of `connection_budget`, which counts the requests of grants with a budget.

use super::{
    Reader, StoreError, Tx,
    columns::row,
    engine::{Engine, all, later, optional},
    json,
};
use crate::ids::ConnectionId;

/// The grant whose requests are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Counted {
    pub(crate) owner: String,
    pub(crate) grantee: String,
    pub(crate) connection: ConnectionId,
    /// The revision of the grant in its mark.
    pub(crate) revision: i64,
}

row! {
    /// What a process took from a budget.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct LeaseRow {
        /// The window from which it was taken, which may be later than the one of the process.
        pub(crate) number: i64,
        pub(crate) lease: i64,
    }
}

row! {
    /// The state of a budget.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct BudgetRow {
        pub(crate) grantee: String,
        pub(crate) connection_id: ConnectionId,
        pub(crate) revision: i64,
        pub(crate) number: i64,
        pub(crate) taken: i64,
    }
}

macro_rules! budgets {
    ($which:literal) => {
        concat!("SELECT grantee, connection_id, revision, number, taken FROM connection_budget WHERE ", $which)
    };
}

/// The budgets of some grantees. Each engine has its own text, because no type for a list of texts exists on both.
#[cfg(feature = "sqlite")]
pub(super) const OF_GRANTEES: &str = budgets!("grantee IN (SELECT j.value FROM json_each($2) AS j) AND owner = $1");
#[cfg(feature = "postgres")]
pub(super) const OF_GRANTEES_ON_POSTGRES: &str =
    budgets!("grantee = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST($2 AS JSONB)))) AND owner = $1");

impl Reader {
    /// Returns the state of the budgets of a grantee.
    pub(crate) async fn budgets(&mut self, owner: &str, grantee: &str) -> Result<Vec<BudgetRow>, StoreError> {
        const SQL: &str = budgets!("owner = $1 AND grantee = $2");
        all!(self, BudgetRow, SQL, owner, grantee)
    }

    /// Returns the state of the budgets of these grantees.
    pub(crate) async fn budgets_of(
        &mut self,
        owner: &str,
        grantees: &Vec<String>,
    ) -> Result<Vec<BudgetRow>, StoreError> {
        let sql = match self.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => OF_GRANTEES_ON_POSTGRES,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => OF_GRANTEES,
        };
        all!(self, BudgetRow, sql, owner, json::texts(grantees))
    }

    /// Returns the state of the budgets of all grantees of an owner.
    pub(crate) async fn every_budget(&mut self, owner: &str) -> Result<Vec<BudgetRow>, StoreError> {
        const SQL: &str = budgets!("owner = $1");
        all!(self, BudgetRow, SQL, owner)
    }
}

impl Tx {
    /// Begins to count for a grant. What was counted for a former one is forgotten.
    pub(crate) async fn begin_budget(&mut self, of: &Counted) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_budget (owner, grantee, connection_id, revision, number, taken, lease) \
                           VALUES ($1, $2, $3, $4, 0, 0, 0) ON CONFLICT (owner, grantee, connection_id) DO UPDATE \
                           SET revision = excluded.revision, number = 0, taken = 0, lease = 0";
        later!(self, SQL, &of.owner, &of.grantee, of.connection.as_uuid(), of.revision)
    }

    /// Takes a sixteenth of what is left in a window, and at least one request. `number` is the window by the clock of
    /// this process; if another process has begun a later one, that one counts. A number below zero, which only an editor
    /// of the database writes, counts as zero. Returns `None` if nothing is left, or if the grant was replaced or revoked.
    pub(crate) async fn take_budget(
        &mut self,
        of: &Counted,
        number: i64,
        requests: i64,
    ) -> Result<Option<LeaseRow>, StoreError> {
        /// The requests that a process takes, by the columns before the change.
        macro_rules! lease {
            () => {
                "CASE WHEN number < $5 OR taken < 0 THEN CASE WHEN $6 < 32 THEN 1 ELSE $6 / 16 END \
                 WHEN $6 - taken < 32 THEN 1 ELSE ($6 - taken) / 16 END"
            };
        }
        const SQL: &str = concat!(
            "UPDATE connection_budget SET lease = ",
            lease!(),
            ", taken = CASE WHEN number < $5 OR taken < 0 THEN 0 ELSE taken END + ",
            lease!(),
            ", number = CASE WHEN number < $5 THEN $5 ELSE number END \
             WHERE owner = $1 AND grantee = $2 AND connection_id = $3 AND revision = $4 \
             AND (number < $5 OR taken < $6) AND $6 > 0 RETURNING number, lease"
        );
        let id = of.connection.as_uuid();
        optional!(self, LeaseRow, SQL, &of.owner, &of.grantee, id, of.revision, number, requests)
    }

    /// Puts back requests of a window that were taken and not sent, unless the window has ended or the grant was
    /// replaced.
    pub(crate) async fn return_budget(&mut self, of: &Counted, number: i64, left: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_budget SET taken = CASE WHEN taken < $6 THEN 0 ELSE taken - $6 END \
                           WHERE owner = $1 AND grantee = $2 AND connection_id = $3 AND revision = $4 AND number = $5";
        let id = of.connection.as_uuid();
        later!(self, SQL, &of.owner, &of.grantee, id, of.revision, number, left)
    }
}
