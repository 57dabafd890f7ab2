//! The exchanges that are under way in this process: who asks for one of them joins it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::watch;

use super::{Ended, ExchangeKey};
use crate::{
    Error,
    services::Moment,
    store::{StoreError, rows::Sent},
};

/// How far one is.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    UnderWay,
    /// There is a result, and it cannot be recorded just now.
    Kept(Error),
    Ended(Result<Ended, Error>),
}

/// Those under way, and since when the process counts.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    flights: Arc<Mutex<HashMap<ExchangeKey, watch::Receiver<Progress>>>>,
    /// What is noted as sent and was not, and could not be taken back.
    unsent: Mutex<HashMap<ExchangeKey, Sent>>,
    /// No other one begins.
    closed: AtomicBool,
    /// What the database's clock said first, and what had passed here then.
    first: OnceLock<Moment>,
}

/// Takes an exchange off the table, also when its task panics.
pub(super) struct Landing {
    flights: Arc<Mutex<HashMap<ExchangeKey, watch::Receiver<Progress>>>>,
    key: ExchangeKey,
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.flights).remove(&self.key);
    }
}

impl Exchanges {
    /// What the database's clock said first in this process: `now` where it was not asked before.
    pub(super) fn first(&self, now: Moment) -> Moment {
        *self.first.get_or_init(|| now)
    }

    /// The one under way, or a new one that `begin` starts.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] instead of a new one.
    pub(super) fn board(
        &self,
        key: ExchangeKey,
        begin: impl FnOnce(watch::Sender<Progress>, Landing),
    ) -> Result<watch::Receiver<Progress>, StoreError> {
        let mut flights = lock(&self.flights);
        if let Some(progress) = flights.get(&key) {
            return Ok(progress.clone());
        }
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let (sender, progress) = watch::channel(Progress::UnderWay);
        flights.insert(key, progress.clone());
        begin(sender, Landing { flights: self.flights.clone(), key });
        Ok(progress)
    }

    /// Returns `true` while this process has that exchange under way.
    pub(super) fn is_under_way(&self, key: ExchangeKey) -> bool {
        lock(&self.flights).contains_key(&key)
    }

    pub(super) fn remember_unsent(&self, key: ExchangeKey, sent: Sent) {
        lock(&self.unsent).insert(key, sent);
    }

    /// What was remembered so, before another attempt is made: one of the same second would be taken for it.
    pub(super) fn forget_unsent(&self, key: ExchangeKey) -> Option<Sent> {
        lock(&self.unsent).remove(&key)
    }

    /// Whether nothing of that attempt left this process.
    pub(super) fn is_unsent(&self, key: ExchangeKey, sent: &Sent) -> bool {
        lock(&self.unsent).get(&key).is_some_and(|unsent| unsent.is_same_attempt(sent))
    }

    /// Lets no other one begin. Resolves when those that are sending now have come to an end, or cannot be recorded.
    pub(crate) async fn settled(&self) {
        let flights: Vec<_> = {
            let flights = lock(&self.flights);
            // Under the lock, so that whoever boards is either seen here or sees this.
            self.closed.store(true, Ordering::Relaxed);
            flights.values().cloned().collect()
        };
        for mut progress in flights {
            let ended = progress.wait_for(|progress| !matches!(progress, Progress::UnderWay));
            // One whose task is gone is over, too.
            drop(ended.await);
        }
    }
}

fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
