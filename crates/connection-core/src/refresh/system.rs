//! The state of the refreshes of one opened registry.

use std::{ops::Deref, sync::Arc};

use super::{Counts, FlightResult};
use crate::{exchange, flights::Flights};

/// The refreshes in progress and their outcomes, over the exchanges.
///
/// It dereferences to the system below it, and so to the ground.
pub(crate) struct System {
    pub(crate) exchange: Arc<exchange::System>,
    pub(crate) refreshes: Flights<FlightResult>,
    pub(crate) refresh_counts: Counts,
}

impl System {
    pub(crate) fn new(exchange: Arc<exchange::System>) -> Self {
        Self { exchange, refreshes: Flights::default(), refresh_counts: Counts::default() }
    }
}

impl Deref for System {
    type Target = Arc<exchange::System>;

    fn deref(&self) -> &Self::Target {
        &self.exchange
    }
}
