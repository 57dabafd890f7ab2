//! The permits for the connections of the store: how many are in use at once, and whether one is held for too long.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// The time after its deadline for which a permit may still be held. Each wait for a server ends by itself, so after
/// this time the process is faulty, and not the server.
const MAX_OVERDUE: Duration = Duration::from_secs(60);

/// A permit for each connection that may be in use. A clone is another handle to the same ones.
#[derive(Clone)]
pub(super) struct Permits {
    free: Arc<Semaphore>,
    most: u32,
    deadlines: Arc<Mutex<Deadlines>>,
}

/// The deadlines of the permits that are held and have one.
#[derive(Default)]
struct Deadlines {
    /// The number of the next permit.
    next: u64,
    by_permit: BTreeMap<u64, Instant>,
}

/// The permit to use one connection, until it is dropped.
pub(super) struct Permit {
    number: u64,
    deadlines: Arc<Mutex<Deadlines>>,
    _place: OwnedSemaphorePermit,
}

impl Permits {
    pub(super) fn new(most: u32) -> Self {
        Self { free: Arc::new(Semaphore::new(most as usize)), most, deadlines: Arc::default() }
    }

    /// Waits for a permit until the deadline, which is also the first deadline of the permit.
    pub(super) async fn acquire(&self, deadline: Instant) -> Result<Permit, sqlx::Error> {
        let place = timeout_at(deadline, self.free.clone().acquire_owned()).await;
        let place = place.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let mut deadlines = locked(&self.deadlines);
        let number = deadlines.next;
        deadlines.next += 1;
        deadlines.by_permit.insert(number, deadline);
        Ok(Permit { number, deadlines: self.deadlines.clone(), _place: place })
    }

    /// Returns `true` if a permit is held a minute after its deadline. While the server is away, every permit is free in
    /// time.
    pub(super) fn is_stuck(&self) -> bool {
        let now = Instant::now();
        let deadlines = locked(&self.deadlines);
        deadlines.by_permit.values().any(|deadline| now.saturating_duration_since(*deadline) > MAX_OVERDUE)
    }

    /// Waits until no permit is held, and gives out no more.
    pub(super) async fn close(&self) {
        // The error means that another call has closed them.
        if let Ok(_all) = self.free.acquire_many(self.most).await {
            self.free.close();
        }
    }
}

impl Permit {
    /// Sets the time at which the permit must be free again; `None` while its holder waits for no server.
    pub(super) fn ends_at(&self, deadline: Option<Instant>) {
        let mut deadlines = locked(&self.deadlines);
        match deadline {
            Some(deadline) => deadlines.by_permit.insert(self.number, deadline),
            None => deadlines.by_permit.remove(&self.number),
        };
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.ends_at(None);
    }
}

fn locked(deadlines: &Mutex<Deadlines>) -> MutexGuard<'_, Deadlines> {
    deadlines.lock().unwrap_or_else(PoisonError::into_inner)
}
