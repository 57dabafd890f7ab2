//! The state of the verifications of one opened registry.

use std::sync::Arc;

use super::{ProbeLimits, ProbePermits};
use crate::{ConnectionInfo, credential, flights::Flights, ground::Ground, refresh};

/// The probes in progress, over the refreshes.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) credential: Arc<credential::System>,
    pub(crate) refresh: Arc<refresh::System>,
    pub(crate) probes: Flights<ConnectionInfo>,
    /// Limits how many probes run at once.
    pub(crate) probe_permits: ProbePermits,
}

impl System {
    pub(crate) fn new(refresh: Arc<refresh::System>, limits: ProbeLimits) -> Self {
        let probe_permits = ProbePermits::new(limits);
        Self {
            ground: refresh.ground.clone(),
            credential: refresh.credential.clone(),
            refresh,
            probes: Flights::default(),
            probe_permits,
        }
    }
}
