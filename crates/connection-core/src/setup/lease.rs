//! The lease of a session: of several processes that run the session, one at a time asks the provider or reads files.
//!
//! A run replays recorded effects without a lease. Before it asks the provider or reads files, it takes the lease, and
//! renews it until the result is there. A run that finds the lease taken sends nothing, and reads the journal again
//! when the holder is done or dead.
//!
//! If a lease expires while its holder is alive, the only cost is a second request: the number of the effect is the
//! fence, so that only one result is recorded. A request that spends something is not sent twice even then. A run that
//! finds its intent waits for the answer for as long as the sender may still record one.

use std::{sync::Arc, time::Duration};

use super::{System, slot::Slot};
use crate::{
    Error, SessionId, StoreError,
    store::{Changed, Lock, rows::SetupRow},
};

/// Seconds for which a lease holds, and for which other processes wait for a holder that was killed. The clocks of
/// nodes must differ by less.
const LEASE_SECONDS: u64 = 6;
/// Seconds for which the lease must still hold when a request or a read begins.
const MIN_SECONDS_LEFT: i64 = 4;
/// Interval at which a living holder renews the lease.
const RENEW_INTERVAL: Duration = Duration::from_secs(2);
/// Maximum time between two looks at the row by a process that waits for another one.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The reasons of this host to stop a run.
pub(crate) enum Halt {
    /// Another process holds the lease of this session.
    Held,
    /// Another run was first; the rows are read again.
    Lost,
    /// The run cannot continue now, for example because the store could not write.
    Suspend(Error),
}

/// The result of taking the lease.
enum LeaseAttempt {
    Acquired,
    /// Another process holds the lease, or the session has ended.
    Held,
    /// The effect that was to be performed is already recorded.
    Known,
}

/// Runs `live` while this run holds the lease, and returns the end of the lease with the result.
///
/// `leased` is the end of the lease that the run holds already, and `seq` is the number of the next effect.
pub(super) async fn with_lease<T>(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    leased: Option<i64>,
    seq: i64,
    live: impl Future<Output = T>,
) -> Result<(i64, T), Halt> {
    let now = system.ground.clock.now().seconds();
    let mut until = match leased {
        Some(until) if until >= now.saturating_add(MIN_SECONDS_LEFT) => until,
        _ => match take(system, slot, seq).await {
            Ok((LeaseAttempt::Acquired, until)) => until,
            Ok((LeaseAttempt::Held, _)) => return Err(Halt::Held),
            Ok((LeaseAttempt::Known, _)) => return Err(Halt::Lost),
            Err(error) => return Err(Halt::Suspend(error.into())),
        },
    };
    let renewed = async {
        loop {
            system.ground.clock.sleep(RENEW_INTERVAL).await;
            // A lease that was lost in the meantime costs a second request; the fence decides which result counts.
            if let Ok((LeaseAttempt::Acquired, longer)) = take(system, slot, seq).await {
                until = longer;
            }
        }
    };
    let answer = tokio::select! {
        biased;
        answer = live => answer,
        () = renewed => return Err(Halt::Held),
    };
    Ok((until, answer))
}

async fn take(system: &Arc<System>, slot: &Arc<Slot>, seq: i64) -> Result<(LeaseAttempt, i64), StoreError> {
    let id = slot.id;
    let owner = system.ground.process.clone();
    let now = system.ground.clock.now();
    let until = now.after(LEASE_SECONDS).seconds();
    // The write may be relaxed, because a power failure that loses the lease also ends its holder.
    let taken = system.ground.store.write_relaxed(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            if tx.lease_setup(id, &owner, until, now.seconds(), seq).await? {
                return Ok(LeaseAttempt::Acquired);
            }
            Ok(if tx.has_effect(id, seq).await? { LeaseAttempt::Known } else { LeaseAttempt::Held })
        })
    });
    let taken = taken.await?;
    if matches!(taken, LeaseAttempt::Acquired) {
        slot.set_leased(true);
    }
    Ok((taken, until))
}

/// Releases the lease when a run stops without coming to rest.
pub(super) async fn release(system: &Arc<System>, slot: &Arc<Slot>) {
    if slot.is_leased() {
        released(system, Some(slot.id)).await;
        slot.set_leased(false);
    }
}

/// Releases the lease of one session, or of all sessions that this process runs.
async fn released(system: &System, id: Option<SessionId>) {
    let owner = system.ground.process.clone();
    let written =
        system.ground.store.write_relaxed(move |tx| Box::pin(async move { tx.release_setups(&owner, id).await }));
    if let Err(error) = written.await {
        // The lease expires by itself.
        tracing::debug!(%error, "a lease could not be released");
    }
}

/// Waits until no other process holds the lease, or the session has ended.
pub(super) async fn until_free(system: &Arc<System>, slot: &Arc<Slot>) -> Result<(), Error> {
    let mut changes = system.ground.store.changes(&*system.ground.clock).await;
    loop {
        let row = system.ground.reader().await?.setup(slot.id).await?;
        if !row.is_some_and(|row| is_held(system, &row)) {
            return Ok(());
        }
        changes.changed(&*system.ground.clock, POLL_INTERVAL, |changed| changed == Changed::Setup(slot.id)).await?;
    }
}

/// Returns `true` if another process holds the lease now.
pub(super) fn is_held(system: &System, row: &SetupRow) -> bool {
    let now = system.ground.clock.now().seconds();
    let other = row.lease_owner.as_ref().is_some_and(|owner| **owner != *system.ground.process);
    other && row.lease_until.is_some_and(|until| until > now)
}

impl System {
    /// Releases all leases of this process, so that other processes can continue its sessions at once.
    pub(crate) async fn release_leases(&self) {
        let slots: Vec<_> = {
            let sessions = self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            sessions.values().filter_map(std::sync::Weak::upgrade).collect()
        };
        if slots.iter().any(|slot| slot.is_leased()) {
            released(self, None).await;
        }
    }
}
