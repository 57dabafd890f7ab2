//! A queued write: its work, and the caller that waits for its answer.
//!
//! The answer is held back until the batch is committed, so that nobody acts on a change that may still be lost.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
};

use super::{
    CarriedRequest, StoreError, Tx, carried,
    part::Admission,
    signals::{Changed, Signals},
};
use connection_contract::BoxFuture;

/// Determines whether the answer waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    Relaxed,
    Synced,
}

/// Logs a commit, so that the cost of an operation can be counted.
pub(super) fn log_commit(place: &str, jobs: usize, durability: Durability) {
    tracing::trace!(store = place, jobs, durability = ?durability, "committed");
}

/// The decision on the changes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Keep,
    Undo,
}

pub(super) trait Job: Send {
    fn durability(&self) -> Durability;
    fn admission(&self) -> Admission;
    /// Runs the job. It is called once.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Outcome>;
    /// Makes a job that has run a failed one.
    #[cfg(feature = "sqlite")]
    fn fail(&mut self, error: StoreError);
    /// Answers the caller, with the result of the batch.
    fn answer(self: Box<Self>, batch: Result<(), StoreError>);
}

/// Returns the job of this work. `answer` is called once with its result, and dropped if the job is never run.
pub(super) fn queued<T, F, A>(
    durability: Durability,
    admission: Admission,
    work: F,
    signals: Arc<Signals>,
    answer: A,
) -> Box<dyn Job>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    A: FnOnce(Result<T, StoreError>) + Send + 'static,
{
    // The job runs in the task of the writer.
    let attempt = carried();
    let work = Some(work);
    Box::new(Queued { durability, admission, attempt, work, result: None, changed: Vec::new(), signals, answer })
}

struct Queued<T, F, A> {
    durability: Durability,
    admission: Admission,
    attempt: Option<CarriedRequest>,
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    changed: Vec<Changed>,
    signals: Arc<Signals>,
    answer: A,
}

impl<T, F, A> Job for Queued<T, F, A>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    A: FnOnce(Result<T, StoreError>) + Send + 'static,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn admission(&self) -> Admission {
        self.admission
    }

    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Outcome> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Outcome::Undo };
            tx.set_attempt(self.attempt);
            let mut result = contained(|| work(tx)).await;
            if tx.take_withdraws()
                && result.is_ok()
                && let Err(error) = tx.count_withdrawal().await
            {
                result = Err(error);
            }
            // On PostgreSQL nothing after a failed statement is kept, so the job fails even if it ignored that
            // failure.
            if let (Some(error), Ok(_)) = (tx.take_failure(), &result) {
                result = Err(error);
            }
            self.changed = tx.take_changed();
            // If the job is rolled back, its event no longer exists.
            tx.set_appended(None);
            let outcome = if result.is_ok() { Outcome::Keep } else { Outcome::Undo };
            self.result = Some(result);
            outcome
        })
    }

    #[cfg(feature = "sqlite")]
    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error));
    }

    fn answer(self: Box<Self>, batch: Result<(), StoreError>) {
        // The changes are published before the caller gets its answer. They are published after a failed commit, too,
        // because perhaps only its confirmation was lost.
        if let Some(Ok(_)) = &self.result {
            self.changed.iter().for_each(|changed| self.signals.publish(*changed));
        }
        let result = match (self.result, batch) {
            // A job that failed by itself returns its own error.
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Panicked),
        };
        self.signals.wrote(&result);
        (self.answer)(result);
    }
}

/// Polls the future to its end. A panic in the future, or while it is dropped, becomes an error.
async fn contained<'t, T>(make: impl FnOnce() -> BoxFuture<'t, Result<T, StoreError>>) -> Result<T, StoreError> {
    let Ok(future) = catch_unwind(AssertUnwindSafe(make)) else { return Err(StoreError::Panicked) };
    let mut future = Some(future);
    let result = poll_fn(|cx| {
        let Some(running) = future.as_mut() else { return Poll::Ready(Err(StoreError::Panicked)) };
        match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
            Ok(polled) => polled,
            Err(_) => Poll::Ready(Err(StoreError::Panicked)),
        }
    })
    .await;
    let finished = future.take();
    match catch_unwind(AssertUnwindSafe(|| drop(finished))) {
        Ok(()) => result,
        Err(_) => Err(StoreError::Panicked),
    }
}
