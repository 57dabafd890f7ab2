//! The state of the exchanges of one opened registry.

use std::sync::Arc;

use super::{Couriers, Exchanges, StateDirectory};
use crate::{credential, ground::Ground};

/// The exchanges in progress, on top of the credentials.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) credential: Arc<credential::System>,
    pub(crate) exchanges: Exchanges,
    pub(crate) couriers: Option<Arc<dyn Couriers>>,
    /// The state directory of this node, if there is one.
    pub(crate) state: Option<Arc<StateDirectory>>,
}
