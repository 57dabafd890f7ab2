//! The database's clock. All processes share it, while their own clocks may disagree.

use super::{
    Reader, StoreError,
    engine::{Engine, optional},
};

/// Builds a query text for the engine with the macro `$text`, whose first argument is the text for the database's clock
/// in seconds. The clock is read when the statement runs, and not when its transaction began.
macro_rules! by_clock {
    ($reader:expr, $($text:ident)::+ $(, $argument:expr)*) => {
        match $reader.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => {
                $($text)::+!("CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)" $(, $argument)*)
            }
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => $($text)::+!("unixepoch()" $(, $argument)*),
        }
    };
}

macro_rules! gaps {
    ($now:literal, $first:expr $(, $next:expr)*) => { concat!($first $(, $now, $next)*) };
}

/// Builds a query text for the engine, with the database's clock in seconds at each gap.
macro_rules! clocked {
    ($reader:expr, $first:expr $(, $next:expr)*) => {
        $crate::store::clock::by_clock!($reader, crate::store::clock::gaps, $first $(, $next)*)
    };
}

pub(super) use {by_clock, clocked, gaps};

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
