//! Who renews a credential: of several processes, one.
//!
//! A lease runs out by the database's clock and cannot be lengthened. Its holder measures by its own clock, which no jump
//! moves, that less has passed since before it asked for it: before it sends, and before it stores what came. The fence
//! counts leases; a holder that overslept finds another's number in the row.

use std::{sync::Arc, time::Duration};

use crate::{
    ConnectionId, Error,
    exchange::SEND_WITHIN,
    registry::Shared,
    store::{Changed, StoreError},
};

/// How often whoever waits for another process looks at the row at least.
const LOOKED: Duration = Duration::from_millis(500);

/// A lease of this process. Dropped without an end, as when its task panics, it is given back all the same.
pub(super) struct Lease {
    shared: Arc<Shared>,
    id: ConnectionId,
    pub(super) fence: i64,
    /// What the clock said had passed before it was asked for.
    asked: Duration,
    ended: bool,
}

impl Lease {
    /// `None` when another one holds it, or the credential is not the current one any more.
    pub(super) async fn take(shared: &Arc<Shared>, id: ConnectionId, generation: i64) -> Result<Option<Self>, Error> {
        let (owner, asked) = (shared.process.clone(), shared.clock.passed());
        // It may be lost with the power: so is its holder.
        let taken = shared
            .store
            .write_relaxed(move |tx| Box::pin(async move { tx.lease_refresh(id, generation, &owner).await }));
        let fence = taken.await?;
        Ok(fence.map(|fence| Self { shared: shared.clone(), id, fence, asked, ended: false }))
    }

    /// Nothing is sent from then on, as the clock's `passed`.
    pub(super) fn deadline(&self) -> Duration {
        self.asked.saturating_add(SEND_WITHIN)
    }

    /// The transaction that ended it is committed.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Gives it back, unless it ended: before whoever asked is told, and may leave with all that could give it back.
    pub(super) async fn release(mut self) {
        if !self.ended {
            self.ended = true;
            if let Err(error) = self.give_back().await {
                // It runs out by itself.
                tracing::debug!(%error, "a lease could not be given back");
            }
        }
    }

    /// Queued by the call.
    fn give_back(&self) -> impl Future<Output = Result<bool, StoreError>> + Send + use<> {
        let (id, owner, fence) = (self.id, self.shared.process.clone(), self.fence);
        self.shared.store.write_relaxed(move |tx| Box::pin(async move { tx.release_refresh(id, &owner, fence).await }))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.give_back());
        }
    }
}

/// Resolves when nobody holds the lease any more, or another credential is current.
pub(super) async fn until_free(shared: &Arc<Shared>, id: ConnectionId, generation: i64) -> Result<(), Error> {
    let mut changes = shared.store.changes(&*shared.clock).await;
    loop {
        let leased = shared.reader().await?.refresh_lease(id).await?;
        if !leased.is_some_and(|leased| leased.generation == generation && leased.is_held()) {
            return Ok(());
        }
        changes.changed(&*shared.clock, LOOKED, |changed| changed == Changed::Connection(id)).await?;
    }
}
