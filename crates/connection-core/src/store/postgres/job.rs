//! Runs one job: begins a transaction, runs the job, commits or rolls back, and then answers.

use std::sync::Arc;

use super::{
    super::{
        StoreError, Tx,
        engine::{Connection, Reader, is_dead},
        job::{Job, Outcome, log_commit},
    },
    beginning,
    connections::Connections,
};

pub(super) async fn run(connections: &Connections, place: Arc<str>, pooled: bool, mut job: Box<dyn Job>) {
    let durability = job.durability();
    let connection = match connections.begin(beginning(durability)).await {
        Ok(connection) => connection,
        Err(error) => return job.answer(Err(StoreError::of(&error, &place))),
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
            // A connection that cannot roll back is dead, and the server rolls back.
            connection.rollback().await.unwrap_or_default();
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
