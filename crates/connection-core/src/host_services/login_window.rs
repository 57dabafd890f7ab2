//! Login windows: the host shows them, and the core decides for whom and for how long.

use std::{sync::Arc, time::Duration};

use connection_contract::{BoxFuture, Kind, LoginOutcome, LoginWindow as Asked, LoginWindowService, encode};

use crate::{Clock, LoginWindow, ProfileId, ground::Ground};

/// The longest time that a window stays open, whatever its plugin requests.
pub(crate) const MAX_TIMEOUT: Duration = Duration::from_secs(600);
/// The shortest time that a window stays open, so that a person can use it.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The kind, owner and profile that a window belongs to.
#[derive(Clone, Debug)]
pub(crate) struct WindowOwner {
    pub(crate) kind: Kind,
    pub(crate) owner: Arc<str>,
    pub(crate) profile: Option<ProfileId>,
}

impl WindowOwner {
    /// Returns a partition that no other kind, profile or owner can have, because no part contains a `/`.
    fn partition(&self, flow: &str) -> String {
        let profile = self.profile.map_or_else(|| "default".to_owned(), |id| id.to_string());
        let part = |text: &str| encode::percent_encode(text);
        format!("{}/{}/{}/{}", self.kind, profile, part(&self.owner), part(flow))
    }
}

/// The windows of one kind, owner and profile.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    host: Arc<dyn LoginWindow>,
    clock: Arc<dyn Clock>,
    whose: WindowOwner,
}

impl Windows {
    /// Returns `None` if this host cannot show windows.
    pub(crate) fn new(ground: &Ground, whose: WindowOwner) -> Option<Self> {
        let host = ground.local_services.window.clone()?;
        Some(Self { host, clock: ground.clock.clone(), whose })
    }

    pub(crate) async fn show(&self, mut window: Asked) -> LoginOutcome {
        window.timeout = window.timeout.clamp(MIN_TIMEOUT, MAX_TIMEOUT);
        window.partition = self.whose.partition(&window.partition).into();
        let timeout = window.timeout;
        tokio::select! {
            biased;
            ended = self.host.open(window) => ended,
            () = self.clock.sleep(timeout) => LoginOutcome::TimedOut,
        }
    }
}

impl LoginWindowService for Windows {
    fn open(&self, window: Asked) -> BoxFuture<'_, LoginOutcome> {
        Box::pin(self.show(window))
    }
}
