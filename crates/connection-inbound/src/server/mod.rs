//! A server for a host without an HTTP server of its own; it runs until the host stops it.

mod capacity;
mod connection;
mod connections;
mod names;
mod per_peer;
mod place;
mod proxies;
mod refusal;
#[cfg(test)]
mod slow_tests;
#[cfg(unix)]
mod socket;
#[cfg(test)]
mod stop_tests;
#[cfg(test)]
mod tests;
mod tls;

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::{Router, middleware};
use connection_contract::BoxFuture;
use tokio::net::{TcpListener, TcpStream};

use crate::{
    PublicUrl, headers,
    sockets::{Listeners, Sockets},
};

pub(crate) use capacity::{Capacity, Limits};
pub(crate) use connection::{HEAD_TIMEOUT, Stopping, accepted, connection};
use connections::Connections;
pub(crate) use names::{Names, named};
pub(crate) use per_peer::PerPeer;
pub use place::{ArrivedAtSocket, PassedRequest, RequestPlace, WaitingRequest};
use proxies::Proxies;
pub use proxies::{InvalidNetwork, Network};
#[cfg(unix)]
pub use socket::SocketServer;
pub use tls::{InvalidTls, ServerTls};

/// The limits of a server, alone or with a proxy that passes requests on to it.
const LIMITS: Limits = Limits {
    connections: 512,
    requests: 256,
    streams: 2048,
    waits: 1024,
    sends: 512,
    doors: 256,
    bodies: 32 << 20,
    per_peer: PerPeer::Public(32),
    head: 64 << 10,
    headers: 100,
    head_time: HEAD_TIMEOUT,
};

/// The maximum number of connections that are accepted after the stop: the system queues no more of them.
const QUEUED: usize = 4096;

/// A listening HTTP server.
///
/// The server speaks TLS if it is given a certificate with [`tls`](Self::tls). Without one, it serves a proxy that
/// speaks TLS, or only this machine.
///
/// Nothing is answered before [`serve`](Self::serve) is called.
///
/// A connection has one request, five seconds for the TLS handshake and the head, and a minute for the request. An
/// answer of the type `text/event-stream` has no end of its own and continues until either side closes the connection.
/// If as many of them are open as [`event_streams`](Self::event_streams) allows, a further request for one gets 503.
/// A connection whose request a door passed on ([`RequestPlace::pass_door`]) is kept for the next request, for at most five
/// seconds.
///
/// A request whose body has not arrived takes no place of those that are answered at once. Neither does a request that
/// waits for a change or for a provider, if its handler says so with its [`RequestPlace`].
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    address: SocketAddr,
    limits: Limits,
    proxies: Proxies,
    reserved: Vec<String>,
    tls: Option<ServerTls>,
    others: Vec<PublicUrl>,
}

impl Server {
    /// Listens at this address, on any free port for port 0.
    ///
    /// At `127.0.0.1`, the server listens at the same port of `[::1]`, too, if the machine has IPv6, and the other way round:
    /// `localhost` may lead to either, and another user of the machine could have the port.
    ///
    /// # Errors
    ///
    /// Returns the system's error, such as [`AddrInUse`](io::ErrorKind::AddrInUse), also for the other address of loopback.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listeners = match address.ip() {
            ip if ip == Ipv4Addr::LOCALHOST => Listeners::of(Sockets::bind(address.port())?.both()?)?,
            ip if ip == Ipv6Addr::LOCALHOST => Listeners::of_six(Sockets::bind(address.port())?.both()?)?,
            _ => Listeners::one(TcpListener::bind(address).await?),
        };
        let address = listeners.address()?;
        let proxies = Proxies::default();
        Ok(Self { listeners, address, limits: LIMITS, proxies, reserved: Vec::new(), tls: None, others: Vec::new() })
    }

    /// Sets the maximum number of connections at once from each address, except those of this machine.
    ///
    /// By default, an address of the Internet has at most 32, and addresses of this machine and of private networks
    /// have no maximum of their own: they usually belong to a proxy, which passes on everyone's requests.
    #[must_use]
    pub fn connections_per_peer(mut self, most: usize) -> Self {
        self.limits.per_peer = PerPeer::Remote(most);
        self
    }

    /// Sets the networks of the proxies that pass requests on to the server.
    ///
    /// Connections of these proxies have no maximum of their own. From them alone, the rightmost address of
    /// `X-Forwarded-For` that is in none of the networks is the peer of a request, and the maximum of each address counts
    /// its requests: a further one gets 429.
    #[must_use]
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.proxies = Proxies::new(networks);
        self
    }

    /// Sets the maximum number of streams of events at once, which is 2,048 by default.
    #[must_use]
    pub fn event_streams(mut self, most: usize) -> Self {
        self.limits.streams = most;
        self
    }

    /// Reserves capacity for requests to this path, such as `/healthz`, however many other requests are being answered.
    #[must_use]
    pub fn reserve(mut self, path: impl Into<String>) -> Self {
        self.reserved.push(path.into());
        self
    }

    /// Makes the server speak TLS with this certificate. It then answers no request without TLS.
    ///
    /// A handshake that fails closes the connection and is logged at the level `debug`.
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Adds another URL at which the server is reached, so that requests may name its host.
    #[must_use]
    pub fn also_at(mut self, url: PublicUrl) -> Self {
        self.others.push(url);
        self
    }

    /// Returns the address at which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves.
    ///
    /// Then the server accepts the connections that the system has queued, and no others. It answers the requests of
    /// all its connections; after thirteen seconds, it refuses those that are not answered with a problem document
    /// (503). It returns once all connections have ended, after fifteen seconds at the latest. A connection on which nothing
    /// arrives ends after five seconds.
    ///
    /// A request that names another host than `url`, one of [`also_at`](Self::also_at), a loopback address of this server
    /// or `localhost` is refused with a problem document (421), because a page whose name resolves to this machine names
    /// its own host (DNS rebinding). Only if `url` has TLS and this server has none, a proxy speaks TLS and checks the
    /// names.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes every connection.
    pub async fn serve(self, routes: Router, url: &PublicUrl, stop: impl Future<Output = ()>) {
        let mut serving = self.begin(routes, url);
        tokio::select! {
            biased;
            () = stop => {}
            () = serving.accept() => {}
        }
        serving.end().await;
    }

    fn begin(self, routes: Router, url: &PublicUrl) -> Serving {
        let has_proxy = url.is_secure() && self.tls.is_none();
        let routes = match has_proxy {
            true => routes,
            false => {
                let port = self.address.port();
                let names = Names::of_loopback(port, url).and_localhost(port, url);
                let names = self.others.iter().fold(names, Names::and_url);
                routes.layer(middleware::from_fn_with_state(Arc::new(names), named))
            }
        };
        let routes = match self.tls {
            Some(_) => routes.layer(middleware::map_response(headers::with_strict_transport)),
            None => routes,
        };
        // Without the state, each request would convert the handler of its route.
        let routes = routes.layer(middleware::map_response(headers::with_security_headers)).with_state(());
        let places = Capacity::behind(self.proxies, self.limits, self.reserved);
        let connections = Connections::new(routes, places, self.tls);
        Serving { listeners: self.listeners, connections }
    }
}

/// A server that accepts connections. Its futures are boxed, so that [`Server::serve`] is the only code that is compiled
/// again for each type of `stop`.
struct Serving {
    listeners: Listeners,
    connections: Connections,
}

impl Serving {
    /// Accepts connections for as long as the future is polled.
    fn accept(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                if let Some((stream, peer)) = accepted(self.listeners.accept().await).await {
                    self.connections.begin_at(stream, peer);
                }
            }
        })
    }

    /// Accepts what the system has queued, waits until the requests are answered, and refuses the rest.
    fn end(self) -> BoxFuture<'static, ()> {
        let Self { listeners, mut connections } = self;
        Box::pin(async move {
            for (stream, peer) in listeners.each().flat_map(queued) {
                connections.begin_at(stream, peer);
            }
            connections.end().await;
        })
    }
}

/// Returns the connections that the system has queued, and stops listening. The clients of these connections are
/// connected already and have sent their requests, and closing the socket would reset them.
fn queued(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    // The runtime may not have seen the newest connections, so the system is asked directly. Its socket does not block.
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let retried = |error: &io::Error| matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted);
    let accepted = std::iter::repeat_with(|| listener.accept()).take(QUEUED);
    let accepted = accepted.take_while(|accepted| accepted.as_ref().map_or_else(retried, |_| true)).flatten();
    let streams = accepted.filter_map(|(stream, peer)| {
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    });
    streams.collect()
}
