//! The exchanges in progress in this process. A caller that asks for one of them joins it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use connection_egress::Moment;
use tokio::sync::watch;

use super::{ExchangeKey, ExchangeOutcome};
use crate::{
    Error,
    store::{StoreError, rows::Sent},
};

#[derive(Clone, Debug)]
pub(super) enum Progress {
    UnderWay,
    /// There is an answer, which cannot be recorded at the moment.
    Kept(Error),
    Ended(Result<ExchangeOutcome, Error>),
}

/// The exchanges in progress in this process.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    flights: Arc<Mutex<HashMap<ExchangeKey, watch::Receiver<Progress>>>>,
    /// Attempts that are recorded but were not sent, and whose record could not be deleted.
    unsent: Mutex<HashMap<ExchangeKey, Sent>>,
    /// `true` if no further exchange may begin.
    closed: watch::Sender<bool>,
    /// The database's time when this process first read it, with the time that had passed in this process.
    first: OnceLock<Moment>,
}

/// Removes its exchange from the table, even if the task panics.
pub(super) struct RemoveOnDrop {
    flights: Arc<Mutex<HashMap<ExchangeKey, watch::Receiver<Progress>>>>,
    key: ExchangeKey,
}

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        lock(&self.flights).remove(&self.key);
    }
}

impl Exchanges {
    /// Returns the database's time when this process first read it, which is `now` for the first call.
    pub(super) fn first(&self, now: Moment) -> Moment {
        *self.first.get_or_init(|| now)
    }

    /// Joins the exchange in progress, or starts a new one with `begin`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] if no new exchange may begin.
    pub(super) fn join_or_start(
        &self,
        key: ExchangeKey,
        begin: impl FnOnce(watch::Sender<Progress>, RemoveOnDrop),
    ) -> Result<watch::Receiver<Progress>, StoreError> {
        let mut flights = lock(&self.flights);
        if let Some(progress) = flights.get(&key) {
            return Ok(progress.clone());
        }
        if *self.closed.borrow() {
            return Err(StoreError::Closed);
        }
        let (sender, progress) = watch::channel(Progress::UnderWay);
        flights.insert(key, progress.clone());
        begin(sender, RemoveOnDrop { flights: self.flights.clone(), key });
        Ok(progress)
    }

    /// Returns `true` while this process has the exchange in progress.
    pub(super) fn is_under_way(&self, key: ExchangeKey) -> bool {
        lock(&self.flights).contains_key(&key)
    }

    pub(super) fn remember_unsent(&self, key: ExchangeKey, sent: Sent) {
        lock(&self.unsent).insert(key, sent);
    }

    /// Removes and returns the unsent attempt before another is made, because two attempts of the same second cannot be
    /// distinguished.
    pub(super) fn forget_unsent(&self, key: ExchangeKey) -> Option<Sent> {
        lock(&self.unsent).remove(&key)
    }

    /// Returns `true` if no byte of that attempt left this process.
    pub(super) fn is_unsent(&self, key: ExchangeKey, sent: &Sent) -> bool {
        lock(&self.unsent).get(&key).is_some_and(|unsent| unsent.is_same_attempt(sent))
    }

    /// Resolves once no new exchange may begin, so that whoever waits for its turn need not wait any longer.
    pub(crate) async fn until_closed(&self) {
        // The sender is this value, so the receiver is never without one.
        drop(self.closed.subscribe().wait_for(|closed| *closed).await);
    }

    /// Prevents new exchanges, and waits until those in progress have ended or cannot be recorded.
    pub(crate) async fn settled(&self) {
        let flights: Vec<_> = {
            let flights = lock(&self.flights);
            // The flag is set under the lock, so every exchange is either in the list or finds the flag set.
            self.closed.send_replace(true);
            flights.values().cloned().collect()
        };
        for mut progress in flights {
            let ended = progress.wait_for(|progress| !matches!(progress, Progress::UnderWay));
            // An exchange without a task has ended, too.
            drop(ended.await);
        }
    }
}

fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
