//! A server on this machine for programs without an address (RFC 8252, section 7.3).
//!
//! It listens on `127.0.0.1` and `[::1]`, from when a setup asks for a redirect URI until no setup waits for a callback.
//! A process that goes on with a setup of one that is gone listens on the same port again. Any page and any program of
//! this machine reaches it, so it answers little: GET of the callbacks, with the `Host` that it gave out.

mod browsers;
mod listen;
mod serve;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use connection_contract::Kind;
use connection_core::{InboundEndpoint, WeakConnectionRegistry};
use tokio::runtime::Handle;

use crate::PublicUrl;

use browsers::Browsers;
use listen::Sockets;

/// The address is given out before the setup that asked for it is stored.
const FIRST: Duration = Duration::from_secs(20);
/// The browser is told what came of the last callback.
const LAST: Duration = Duration::from_secs(10);

/// How a loopback server listens.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LoopbackOptions {
    /// A fixed port, for providers at which the whole redirect URI is registered; without one the system chooses one.
    pub port: Option<u16>,
}

impl LoopbackOptions {
    /// Any port.
    pub fn new() -> Self {
        Self::default()
    }

    /// This port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }
}

/// Lends a registry this machine's loopback addresses: `http://127.0.0.1:{port}/callback/{kind}`. A clone is the same
/// server.
///
/// ```no_run
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use connection_core::{ConnectionRegistry, KeyFile};
/// use connection_inbound::{LoopbackOptions, LoopbackServer};
///
/// let server = LoopbackServer::new(tokio::runtime::Handle::current(), LoopbackOptions::new());
/// let registry = ConnectionRegistry::builder()
///     .store("connections.db")
///     .key(KeyFile::at("root.key"))
///     .inbound(Arc::new(server))
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LoopbackServer(Arc<Shared>);

struct Shared {
    runtime: Handle,
    options: LoopbackOptions,
    registry: OnceLock<WeakConnectionRegistry>,
    listening: Mutex<Listening>,
    browsers: Browsers,
}

/// The ports that are listened on; several when setups of an earlier process go on.
#[derive(Default)]
struct Listening {
    ports: HashMap<u16, Arc<()>>,
    /// The one that is given out.
    current: Option<u16>,
}

impl fmt::Debug for LoopbackServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopbackServer").field("ports", &self.ports()).finish_non_exhaustive()
    }
}

impl LoopbackServer {
    /// A server that listens when it is needed, on this runtime.
    pub fn new(runtime: Handle, options: LoopbackOptions) -> Self {
        let (registry, listening, browsers) = Default::default();
        Self(Arc::new(Shared { runtime, options, registry, listening, browsers }))
    }

    /// The ports that it listens on now.
    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<_> = self.0.lock().ports.keys().copied().collect();
        ports.sort_unstable();
        ports
    }

    /// Resolves when every browser that brought a callback has seen what came of it, but not later than after this time:
    /// for a program that ends with its setup.
    pub async fn browsers_told(&self, patience: Duration) {
        // Who has not come by then does not come.
        drop(tokio::time::timeout(patience, self.0.browsers.gone()).await);
    }

    /// Listens on a port, if it does not yet; on any for `None`. The port on which it listens.
    fn listen(&self, port: Option<u16>) -> Option<u16> {
        let registry = self.0.registry.get()?.clone();
        let mut listening = self.0.lock();
        let there = port.or(listening.current).filter(|port| listening.ports.contains_key(port));
        if let Some(there) = there {
            // Whoever is about to end sees that somebody came.
            listening.ports.insert(there, Arc::default());
            return Some(there);
        }
        let sockets = match Sockets::bind(port.unwrap_or(0)) {
            Ok(sockets) => sockets,
            Err(error) => {
                let remedy = "choose another port, or end the program that has it";
                tracing::warn!(port, %error, remedy, "cannot listen for callbacks on loopback");
                return None;
            }
        };
        let port = sockets.port();
        listening.ports.insert(port, Arc::default());
        drop(listening);
        let server = self.clone();
        self.0.runtime.spawn(async move { server.serve(sockets, registry).await });
        Some(port)
    }

    /// Serves as long as a setup waits for a callback.
    async fn serve(self, sockets: Sockets, registry: WeakConnectionRegistry) {
        let port = sockets.port();
        tracing::debug!(port, "listening for callbacks");
        let serving = serve::serve(sockets, registry.clone(), self.0.browsers.clone());
        self.while_needed(port, &registry, serving).await;
    }

    /// Polls what serves a port until nobody needs it, or it has ended by itself.
    async fn while_needed(&self, port: u16, registry: &WeakConnectionRegistry, serving: impl Future<Output = ()>) {
        let mut serving = Box::pin(serving);
        loop {
            let asked = self.0.lock().ports.get(&port).cloned();
            let ended = tokio::select! {
                biased;
                () = needed(registry) => false,
                () = &mut serving => true,
            };
            let mut listening = self.0.lock();
            let since = listening.ports.get(&port);
            let came = asked.iter().zip(since).any(|(asked, since)| !Arc::ptr_eq(asked, since));
            // What has ended cannot go on for whoever came: the port is let go, and the next one listens again.
            if came && !ended && registry.upgrade().is_some() {
                continue;
            }
            // Under the lock, so that whoever wants the port next finds it free.
            drop(serving);
            listening.ports.remove(&port);
            listening.current = listening.current.filter(|current| *current != port);
            tracing::debug!(port, "no setup waits for a callback any more");
            return;
        }
    }
}

/// Resolves when nobody is waited for any more, or the registry is gone.
async fn needed(registry: &WeakConnectionRegistry) {
    let Some(clock) = registry.upgrade().map(|registry| registry.clock()) else { return };
    clock.sleep(FIRST).await;
    if registry.callbacks_over().await.is_ok() {
        clock.sleep(LAST).await;
    }
}

impl Shared {
    /// Nothing under the lock leaves it half changed, so a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, Listening> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl InboundEndpoint for LoopbackServer {
    fn opened(&self, registry: WeakConnectionRegistry) {
        // The first one stays: a server is lent to one registry.
        drop(self.0.registry.set(registry));
    }

    async fn redirect_uri(&self, kind: &Kind) -> Option<String> {
        let port = self.listen(self.0.options.port)?;
        self.0.lock().current = Some(port);
        Some(PublicUrl::loopback(port)?.redirect_uri(kind))
    }

    async fn rebind(&self, redirect_uri: &str) -> bool {
        let port = redirect_uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split_once("/callback/"));
        let port = port.and_then(|(port, _)| port.parse().ok()).filter(|port| *port != 0);
        port.is_some_and(|port| self.listen(Some(port)).is_some())
    }
}
