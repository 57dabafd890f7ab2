//! Limits how many probes run at once, in all and per provider, so that a provider that is slow or hangs does not delay
//! the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ground::Lane;

/// The default maximum number of probes at once, in all.
const MAX_PROBES: usize = 64;
const MAX_PROBES_PER_PROVIDER: usize = 16;
/// Number of lanes from which those that are not in use are forgotten.
const MAX_LANES: usize = 1_000;

/// The maximum numbers of probes that a host sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProbeLimits {
    pub(crate) in_all: usize,
    pub(crate) of_one: usize,
}

impl Default for ProbeLimits {
    fn default() -> Self {
        Self { in_all: MAX_PROBES, of_one: MAX_PROBES_PER_PROVIDER }
    }
}

/// The permits of the probes of this process.
pub(crate) struct ProbePermits {
    all: Arc<Semaphore>,
    of_one: usize,
    lanes: Mutex<HashMap<Lane, Arc<Semaphore>>>,
}

/// The permit of one probe. It is free again when this value is dropped.
pub(crate) struct ProbePermit {
    _of_provider: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl ProbePermits {
    pub(crate) fn new(bounds: ProbeLimits) -> Self {
        let most = |bound: usize| bound.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(most(bounds.in_all))),
            of_one: most(bounds.of_one),
            lanes: Mutex::default(),
        }
    }

    /// Waits for a permit. A probe that waits for its provider does not hold a permit that another provider could use.
    pub(crate) async fn take(&self, lane: &Lane) -> Option<ProbePermit> {
        // The semaphores are never closed.
        let of_provider = self.lane(lane).acquire_owned().await.ok()?;
        let of_all = self.all.clone().acquire_owned().await.ok()?;
        Some(ProbePermit { _of_provider: of_provider, _of_all: of_all })
    }

    /// Returns a permit if one is free now.
    pub(crate) fn try_take(&self, lane: &Lane) -> Option<ProbePermit> {
        let of_provider = self.lane(lane).try_acquire_owned().ok()?;
        let of_all = self.all.clone().try_acquire_owned().ok()?;
        Some(ProbePermit { _of_provider: of_provider, _of_all: of_all })
    }

    fn lane(&self, lane: &Lane) -> Arc<Semaphore> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        // Any number of owners may have kinds of their own, and a lane that nobody uses has all its permits.
        if lanes.len() >= MAX_LANES {
            lanes.retain(|_, permits| Arc::strong_count(permits) > 1);
        }
        let new = || Arc::new(Semaphore::new(self.of_one));
        lanes.entry(lane.shared()).or_insert_with(new).clone()
    }
}
