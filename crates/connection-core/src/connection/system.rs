//! The state that the handles of connections of one opened registry share.

use std::{ops::Deref, sync::Arc};

use crate::{
    ConnectionInfo,
    flights::Flights,
    notification::{Notification, NotificationListener},
    setup,
    usage_report::FetchedUsage,
    verify,
};

/// The rollbacks and the fetches of usage in progress, over the verifications and the setups.
///
/// It dereferences to the verifications, and so to the systems below them and to the ground.
pub(crate) struct System {
    pub(crate) verify: Arc<verify::System>,
    pub(crate) setup: Arc<setup::System>,
    pub(crate) rollbacks: Flights<ConnectionInfo>,
    pub(crate) usage_fetches: Flights<FetchedUsage>,
    /// Ends the fetch for a connection that is removed or belongs to another account now.
    _ends_fetches: NotificationListener,
}

impl System {
    pub(crate) fn new(verify: Arc<verify::System>, setup: Arc<setup::System>) -> Self {
        let usage_fetches = Flights::<FetchedUsage>::default();
        let fetches = usage_fetches.clone();
        let ends_fetches = verify.notifications.listen(move |notification| match notification {
            Notification::AccountChanged(id) | Notification::Removed(id) => fetches.cancel(*id),
            _ => {}
        });
        Self { verify, setup, rollbacks: Flights::default(), usage_fetches, _ends_fetches: ends_fetches }
    }
}

impl Deref for System {
    type Target = Arc<verify::System>;

    fn deref(&self) -> &Self::Target {
        &self.verify
    }
}
