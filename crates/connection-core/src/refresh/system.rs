//! The state of the refreshes of one opened registry.

use std::sync::Arc;

use super::{Counts, FlightResult};
use crate::{credential, exchange, flights::Flights, ground::Ground};

/// The refreshes in progress and their outcomes, over the exchanges.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) credential: Arc<credential::System>,
    pub(crate) exchange: Arc<exchange::System>,
    pub(crate) refreshes: Flights<FlightResult>,
    pub(crate) refresh_counts: Counts,
}

impl System {
    pub(crate) fn new(exchange: Arc<exchange::System>) -> Self {
        Self {
            ground: exchange.ground.clone(),
            credential: exchange.credential.clone(),
            exchange,
            refreshes: Flights::default(),
            refresh_counts: Counts::default(),
        }
    }
}
