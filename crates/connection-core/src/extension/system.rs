//! The state of the extensions of one opened registry.

use std::sync::Arc;

use super::{Declarations, SettingsHandOff};
use crate::{connection, ground::Ground};

/// The declarations that this process knows and the host's settings, over the connections.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) connection: Arc<connection::System>,
    pub(super) declarations: Arc<Declarations>,
    /// The settings of the host, if it has any.
    pub(super) settings: Option<Arc<dyn SettingsHandOff>>,
}

impl System {
    pub(crate) fn new(
        connection: Arc<connection::System>,
        declarations: Arc<Declarations>,
        settings: Option<Arc<dyn SettingsHandOff>>,
    ) -> Self {
        Self { ground: connection.ground.clone(), connection, declarations, settings }
    }
}
