//! The interface through which a host receives callbacks.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use connection_contract::{BoxFuture, Kind};

use super::Systems;
use crate::{
    ConnectionRegistry, Error,
    setup::CallbackAddresses,
    store::{Changed, Changes},
};

/// The endpoint at which a host receives callbacks.
#[async_trait::async_trait]
pub trait InboundEndpoint: Send + Sync + fmt::Debug {
    /// Receives the registry that was opened with this endpoint, for an endpoint that delivers callbacks itself.
    fn opened(&self, _: WeakConnectionRegistry) {}

    /// Returns the redirect URI for this kind, or `None` if there is none now. It is stable per host and kind, because
    /// it is registered at the provider.
    async fn redirect_uri(&self, kind: &Kind) -> Option<String>;

    /// Makes this host reachable at an address that it gave out, perhaps before a restart, and returns `true` if it is
    /// reachable there. This may take an action such as listening on the port again.
    async fn rebind(&self, redirect_uri: &str) -> bool;

    /// Returns `true` if a page of this origin sends only its own users to the start addresses of their setups. Such a
    /// page uses a form, whose request names the origin, and its users are not asked whether they agree.
    fn leads_users_of(&self, _origin: &str) -> bool {
        false
    }
}

impl CallbackAddresses for Arc<dyn InboundEndpoint> {
    fn redirect_uri<'a>(&'a self, kind: &'a Kind) -> BoxFuture<'a, Option<String>> {
        (**self).redirect_uri(kind)
    }

    fn rebind<'a>(&'a self, redirect_uri: &'a str) -> BoxFuture<'a, bool> {
        (**self).rebind(redirect_uri)
    }

    fn leads_users_of(&self, origin: &str) -> bool {
        (**self).leads_users_of(origin)
    }
}

/// A handle that does not keep the registry alive. A value that the registry holds, such as an endpoint, holds this
/// handle instead of a [`ConnectionRegistry`].
#[derive(Clone)]
pub struct WeakConnectionRegistry {
    systems: Weak<Systems>,
    owner: Arc<str>,
}

impl fmt::Debug for WeakConnectionRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakConnectionRegistry").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl ConnectionRegistry {
    /// Returns a handle that does not keep the registry alive.
    pub fn downgrade(&self) -> WeakConnectionRegistry {
        WeakConnectionRegistry { systems: Arc::downgrade(&self.systems), owner: self.owner.clone() }
    }
}

impl WeakConnectionRegistry {
    /// Returns the registry, or `None` if its host has dropped every [`ConnectionRegistry`] of it. A handle of a
    /// connection or a session does not keep the registry alive.
    pub fn upgrade(&self) -> Option<ConnectionRegistry> {
        Some(ConnectionRegistry { systems: self.systems.upgrade()?, owner: self.owner.clone() })
    }

    /// Waits until no open session, of any owner and process, has an address at which it is called back, or until the
    /// registry is gone.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn wait_for_callbacks(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let Some((store, clock)) =
                self.systems.upgrade().map(|systems| (systems.ground.store.clone(), systems.ground.clock.clone()))
            else {
                return Ok(());
            };
            let mut changes = store.changes(&*clock).await;
            while let Some(systems) = self.systems.upgrade() {
                let now = clock.now().seconds();
                if !systems.ground.reader().await?.has_callbacks(now).await? {
                    return Ok(());
                }
                drop(systems);
                changes
                    .changed(&*clock, Changes::FOR_CALLBACKS, |changed| matches!(changed, Changed::Setup(_)))
                    .await?;
            }
            Ok(())
        })
    }
}
