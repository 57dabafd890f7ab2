//! The database's clock. All processes share it, while their own clocks may disagree.

use super::{
    Reader, StoreError,
    engine::{Engine, optional},
};

/// Builds a query text for the engine, with the database's clock in seconds at each gap. The clock is read when the
/// statement runs, and not when its transaction began.
macro_rules! clocked {
    ($reader:expr, $first:expr $(, $next:expr)*) => {
        match $reader.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => {
                concat!($first $(, "CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)", $next)*)
            }
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => concat!($first $(, "unixepoch()", $next)*),
        }
    };
}

pub(super) use clocked;

impl Reader {
    /// Returns the time of the database, in seconds.
    pub(crate) async fn clock(&mut self) -> Result<i64, StoreError> {
        let sql = clocked!(self, "SELECT ", "");
        let now = optional!(self, (i64,), sql)?;
        now.map(|(now,)| now).ok_or_else(|| StoreError::Corrupt {
            place: self.place.to_string(),
            detail: "the database does not report the time".into(),
        })
    }
}
