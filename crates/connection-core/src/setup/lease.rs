//! Who asks the world for a session: of several processes that run it, one.
//!
//! A run replays what is recorded without a lease. Before it asks the provider or the files it takes one, which holds as
//! long as it asks; whoever meets the lease of another does not send, and reads the journal again when that one is done,
//! or dead. A lease that ran out while its holder lived costs a second question and no more: the number of the effect is
//! the fence. What such a holder spends is not asked for a second time: whoever finds it noted waits for what it tells, as
//! long as it may tell.

use std::{sync::Arc, time::Duration};

use super::{effects::Halt, slot::Slot};
use crate::{
    Error, SessionId, StoreError,
    registry::Shared,
    store::{Changed, Lock, rows::SetupRow},
};

/// How long a holder that was killed is waited for. Clocks of nodes must differ by less.
const LIFE: u64 = 6;
/// Seconds that it must still hold when a question begins.
const LEFT: i64 = 4;
/// A holder that lives takes it again so often.
const RENEWED: Duration = Duration::from_secs(2);
/// How often whoever waits for another process looks at the row at least.
pub(super) const LOOKED: Duration = Duration::from_millis(500);

/// What came of wanting to ask.
enum Taken {
    Mine,
    /// Another process asks, or the session has ended.
    Held,
    /// The effect that was to be asked for is recorded.
    Known,
}

/// Runs `live` while this run alone may ask the world, and returns until when it may. `leased` is until when it has leased
/// the session already, and `seq` the number of the next effect.
pub(super) async fn leased_by<T>(
    shared: &Arc<Shared>,
    slot: &Arc<Slot>,
    leased: Option<i64>,
    seq: i64,
    live: impl Future<Output = T>,
) -> Result<(i64, T), Halt> {
    let now = shared.clock.now().seconds();
    let mut until = match leased {
        Some(until) if until >= now.saturating_add(LEFT) => until,
        _ => match take(shared, slot, seq).await {
            Ok((Taken::Mine, until)) => until,
            Ok((Taken::Held, _)) => return Err(Halt::Held),
            Ok((Taken::Known, _)) => return Err(Halt::Lost),
            Err(error) => return Err(Halt::Suspend(error.into())),
        },
    };
    let renewed = async {
        loop {
            shared.clock.sleep(RENEWED).await;
            // One that was lost meanwhile costs a second question; the fence decides.
            if let Ok((Taken::Mine, longer)) = take(shared, slot, seq).await {
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

async fn take(shared: &Arc<Shared>, slot: &Arc<Slot>, seq: i64) -> Result<(Taken, i64), StoreError> {
    let (id, owner, now) = (slot.id, shared.process.clone(), shared.clock.now());
    let until = now.after(LIFE).seconds();
    // It may be lost with the power: so is its holder.
    let taken = shared.store.write_relaxed(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            if tx.lease_setup(id, &owner, until, now.seconds(), seq).await? {
                return Ok(Taken::Mine);
            }
            Ok(if tx.has_effect(id, seq).await? { Taken::Known } else { Taken::Held })
        })
    });
    let taken = taken.await?;
    if matches!(taken, Taken::Mine) {
        slot.set_leased(true);
    }
    Ok((taken, until))
}

/// Gives it back when a run stops that did not come to rest.
pub(super) async fn release(shared: &Arc<Shared>, slot: &Arc<Slot>) {
    if slot.is_leased() {
        released(shared, Some(slot.id)).await;
        slot.set_leased(false);
    }
}

/// Of one session, or of all that this process runs.
async fn released(shared: &Shared, id: Option<SessionId>) {
    let owner = shared.process.clone();
    let written = shared.store.write_relaxed(move |tx| Box::pin(async move { tx.release_setups(&owner, id).await }));
    if let Err(error) = written.await {
        // It runs out by itself.
        tracing::debug!(%error, "a lease could not be given back");
    }
}

/// Resolves when no other process holds it any more, or the session has ended.
pub(super) async fn until_free(shared: &Arc<Shared>, slot: &Arc<Slot>) -> Result<(), Error> {
    let mut changes = shared.store.changes(&*shared.clock).await;
    loop {
        let row = shared.reader().await?.setup(slot.id).await?;
        if !row.is_some_and(|row| is_held(shared, &row)) {
            return Ok(());
        }
        changes.changed(&*shared.clock, LOOKED, |changed| changed == Changed::Setup(slot.id)).await?;
    }
}

/// Whether another process asks for it now.
pub(super) fn is_held(shared: &Shared, row: &SetupRow) -> bool {
    let now = shared.clock.now().seconds();
    let other = row.lease_owner.as_ref().is_some_and(|owner| **owner != *shared.process);
    other && row.lease_until.is_some_and(|until| until > now)
}

impl Shared {
    /// Lets other processes go on at once with what this one leaves half-way.
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
