//! Runs one job: begin, the job, commit or roll back, then the answer.

use std::sync::Arc;

use sqlx::{PgPool, Postgres, Transaction};

use super::{
    super::{
        StoreError, Tx,
        engine::{Connection, Reader},
        job::{Job, Outcome},
    },
    beginning,
};

/// A connection may have died since it was last used, and so may the next: after a restart of the server, all.
const MOST_BEGINS: u32 = 16;

pub(super) async fn run(pool: &PgPool, place: Arc<str>, pooled: bool, mut job: Box<dyn Job>) {
    let transaction = match begin(pool, beginning(job.durability())).await {
        Ok(transaction) => transaction,
        Err(error) => return job.answer(Err(StoreError::of(&error, &place))),
    };
    let connection = Connection::PostgresTransaction(transaction);
    let reader = if pooled { Reader::unprepared } else { Reader::new };
    let mut tx = Tx::new(reader(connection, place.clone()));
    let outcome = job.run(&mut tx).await;
    let result = match (outcome, tx.into_connection()) {
        (Outcome::Keep, Connection::PostgresTransaction(transaction)) => {
            transaction.commit().await.map_err(|error| uncommitted(&error, &place))
        }
        (Outcome::Undo, Connection::PostgresTransaction(transaction)) => {
            // A connection that cannot roll back is dead, and the server does it.
            transaction.rollback().await.unwrap_or_default();
            Ok(())
        }
        _ => Err(StoreError::Closed),
    };
    job.answer(result);
}

/// Nothing was asked yet, so that a dead connection costs another try and no more.
async fn begin(pool: &PgPool, statement: &'static str) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tries = 0;
    loop {
        match pool.begin_with(statement).await {
            Err(error) if is_dead(&error) && tries < MOST_BEGINS => tries += 1,
            begun => return begun,
        }
    }
}

/// Whether it is the connection that failed. 57P01 to 57P03: the server ends, or has not begun
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn is_dead(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P01" || code == "57P02"),
        _ => false,
    }
}

/// A commit whose answer was lost may count or not; what is stored tells.
fn uncommitted(error: &sqlx::Error, place: &str) -> StoreError {
    if is_dead(error) {
        let detail = "the connection was lost during a commit, which may have been done".into();
        return StoreError::Unavailable { place: place.to_owned(), detail };
    }
    StoreError::of(error, place)
}
