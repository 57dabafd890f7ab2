//! The state that the handles of connections of one opened registry share.

use std::sync::Arc;

use crate::{
    ConnectionInfo, credential,
    executions::Executions,
    flights::Flights,
    ground::Ground,
    notification::{Notification, NotificationListener},
    refresh, setup,
    usage_report::FetchedUsage,
    verify,
};

/// The rollbacks, the fetches of usage and the approved requests in progress, over the verifications and the setups.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) credential: Arc<credential::System>,
    pub(crate) refresh: Arc<refresh::System>,
    pub(crate) verify: Arc<verify::System>,
    pub(crate) setup: Arc<setup::System>,
    pub(crate) rollbacks: Flights<ConnectionInfo>,
    pub(crate) usage_fetches: Flights<FetchedUsage>,
    pub(crate) executions: Executions,
    /// Ends the fetch for a connection that is removed or belongs to another account now.
    _ends_fetches: NotificationListener,
}

impl System {
    pub(crate) fn new(verify: Arc<verify::System>, setup: Arc<setup::System>) -> Self {
        let usage_fetches = Flights::<FetchedUsage>::default();
        let fetches = usage_fetches.clone();
        let ends_fetches = verify.ground.notifications.listen(move |notification| match notification {
            Notification::AccountChanged(id) | Notification::Removed(id) => fetches.cancel(*id),
            _ => {}
        });
        Self {
            ground: verify.ground.clone(),
            credential: verify.credential.clone(),
            refresh: verify.refresh.clone(),
            verify,
            setup,
            rollbacks: Flights::default(),
            usage_fetches,
            executions: Executions::default(),
            _ends_fetches: ends_fetches,
        }
    }
}
