//! The state of the webhooks of one opened registry.

use std::sync::Arc;

use super::checks::Checks;
use crate::{connection, ground::Ground};

/// The deliveries that are being checked, over the connections.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) connection: Arc<connection::System>,
    pub(super) checks: Checks,
}

impl System {
    pub(crate) fn new(connection: Arc<connection::System>) -> Self {
        Self { ground: connection.ground.clone(), connection, checks: Checks::default() }
    }
}
