//! The state that the handles of connections of one opened registry share.

use std::{ops::Deref, sync::Arc};

use crate::{ConnectionInfo, flights::Flights, setup, verify};

/// The rollbacks in progress, over the verifications and the setups.
///
/// It dereferences to the verifications, and so to the systems below them and to the ground.
pub(crate) struct System {
    pub(crate) verify: Arc<verify::System>,
    pub(crate) setup: Arc<setup::System>,
    pub(crate) rollbacks: Flights<ConnectionInfo>,
}

impl System {
    pub(crate) fn new(verify: Arc<verify::System>, setup: Arc<setup::System>) -> Self {
        Self { verify, setup, rollbacks: Flights::default() }
    }
}

impl Deref for System {
    type Target = Arc<verify::System>;

    fn deref(&self) -> &Self::Target {
        &self.verify
    }
}
