//! Runs one job: begins a transaction, runs the job, commits or rolls back, and then answers.

use std::sync::Arc;

use super::{
    super::{
        StoreError, Tx,
        engine::{Connection, Reader, is_dead},
        job::{Job, Outcome, log_commit},
        part::Program,
    },
    beginning,
    connections::Connections,
};

pub(super) async fn run(
    connections: &Connections,
    program: &Program,
    place: Arc<str>,
    pooled: bool,
    mut job: Box<dyn Job>,
) {
    let durability = job.durability();
    let connection = match connections.begin(beginning(program, job.admission(), durability)).await {
        Ok(connection) => connection,
        Err(error) => return job.answer(Err(unbegun(&error, &place))),
    };
    let reader = if pooled { Reader::unprepared } else { Reader::new };
    let mut tx = Tx::new(reader(Connection::Postgres(connection), place.clone()));
    let outcome = job.run(&mut tx).await;
    let result = match (outcome, tx.into_connection()) {
        (Outcome::Keep, Connection::Postgres(mut connection)) => {
            let committed = connection.commit().await;
            committed.map(|()| log_commit(&place, 1, durability)).map_err(|error| uncommitted(&error, &place))
        }
        (Outcome::Undo, Connection::Postgres(mut connection)) => {
            // A connection that cannot roll back is dead or lost, and the server rolls back.
            connection.rollback().await.unwrap_or_default();
            Ok(())
        }
        _ => Err(StoreError::Closed),
    };
    job.answer(result);
}

/// Returns the error of a transaction that could not begin. To a standby, a transaction that writes is a feature that it
/// does not support.
pub(super) fn unbegun(error: &sqlx::Error, place: &str) -> StoreError {
    match error {
        sqlx::Error::Database(refusal) if refusal.code().is_some_and(|code| code == "0A000") => {
            StoreError::Standby { place: place.to_owned() }
        }
        _ => StoreError::of(error, place),
    }
}

/// Returns the error of a commit. If its confirmation was lost, the commit may have been done; the stored rows
/// tell.
pub(super) fn uncommitted(error: &sqlx::Error, place: &str) -> StoreError {
    if is_dead(error) {
        return StoreError::CommitUnknown { place: place.to_owned() };
    }
    StoreError::of(error, place)
}
