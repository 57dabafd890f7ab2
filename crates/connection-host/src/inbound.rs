//! The endpoint at which browsers return to this program, and the redirect address that a person registers for it.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::Kind;
use connection_core::{InboundEndpoint, WeakConnectionRegistry};
use connection_inbound::{LoopbackOptions, LoopbackServer, PublicEndpoint, PublicUrl};
use tokio::runtime::Handle;

use crate::{Error, config::Settings};

/// The maximum time to wait for a browser that has returned and follows one redirect.
const PATIENCE: Duration = Duration::from_secs(3);

/// The configured address of `serve`, or this machine's loopback addresses while a setup waits.
///
/// It remembers which address it has given out, so that a person can be shown it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    public: Option<PublicEndpoint>,
    server: LoopbackServer,
    given: Mutex<GivenAddress>,
    /// An address that is valid although no server may listen there, because the user pastes it.
    pasted: Option<PublicUrl>,
}

/// The redirect address that the setup of this command received.
#[derive(Clone, Debug, Default)]
pub(crate) enum GivenAddress {
    /// The setup has not requested an address.
    #[default]
    Nothing,
    /// The address to which browsers return.
    Address(String),
    /// Another program listens at this address, perhaps the command that began this setup, which then takes the
    /// callback.
    Elsewhere(String),
    /// A server receives the callback, and the address of each step leads through it.
    Server,
    /// There is no address, or no browser can reach the one that was given out before.
    Unreachable,
}

impl Endpoint {
    /// Returns the endpoint for this configuration, on the runtime of the caller.
    ///
    /// `pastes` is `true` for a setup that needs no browser to return.
    pub(crate) fn of(settings: &Settings, pastes: bool) -> Self {
        let options = LoopbackOptions::new();
        let options = settings.inbound.loopback_port.map_or(options.clone(), |port| options.port(port));
        let pasted = settings.inbound.loopback_port.filter(|_| pastes).and_then(|port| loopback(port).parse().ok());
        let public = settings.inbound.public_url.clone().map(PublicEndpoint::new);
        Self { public, server: LoopbackServer::new(Handle::current(), options), given: Mutex::default(), pasted }
    }

    /// Returns the address that was given out last.
    pub(crate) fn given(&self) -> GivenAddress {
        self.lock().clone()
    }

    /// Waits, before the program ends, until a browser that has returned has loaded the result.
    pub(crate) async fn settle(&self) {
        self.server.wait_for_browsers(PATIENCE).await;
    }

    fn give(&self, address: Option<String>) -> Option<String> {
        *self.lock() = address.clone().map_or(GivenAddress::Unreachable, GivenAddress::Address);
        address
    }

    /// Locks the given address. No code under the lock leaves it inconsistent.
    fn lock(&self) -> MutexGuard<'_, GivenAddress> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl InboundEndpoint for Endpoint {
    fn opened(&self, registry: WeakConnectionRegistry) {
        self.server.opened(registry);
    }

    async fn redirect_uri(&self, kind: &Kind) -> Option<String> {
        if let Some(public) = &self.public {
            return self.give(public.redirect_uri(kind).await);
        }
        let address = self.server.redirect_uri(kind).await;
        self.give(address.or_else(|| Some(self.pasted.as_ref()?.redirect_uri(kind))))
    }

    async fn rebind(&self, redirect_uri: &str) -> bool {
        let bound = match &self.public {
            Some(public) if public.rebind(redirect_uri).await => true,
            // The setup was begun before a public address was configured.
            _ => self.server.rebind(redirect_uri).await,
        };
        match !bound && is_taken(redirect_uri) {
            true => *self.lock() = GivenAddress::Elsewhere(redirect_uri.to_owned()),
            false => drop(self.give(bound.then(|| redirect_uri.to_owned()))),
        }
        bound
    }
}

/// Returns the redirect address that a person registers at the provider of this kind.
///
/// It has no port if the port differs each time, which providers ignore for loopback addresses (RFC 8252, section 7.3).
pub(crate) fn redirect_uri(settings: &Settings, kind: &Kind) -> String {
    if let Some(url) = &settings.inbound.public_url {
        return url.redirect_uri(kind);
    }
    match settings.inbound.loopback_port {
        Some(port) => format!("{}/callback/{}", loopback(port), kind.path_segment()),
        None => format!("http://127.0.0.1/callback/{}", kind.path_segment()),
    }
}

/// Returns the redirect address with a note on its port, for people.
pub(crate) fn to_register(settings: &Settings, kind: &Kind) -> String {
    let address = redirect_uri(settings, kind);
    match (&settings.inbound.public_url, settings.inbound.loopback_port) {
        (Some(_), _) | (_, Some(_)) => address,
        (None, None) => format!("{address} (with any port; `inbound.loopback_port` chooses one)"),
    }
}

/// Checks that the configured port is available, before anything is made that depends on it.
pub(crate) fn check(settings: &Settings) -> Result<(), Error> {
    let Some(port) = settings.inbound.loopback_port.filter(|_| settings.inbound.public_url.is_none()) else {
        return Ok(());
    };
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::io(format!("port {port} (inbound.loopback_port)"), &error).remedy(
            "stop the program that uses it, perhaps another setup that waits; choose another port; or use --paste",
        )),
    }
}

/// Returns `true` if another program listens at an address of this machine.
fn is_taken(redirect_uri: &str) -> bool {
    let port = redirect_uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split('/').next()?.parse().ok());
    let taken = |port: u16| match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::AddrInUse,
    };
    port.is_some_and(taken)
}

fn loopback(port: u16) -> String {
    format!("http://{}:{port}", Ipv4Addr::LOCALHOST)
}
