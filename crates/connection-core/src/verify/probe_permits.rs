//! Limits how many probes run at once, in all and per provider, so that a provider that is slow or hangs does not delay
//! the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use connection_contract::Kind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The default maximum number of probes at once, in all.
const MAX_PROBES: usize = 64;
const MAX_PROBES_PER_PROVIDER: usize = 16;

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
    providers: Mutex<HashMap<Kind, Arc<Semaphore>>>,
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
            providers: Mutex::default(),
        }
    }

    /// Waits for a permit. A probe that waits for its provider does not hold a permit that another provider could use.
    pub(crate) async fn take(&self, provider: &Kind) -> Option<ProbePermit> {
        // The semaphores are never closed.
        let of_provider = self.provider(provider).acquire_owned().await.ok()?;
        let of_all = self.all.clone().acquire_owned().await.ok()?;
        Some(ProbePermit { _of_provider: of_provider, _of_all: of_all })
    }

    /// Returns a permit if one is free now.
    pub(crate) fn try_take(&self, provider: &Kind) -> Option<ProbePermit> {
        let of_provider = self.provider(provider).try_acquire_owned().ok()?;
        let of_all = self.all.clone().try_acquire_owned().ok()?;
        Some(ProbePermit { _of_provider: of_provider, _of_all: of_all })
    }

    fn provider(&self, provider: &Kind) -> Arc<Semaphore> {
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(self.of_one));
        providers.entry(provider.clone()).or_insert_with(new).clone()
    }
}
