//! The state of the extensions of one opened registry.

use std::{ops::Deref, sync::Arc};

use super::{Declarations, SettingsHandOff};
use crate::connection;

/// The declarations that this process knows and the host's settings, over the connections.
///
/// It dereferences to the system below it, and so to the ground.
pub(crate) struct System {
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
        Self { connection, declarations, settings }
    }
}

impl Deref for System {
    type Target = Arc<connection::System>;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}
