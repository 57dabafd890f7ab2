//! The task that looks at the store while uses are in progress, one for all uses of a process.
//!
//! A use begins with knowledge that is less than half a second old, so a use that ends soon needs no look. The task
//! sleeps as long as all uses are that short.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use connection_egress::Moment;

use super::{KnownFreezes, known::Ages};
use crate::{
    Clock,
    store::{Changed, Changes, StoreError},
};

/// The time for which the store may not be readable before the uses of grantees are cut.
const PATIENCE: Duration = Duration::from_secs(1);

/// Cuts the uses in progress that are frozen or no longer permitted, until there are none.
pub(super) async fn watch(freezes: Weak<KnownFreezes>, clock: Arc<dyn Clock>) {
    let mut seen = 0;
    loop {
        clock.sleep(Changes::FOR_COMMITS).await;
        let Some(freezes) = freezes.upgrade() else { return };
        match freezes.ages(&mut seen) {
            Ages::Idle => return,
            Ages::Young => {}
            Ages::Old => match follow(&freezes, &mut seen).await {
                Ok(Ages::Idle) => return,
                Ok(_) => {}
                // The store was closed.
                Err(_) => return freezes.unwatched(),
            },
        }
    }
}

/// Reads what is frozen and permitted whenever it may have changed, while there are uses that last. Returns the age of
/// those that are left.
async fn follow(freezes: &KnownFreezes, seen: &mut u64) -> Result<Ages, StoreError> {
    let clock = &*freezes.clock;
    let mut changes = freezes.store.changes(clock).await;
    let mut read_at = Moment::of(clock);
    loop {
        let began = Moment::of(clock);
        match read(freezes, PATIENCE.saturating_sub(read_at.age(began))).await {
            Ok(()) => read_at = began,
            Err(error) if read_at.age(Moment::of(clock)) >= PATIENCE => freezes.cut_grantees(&error),
            Err(error) => tracing::debug!(%error, "it could not be read what is frozen and permitted"),
        }
        changes.changed(clock, Changes::FOR_ANOTHER_PROCESS, |changed| changed == Changed::Freezes).await?;
        match freezes.ages(seen) {
            Ages::Old => {}
            ages => return Ok(ages),
        }
    }
}

/// Reads what is frozen, and what permits the uses in progress, within this time.
async fn read(freezes: &KnownFreezes, at_most: Duration) -> Result<(), StoreError> {
    let sleep = freezes.clock.sleep(at_most.max(Changes::FOR_COMMITS));
    let both = async {
        freezes.read(None).await?;
        freezes.read_permits().await
    };
    tokio::select! {
        biased;
        read = both => read,
        () = sleep => Err(StoreError::Busy { place: freezes.store.place().to_owned() }),
    }
}
