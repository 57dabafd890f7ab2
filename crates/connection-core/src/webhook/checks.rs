//! Limits how many deliveries of one connection are checked at once.
//!
//! A check is work for a sender who has not been authenticated yet. A check that its plugin does not end keeps its
//! permit for as long as it runs, even after its caller timed out. A plugin that spins therefore uses up only the
//! permits of its connection.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ConnectionId;

/// The maximum number of checks of one connection that run at once.
pub(super) const MAX_CHECKS: usize = 4;
/// The maximum number of deliveries of one connection that wait for a check.
pub(super) const MAX_QUEUED: usize = 32;

/// The checks of every connection of this process.
#[derive(Debug, Default)]
pub(super) struct Checks(Arc<Mutex<HashMap<ConnectionId, Connected>>>);

/// The checks of one connection.
#[derive(Debug)]
struct Connected {
    turns: Arc<Semaphore>,
    /// The number of deliveries that are being checked or wait for a check.
    deliveries: usize,
}

/// The permit to check one delivery, until it is dropped.
#[derive(Debug)]
pub(super) struct CheckPlace {
    checks: Arc<Mutex<HashMap<ConnectionId, Connected>>>,
    id: ConnectionId,
    turn: Option<OwnedSemaphorePermit>,
}

impl Checks {
    /// Waits for a permit to check a delivery of a connection. Returns `None` if too many deliveries wait already, or
    /// if `over` resolves first.
    pub(super) async fn enter(&self, id: ConnectionId, over: impl Future<Output = ()>) -> Option<CheckPlace> {
        let (mut place, turns) = self.queue(id)?;
        tokio::select! {
            biased;
            turn = turns.acquire_owned() => place.turn = Some(turn.ok()?),
            () = over => return None,
        }
        Some(place)
    }

    fn queue(&self, id: ConnectionId) -> Option<(CheckPlace, Arc<Semaphore>)> {
        let mut all = lock(&self.0);
        let fresh = || Connected { turns: Arc::new(Semaphore::new(MAX_CHECKS)), deliveries: 0 };
        let connected = all.entry(id).or_insert_with(fresh);
        if connected.deliveries >= MAX_CHECKS + MAX_QUEUED {
            return None;
        }
        connected.deliveries += 1;
        Some((CheckPlace { checks: self.0.clone(), id, turn: None }, connected.turns.clone()))
    }
}

impl Drop for CheckPlace {
    fn drop(&mut self) {
        drop(self.turn.take());
        let mut all = lock(&self.checks);
        if let Some(connected) = all.get_mut(&self.id) {
            connected.deliveries = connected.deliveries.saturating_sub(1);
            if connected.deliveries == 0 {
                all.remove(&self.id);
            }
        }
    }
}

/// A poisoned lock is ignored, because no panic can leave the map half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
