//! The state of the verifications of one opened registry.

use std::{ops::Deref, sync::Arc};

use super::{ProbeLimits, ProbePermits};
use crate::{ConnectionInfo, flights::Flights, refresh};

/// The probes in progress, over the refreshes.
///
/// It dereferences to the system below it, and so to the ground.
pub(crate) struct System {
    pub(crate) refresh: Arc<refresh::System>,
    pub(crate) probes: Flights<ConnectionInfo>,
    /// Limits how many probes run at once.
    pub(crate) probe_permits: ProbePermits,
}

impl System {
    pub(crate) fn new(refresh: Arc<refresh::System>, limits: ProbeLimits) -> Self {
        let probe_permits = ProbePermits::new(limits);
        Self { refresh, probes: Flights::default(), probe_permits }
    }
}

impl Deref for System {
    type Target = Arc<refresh::System>;

    fn deref(&self) -> &Self::Target {
        &self.refresh
    }
}
