//! Windows in which a person logs in: the host shows them, the core says for whom and for how long.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use connection_contract::{BoxFuture, Kind, LoggedIn, LoginWindow as Asked, LoginWindowService, encode};

use crate::{Clock, ProfileId, registry::Shared};

/// The longest that a window stays, whatever its plugin says.
pub(crate) const LONGEST: Duration = Duration::from_secs(600);
/// A person must have a chance.
const SHORTEST: Duration = Duration::from_secs(1);

/// How a host shows a window in which a person logs in.
#[async_trait]
pub trait LoginWindow: Send + Sync + fmt::Debug {
    /// Shows it until it ends, in a place whose cookies go by the window's `partition` alone: it names kind, profile and
    /// owner, and comes back the same for them, so that a host may keep it.
    ///
    /// # Cancellation
    ///
    /// Dropped, the window closes: when its time is over, which the core measures, and when whoever asked is gone.
    async fn open(&self, window: Asked) -> LoggedIn;
}

/// For whom a window is.
#[derive(Clone, Debug)]
pub(crate) struct Whose {
    pub(crate) kind: Kind,
    pub(crate) owner: Arc<str>,
    pub(crate) profile: Option<ProfileId>,
}

impl Whose {
    /// A name that no other kind, profile or owner comes to: no part holds a `/`.
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
    whose: Whose,
}

impl Windows {
    /// `None` when this host shows none.
    pub(crate) fn new(shared: &Shared, whose: Whose) -> Option<Self> {
        let host = shared.lent.window.clone()?;
        Some(Self { host, clock: shared.clock.clone(), whose })
    }

    pub(crate) async fn show(&self, mut window: Asked) -> LoggedIn {
        window.timeout = window.timeout.clamp(SHORTEST, LONGEST);
        window.partition = self.whose.partition(&window.partition).into();
        let timeout = window.timeout;
        tokio::select! {
            biased;
            ended = self.host.open(window) => ended,
            () = self.clock.sleep(timeout) => LoggedIn::TimedOut,
        }
    }
}

impl LoginWindowService for Windows {
    fn open(&self, window: Asked) -> BoxFuture<'_, LoggedIn> {
        Box::pin(self.show(window))
    }
}
