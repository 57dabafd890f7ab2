//! Runs one job: begins a transaction, runs the job, commits or rolls back, and then answers.

use std::sync::Arc;

use sqlx::PgPool;

use super::{
    super::{
        StoreError, Tx,
        engine::{Connection, Reader, is_dead},
        job::{Job, Outcome, log_commit},
    },
    beginning,
    live_connection::begin,
};

pub(super) async fn run(pool: &PgPool, place: Arc<str>, pooled: bool, mut job: Box<dyn Job>) {
    let durability = job.durability();
    let transaction = match begin(pool, beginning(durability)).await {
        Ok(transaction) => transaction,
        Err(error) => return job.answer(Err(StoreError::of(&error, &place))),
    };
    let connection = Connection::PostgresTransaction(transaction);
    let reader = if pooled { Reader::unprepared } else { Reader::new };
    let mut tx = Tx::new(reader(connection, place.clone()));
    let outcome = job.run(&mut tx).await;
    let result = match (outcome, tx.into_connection()) {
        (Outcome::Keep, Connection::PostgresTransaction(transaction)) => {
            let committed = transaction.commit().await;
            committed.map(|()| log_commit(&place, 1, durability)).map_err(|error| uncommitted(&error, &place))
        }
        (Outcome::Undo, Connection::PostgresTransaction(transaction)) => {
            // A connection that cannot roll back is dead, and the server rolls back.
            transaction.rollback().await.unwrap_or_default();
            Ok(())
        }
        _ => Err(StoreError::Closed),
    };
    job.answer(result);
}

/// Returns the error of a commit. If its confirmation was lost, the commit may have been done; the stored rows
/// tell.
fn uncommitted(error: &sqlx::Error, place: &str) -> StoreError {
    if is_dead(error) {
        let detail = "the connection was lost during a commit, which may have succeeded".into();
        return StoreError::Unavailable { place: place.to_owned(), detail };
    }
    StoreError::of(error, place)
}
