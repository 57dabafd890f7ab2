//! The lease on refreshing one credential, which one process holds at a time.
//!
//! A lease expires by the database's clock and cannot be extended. Before its holder sends a request, it checks by its
//! own monotonic clock that less time has passed since it asked for the lease. The fence counts leases: a holder whose
//! lease expired finds another number in the row.

use std::{sync::Arc, time::Duration};

use super::System;
use crate::{
    ConnectionId, Error,
    exchange::SEND_WITHIN,
    store::{Changed, StoreError},
};

/// The longest time between two reads of the row while waiting for another process.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A lease of this process. It is also released when it is dropped, for example after a panic.
pub(super) struct Lease {
    system: Arc<System>,
    id: ConnectionId,
    pub(super) fence: i64,
    /// The time that had [passed](crate::Clock::passed) before the lease was requested.
    requested_at: Duration,
    ended: bool,
}

impl Lease {
    /// Takes the lease. Returns `None` if another process holds it, or if the generation is no longer current.
    pub(super) async fn take(system: &Arc<System>, id: ConnectionId, generation: i64) -> Result<Option<Self>, Error> {
        let owner = system.ground.process.clone();
        let requested_at = system.ground.clock.passed();
        // A power failure may undo this write, but it also ends the holder.
        let taken = system
            .ground
            .store
            .write_relaxed(move |tx| Box::pin(async move { tx.lease_refresh(id, generation, &owner).await }));
        let fence = taken.await?;
        Ok(fence.map(|fence| Self { system: system.clone(), id, fence, requested_at, ended: false }))
    }

    /// Returns the time, as [passed](crate::Clock::passed), after which nothing may be sent.
    pub(super) fn deadline(&self) -> Duration {
        self.requested_at.saturating_add(SEND_WITHIN)
    }

    /// Marks the lease as released by a committed transaction.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Releases the lease unless it has ended. It is released before the caller continues, because the caller may end
    /// the runtime.
    pub(super) async fn release(mut self) {
        if !self.ended {
            self.ended = true;
            if let Err(error) = self.give_back().await {
                // The lease expires by itself.
                tracing::debug!(%error, "a lease could not be released");
            }
        }
    }

    /// Queues the release. The write is queued even if the future is not awaited.
    fn give_back(&self) -> impl Future<Output = Result<bool, StoreError>> + Send + use<> {
        let id = self.id;
        let owner = self.system.ground.process.clone();
        let fence = self.fence;
        self.system
            .ground
            .store
            .write_relaxed(move |tx| Box::pin(async move { tx.release_refresh(id, &owner, fence, None).await }))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.give_back());
        }
    }
}

/// Waits until no process holds the lease, or another credential is current.
pub(super) async fn until_free(system: &Arc<System>, id: ConnectionId, generation: i64) -> Result<(), Error> {
    let mut changes = system.ground.store.changes(&*system.ground.clock).await;
    loop {
        let leased = system.ground.reader().await?.refresh_lease(id).await?;
        if !leased.is_some_and(|leased| leased.generation == generation && leased.is_held()) {
            return Ok(());
        }
        changes.changed(&*system.ground.clock, POLL_INTERVAL, |changed| changed == Changed::Connection(id)).await?;
    }
}
