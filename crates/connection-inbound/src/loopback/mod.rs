//! A loopback server for programs without a public address (RFC 8252, section 7.3).
//!
//! It listens on `127.0.0.1` and `[::1]`, from the moment a setup asks for a redirect URI until no setup waits for a
//! callback. A process that continues a setup of an earlier process listens on the same port again. Any page and any
//! program of this machine can reach the server, so it answers only requests for callbacks and start addresses, and
//! only with the `Host` that it gave out.

mod browsers;
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

use crate::{PublicUrl, sockets::Sockets};

use browsers::Browsers;

/// The minimum time to listen after the address was given out, because the setup that requested it is stored later.
const MIN_OPEN_TIME: Duration = Duration::from_secs(20);
/// The time to listen after the last callback, so that the browser can load the result.
const LAST: Duration = Duration::from_secs(10);

/// The options of a [`LoopbackServer`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LoopbackOptions {
    /// A fixed port, for providers that require the whole redirect URI to be registered; `None` lets the system
    /// choose one.
    pub port: Option<u16>,
}

impl LoopbackOptions {
    /// Returns options with a port that the system chooses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the port to listen on, instead of one that the system chooses.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }
}

/// An inbound endpoint on this machine's loopback addresses: `http://127.0.0.1:{port}/callback/{kind}`.
///
/// Clones refer to the same server.
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

/// The open ports; there are several if setups of an earlier process continue.
#[derive(Default)]
struct Listening {
    ports: HashMap<u16, Arc<()>>,
    /// The port of new redirect URIs.
    current: Option<u16>,
}

impl fmt::Debug for LoopbackServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopbackServer").field("ports", &self.ports()).finish_non_exhaustive()
    }
}

impl LoopbackServer {
    /// Returns a server that listens when it is needed, on this runtime.
    pub fn new(runtime: Handle, options: LoopbackOptions) -> Self {
        Self(Arc::new(Shared {
            runtime,
            options,
            registry: Default::default(),
            listening: Default::default(),
            browsers: Default::default(),
        }))
    }

    /// Returns the ports on which the server listens now.
    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<_> = self.0.lock().ports.keys().copied().collect();
        ports.sort_unstable();
        ports
    }

    /// Waits until every browser that delivered a callback has loaded the result, but no longer than `patience`.
    ///
    /// A program that ends with its setup waits for this first.
    pub async fn wait_for_browsers(&self, patience: Duration) {
        // A browser that has not arrived by then is no longer expected.
        drop(tokio::time::timeout(patience, self.0.browsers.gone()).await);
    }

    /// Listens on a port unless it is open already, or on any port for `None`; returns the port.
    fn listen(&self, port: Option<u16>) -> Option<u16> {
        let registry = self.0.registry.get()?.clone();
        let mut listening = self.0.lock();
        let there = port.or(listening.current).filter(|port| listening.ports.contains_key(port));
        if let Some(there) = there {
            // Replace the marker, so that a task that is about to end sees the new request.
            listening.ports.insert(there, Arc::default());
            return Some(there);
        }
        let sockets = match Sockets::bind(port.unwrap_or(0)) {
            Ok(sockets) => sockets,
            Err(error) => {
                let remedy = "choose another port, or stop the program that uses it";
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

    /// Polls `serving` until the port is no longer needed, or until `serving` ends by itself.
    async fn while_needed(&self, port: u16, registry: &WeakConnectionRegistry, serving: impl Future<Output = ()>) {
        let mut serving = Box::pin(serving);
        loop {
            let before = self.0.lock().ports.get(&port).cloned();
            let ended = tokio::select! {
                biased;
                () = needed(registry) => false,
                () = &mut serving => true,
            };
            let mut listening = self.0.lock();
            let since = listening.ports.get(&port);
            let came = before.iter().zip(since).any(|(before, since)| !Arc::ptr_eq(before, since));
            // A server that has ended cannot continue for a new request: release the port, and the next request
            // listens again.
            if came && !ended && registry.upgrade().is_some() {
                continue;
            }
            // Drop it under the lock, so that the next request for the port finds it free.
            drop(serving);
            listening.ports.remove(&port);
            listening.current = listening.current.filter(|current| *current != port);
            tracing::debug!(port, "no setup waits for a callback any longer");
            return;
        }
    }
}

/// Resolves when no setup waits for a callback anymore, or the registry is gone.
async fn needed(registry: &WeakConnectionRegistry) {
    let Some(clock) = registry.upgrade().map(|registry| registry.clock()) else { return };
    clock.sleep(MIN_OPEN_TIME).await;
    if registry.wait_for_callbacks().await.is_ok() {
        clock.sleep(LAST).await;
    }
}

impl Shared {
    /// Locks the ports. No code under the lock leaves them inconsistent, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, Listening> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl InboundEndpoint for LoopbackServer {
    fn opened(&self, registry: WeakConnectionRegistry) {
        // The first registry stays: a server belongs to one registry.
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
