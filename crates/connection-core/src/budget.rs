//! Counts requests against the budgets of grants.
//!
//! The store has the counter of each budget. A process takes a sixteenth of what is left at once, which is a lease, and
//! counts its requests down in memory, so that most requests write nothing. A lease that is not used for two seconds is
//! put back. A process that is killed loses its lease until the window ends: a budget may be short and is never exceeded.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use connection_contract::Timestamp;
use connection_rules::Budget;

use crate::{
    Clock,
    contain::Runtimes,
    store::{BudgetRow, Counted, Store, StoreError},
};

/// The time after which a lease that is not used is put back.
const IDLE: Duration = Duration::from_secs(2);
/// The time for which a spent budget is not looked up again.
const SPENT: Duration = Duration::from_secs(1);

/// What is left of the budget of a grant.
///
/// ```
/// use connection_core::{Agent, Error};
///
/// async fn left(agent: &Agent) -> Result<Vec<String>, Error> {
///     let grants = agent.grants().await?;
///     let left = grants.iter().filter_map(|grant| Some((grant.connection, grant.left?)));
///     Ok(left.map(|(id, left)| format!("{id}: {} until {}", left.requests, left.until.seconds())).collect())
/// }
/// # let _ = left;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetLeft {
    /// The requests that may still be sent in this window, without those that a process has taken and not sent yet.
    pub requests: u64,
    /// The time at which the next window begins, with the whole budget.
    pub until: Timestamp,
}

/// The windows of a budget, which begin with its grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    budget: Budget,
    began: Timestamp,
}

impl Windows {
    pub(crate) fn new(budget: Budget, began: Timestamp) -> Self {
        Self { budget, began }
    }

    fn per(self) -> i64 {
        i64::try_from(self.budget.per.as_secs()).unwrap_or(i64::MAX).max(1)
    }

    /// Returns the number of the window at this time. A time before the grant is in the first one.
    fn at(self, now: Timestamp) -> i64 {
        (now.seconds().saturating_sub(self.began.seconds()) / self.per()).max(0)
    }

    /// Returns the end of a window.
    fn end(self, number: i64) -> Timestamp {
        let end = number.saturating_add(1).saturating_mul(self.per());
        Timestamp::from_seconds(self.began.seconds().saturating_add(end))
    }

    /// Returns what is left before the first request.
    pub(crate) fn whole(self) -> BudgetLeft {
        BudgetLeft { requests: self.budget.requests, until: self.end(0) }
    }

    fn requests(self) -> i64 {
        i64::try_from(self.budget.requests).unwrap_or(i64::MAX)
    }

    /// Returns what is left at this time, by the row of the grant; a grant without one can send nothing.
    pub(crate) fn left(self, now: Timestamp, row: Option<&BudgetRow>) -> BudgetLeft {
        let number = self.at(now);
        let (number, left) = match row {
            Some(row) if row.number < number => (number, self.requests()),
            Some(row) => (row.number, self.requests().saturating_sub(row.taken.max(0))),
            None => (number, 0),
        };
        BudgetLeft { requests: u64::try_from(left).unwrap_or_default(), until: self.end(number) }
    }
}

/// The answer to a request that would be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The request may be sent.
    Yes,
    /// Nothing is left before this time, at which the next window begins.
    Spent(Timestamp),
}

/// What this process may send of one budget.
#[derive(Debug, Default)]
struct Lease {
    number: i64,
    left: i64,
    /// The time of the last use, by [`Clock::passed`].
    used: Duration,
    /// The time at which nothing was left in the store.
    spent: Option<Duration>,
    /// `true` while a task waits to put the rest back.
    is_watched: bool,
}

type Slot = Arc<tokio::sync::Mutex<Lease>>;

/// The leases of this process.
#[derive(Debug)]
pub(crate) struct Budgets {
    store: Store,
    clock: Arc<dyn Clock>,
    runtimes: Arc<Runtimes>,
    leases: Mutex<HashMap<Counted, Slot>>,
}

impl Budgets {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, runtimes: Arc<Runtimes>) -> Self {
        Self { store, clock, runtimes, leases: Mutex::default() }
    }

    /// Takes one request.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, one request may have been taken.
    ///
    /// # Errors
    ///
    /// The store's errors. Nothing was taken.
    pub(crate) async fn take(self: &Arc<Self>, of: Counted, windows: Windows) -> Result<Taken, StoreError> {
        let slot = self.slot(&of);
        let mut lease = slot.clone().lock_owned().await;
        let now = self.clock.passed();
        let number = windows.at(self.clock.now());
        lease.used = now;
        if lease.number >= number && lease.left > 0 {
            lease.left -= 1;
            return Ok(Taken::Yes);
        }
        if lease.number >= number && lease.spent.is_some_and(|spent| now.saturating_sub(spent) < SPENT) {
            return Ok(Taken::Spent(windows.end(lease.number)));
        }
        let on = self.clone();
        // A caller that leaves must not lose a lease.
        let taking = async move {
            let counted = of.clone();
            let job = on
                .store
                .write(move |tx| Box::pin(async move { tx.take_budget(&counted, number, windows.requests()).await }));
            let Some(row) = job.await? else {
                (lease.number, lease.left, lease.spent) = (number.max(lease.number), 0, Some(now));
                return Ok(Taken::Spent(windows.end(lease.number)));
            };
            (lease.number, lease.left, lease.spent) = (row.number, row.lease - 1, None);
            if lease.left > 0 && !std::mem::replace(&mut lease.is_watched, true) {
                on.runtimes.spawn(watch(Arc::downgrade(&on), on.clock.clone(), of, slot));
            }
            Ok(Taken::Yes)
        };
        self.runtimes.spawn(taking).await.unwrap_or(Err(StoreError::Panicked))
    }

    fn slot(&self, of: &Counted) -> Slot {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.entry(of.clone()).or_default().clone()
    }

    async fn put_back(&self, of: &Counted, lease: &mut Lease) {
        let (number, left) = (lease.number, std::mem::take(&mut lease.left));
        if left == 0 {
            return;
        }
        let counted = of.clone();
        let job =
            self.store.write_relaxed(move |tx| Box::pin(async move { tx.return_budget(&counted, number, left).await }));
        if let Err(error) = job.await {
            tracing::warn!(%error, left, "requests of a budget could not be put back before its window ends");
        }
    }

    /// Puts back all leases, before the store is closed.
    pub(crate) async fn put_back_all(&self) {
        let leases: Vec<_> = self.leases.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        for (of, slot) in leases {
            self.put_back(&of, &mut *slot.lock().await).await;
        }
    }
}

/// Waits until a lease is not used, and puts the rest back. A registry that is dropped without being closed leaves it.
async fn watch(budgets: Weak<Budgets>, clock: Arc<dyn Clock>, of: Counted, slot: Slot) {
    loop {
        clock.sleep(IDLE).await;
        let Some(on) = budgets.upgrade() else { return };
        let mut lease = slot.lock().await;
        if clock.passed().saturating_sub(lease.used) < IDLE {
            continue;
        }
        lease.is_watched = false;
        on.put_back(&of, &mut lease).await;
        // A caller that holds the slot at this moment takes a lease of its own, which is put back on its own.
        on.leases.lock().unwrap_or_else(PoisonError::into_inner).remove(&of);
        return;
    }
}
