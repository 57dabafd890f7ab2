//! Counts the rows that a statement changed, if other statements ran with it.

use std::{future::poll_fn, pin::Pin};

use futures_core::Stream;
use sqlx::{Either, sqlite::SqliteQueryResult};

/// Returns the number of rows that the last of the statements changed.
///
/// The driver adds up the changes of all statements, and SQLite reports the number of the previous statement again for
/// a savepoint. The stream is dropped after the last number, because the driver's thread would otherwise wake this one
/// once more only to signal the end.
pub(in super::super) async fn changed<R>(
    mut ran: impl Stream<Item = Result<Either<SqliteQueryResult, R>, sqlx::Error>> + Unpin,
    statements: usize,
) -> Result<u64, sqlx::Error> {
    let mut left = statements;
    let mut changed = 0;
    while left > 0 {
        let next = poll_fn(|cx| Pin::new(&mut ran).poll_next(cx)).await;
        match next.transpose()? {
            Some(Either::Left(done)) => {
                left -= 1;
                changed = done.rows_affected();
            }
            Some(Either::Right(_)) => {}
            None => break,
        }
    }
    Ok(changed)
}
