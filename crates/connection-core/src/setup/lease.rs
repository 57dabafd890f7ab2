//! The lease of a session: of several processes that run the session, one at a time asks the provider or reads files.
//!
//! A run replays recorded effects without a lease. Before it asks the provider or reads files, it takes the lease, and
//! extends it until the result is there. A run that finds the lease taken sends nothing, and reads the journal again
//! when the holder is done or dead.
//!
//! If a lease expires while its holder is alive, the only cost is a second request: the number of the effect is the
//! fence, so that only one result is recorded. A request that spends something is not sent twice even then. A run that
//! finds its intent waits for the answer for as long as the sender may still record one.

use std::{sync::Arc, time::Duration};

use super::{System, slot::Slot};
use crate::{
    Error, SessionId, StoreError,
    lease::{self, Lease},
    store::{Changed, SetupLease},
};

/// The time for which the holder must still have the lease when a request or a read begins.
const MIN_LEFT: Duration = Duration::from_secs(3);

/// The reasons of this host to stop a run.
pub(crate) enum Halt {
    /// Another process holds the lease of this session.
    Held,
    /// Another run was first; the rows are read again.
    Lost,
    /// The run cannot continue now, for example because the store could not write.
    Suspend(Error),
}

/// Runs `live` while this run holds the lease, and returns the lease with the result.
///
/// `leased` is the lease that the run holds already, and `seq` is the number of the next effect.
pub(super) async fn with_lease<T>(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    leased: Option<Lease<SetupLease>>,
    seq: i64,
    live: impl Future<Output = T>,
) -> Result<(Lease<SetupLease>, T), Halt> {
    let mut lease = match leased.filter(|lease| lease.left() >= MIN_LEFT) {
        Some(lease) => lease,
        None => take(system, slot, seq).await?,
    };
    // A lease that is lost in the meantime costs a second request; the fence decides which result counts.
    let answer = lease.extended(live).await;
    Ok((lease, answer))
}

async fn take(system: &Arc<System>, slot: &Arc<Slot>, seq: i64) -> Result<Lease<SetupLease>, Halt> {
    let suspend = |error: StoreError| Halt::Suspend(error.into());
    if let Some(lease) = Lease::take(&system.ground, SetupLease { id: slot.id, seq }).await.map_err(suspend)? {
        slot.set_leased(true);
        return Ok(lease);
    }
    let mut reader = system.ground.reader().await.map_err(Halt::Suspend)?;
    Err(if reader.has_effect(slot.id, seq).await.map_err(suspend)? { Halt::Lost } else { Halt::Held })
}

/// Releases the lease when a run stops without coming to rest.
pub(super) async fn release(system: &Arc<System>, slot: &Arc<Slot>) {
    if slot.is_leased() {
        let (lease, owner) = (SetupLease { id: slot.id, seq: 0 }, system.ground.process.clone());
        let release = system
            .ground
            .store
            .write_relaxed(move |tx| Box::pin(async move { tx.release_lease(&lease, &owner).await }));
        released(release.await);
        slot.set_leased(false);
    }
}

fn released(result: Result<(), StoreError>) {
    if let Err(error) = result {
        // The lease expires by itself.
        tracing::debug!(%error, "a lease could not be released");
    }
}

/// Waits until no other process holds the lease, or the session has ended.
pub(super) async fn until_free(system: &Arc<System>, slot: &Arc<Slot>) -> Result<(), Error> {
    lease::until_free(&system.ground, Changed::Setup(slot.id), || is_held(system, slot.id)).await
}

/// Returns `true` if another process holds the lease now.
pub(super) async fn is_held(system: &System, id: SessionId) -> Result<bool, Error> {
    let holder = system.ground.reader().await?.lease_holder(&SetupLease { id, seq: 0 }).await?;
    Ok(holder.is_some_and(|owner| owner != system.ground.process))
}

impl System {
    /// Releases all leases of this process, so that other processes can continue its sessions at once.
    pub(crate) async fn release_leases(&self) {
        let slots: Vec<_> = {
            let sessions = self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            sessions.values().filter_map(std::sync::Weak::upgrade).collect()
        };
        if slots.iter().any(|slot| slot.is_leased()) {
            let owner = self.ground.process.clone();
            let release =
                self.ground.store.write_relaxed(move |tx| Box::pin(async move { tx.release_setups(&owner).await }));
            released(release.await);
        }
    }
}
