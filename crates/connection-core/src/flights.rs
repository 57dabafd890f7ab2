//! Runs one task at a time per connection. A caller that requests a task during another one receives the result of that
//! one.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::watch, task::AbortHandle};

use crate::{ConnectionId, Error, contain::Runtimes};

/// The tasks of one sort in this process. A clone is another handle to the same tasks.
pub(crate) struct Flights<T>(Arc<Mutex<Table<T>>>);

struct Table<T> {
    drawn: u64,
    flights: HashMap<ConnectionId, Flight<T>>,
}

struct Flight<T> {
    number: u64,
    result: watch::Receiver<Option<Result<T, Error>>>,
    task: AbortHandle,
}

/// Removes its flight from the table, even if the task panics.
struct RemoveOnDrop<T> {
    flights: Flights<T>,
    id: ConnectionId,
    number: u64,
}

impl<T> Drop for RemoveOnDrop<T> {
    fn drop(&mut self) {
        let mut table = self.flights.lock();
        if table.flights.get(&self.id).is_some_and(|flight| flight.number == self.number) {
            table.flights.remove(&self.id);
        }
    }
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Table { drawn: 0, flights: HashMap::new() })))
    }
}

impl<T> Clone for Flights<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Flights<T> {
    /// Ends the task of a connection that is removed. Its waiters receive [`Error::NotFound`].
    pub(crate) fn cancel(&self, id: ConnectionId) {
        let flight = self.lock().flights.remove(&id);
        if let Some(flight) = flight {
            flight.task.abort();
        }
    }

    pub(crate) fn is_under_way(&self, id: ConnectionId) -> bool {
        self.lock().flights.contains_key(&id)
    }

    /// Waits until the tasks that are in progress now have ended.
    pub(crate) async fn settled(&self) {
        let results: Vec<_> = self.lock().flights.values().map(|flight| flight.result.clone()).collect();
        for mut result in results {
            // A flight without a task has ended, too.
            drop(result.wait_for(Option::is_some).await.map(drop));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// Returns the result of the task in progress, or of the given one. If the future is dropped, the task continues.
    ///
    /// # Errors
    ///
    /// The task's errors, and [`Error::NotFound`] if the task was cancelled.
    pub(crate) async fn join<F>(
        &self,
        runtimes: &Runtimes,
        id: ConnectionId,
        task: impl FnOnce() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let mut result = self.board(runtimes, id, task);
        loop {
            if let Some(result) = result.borrow_and_update().as_ref() {
                return result.clone();
            }
            if result.changed().await.is_err() {
                return Err(Error::NotFound(id));
            }
        }
    }

    /// Begins the task in the background, unless one is in progress.
    pub(crate) fn start<F>(&self, runtimes: &Runtimes, id: ConnectionId, task: impl FnOnce() -> F)
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        drop(self.board(runtimes, id, task));
    }

    /// Joins the task in progress. Only the first caller creates a task.
    fn board<F>(
        &self,
        runtimes: &Runtimes,
        id: ConnectionId,
        task: impl FnOnce() -> F,
    ) -> watch::Receiver<Option<Result<T, Error>>>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let mut table = self.lock();
        if let Some(flight) = table.flights.get(&id) {
            return flight.result.clone();
        }
        table.drawn += 1;
        let number = table.drawn;
        let (sender, result) = watch::channel(None);
        let flights = self.clone();
        let task = task();
        let task = runtimes.spawn(async move {
            let landing = RemoveOnDrop { flights, id, number };
            let found = task.await;
            // The flight leaves the table first, so that a later caller gets a new task.
            drop(landing);
            sender.send_replace(Some(found));
        });
        table.flights.insert(id, Flight { number, result: result.clone(), task: task.abort_handle() });
        result
    }
}
