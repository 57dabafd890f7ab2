//! The state of the webhooks of one opened registry.

use std::{ops::Deref, sync::Arc};

use super::checks::Checks;
use crate::connection;

/// The deliveries that are being checked, over the connections.
///
/// It dereferences to the system below it, and so to the ground.
pub(crate) struct System {
    pub(crate) connection: Arc<connection::System>,
    pub(super) checks: Checks,
}

impl System {
    pub(crate) fn new(connection: Arc<connection::System>) -> Self {
        Self { connection, checks: Checks::default() }
    }
}

impl Deref for System {
    type Target = Arc<connection::System>;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}
