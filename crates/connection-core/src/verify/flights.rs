//! One task at a time per connection: who asks while one is under way gets that one's result.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::watch, task::AbortHandle};

use crate::{ConnectionId, Error, contain::Runtimes};

/// The tasks of one sort that are under way in this process. Clones are the same.
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

/// Takes its flight off the table, also when the task panics.
struct Landing<T> {
    flights: Flights<T>,
    id: ConnectionId,
    number: u64,
}

impl<T> Drop for Landing<T> {
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

impl<T> Flights<T> {
    /// Ends the one of a connection that goes; who waits for it is told that the connection is not there.
    pub(crate) fn cancel(&self, id: ConnectionId) {
        let flight = self.lock().flights.remove(&id);
        if let Some(flight) = flight {
            flight.task.abort();
        }
    }

    pub(crate) fn is_under_way(&self, id: ConnectionId) -> bool {
        self.lock().flights.contains_key(&id)
    }

    /// Resolves when those that are under way now have come to an end.
    pub(crate) async fn settled(&self) {
        let results: Vec<_> = self.lock().flights.values().map(|flight| flight.result.clone()).collect();
        for mut result in results {
            // One whose task is gone is over, too.
            drop(result.wait_for(Option::is_some).await.map(drop));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// The result of the task under way, or of this one. Dropped, the task goes on.
    ///
    /// # Errors
    ///
    /// The task's; [`Error::NotFound`] when it was cancelled.
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

    /// Begins the task unless one is under way; nobody waits for it.
    pub(crate) fn start<F>(&self, runtimes: &Runtimes, id: ConnectionId, task: impl FnOnce() -> F)
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        drop(self.board(runtimes, id, task));
    }

    /// Joins the task under way, so that only who comes first makes one.
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
        let (flights, task) = (Self(Arc::clone(&self.0)), task());
        let task = runtimes.spawn(async move {
            let landing = Landing { flights, id, number };
            let found = task.await;
            // First off the table, so that who asks from now on gets a task of its own.
            drop(landing);
            sender.send_replace(Some(found));
        });
        table.flights.insert(id, Flight { number, result: result.clone(), task: task.abort_handle() });
        result
    }
}
