//! A server for a host without an HTTP server of its own; it runs until the host stops it.

mod capacity;
mod connection;
mod names;
mod per_peer;
mod place;
mod proxies;
#[cfg(test)]
mod slow_tests;
#[cfg(test)]
mod tests;
mod tls;
mod validity;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware};
use connection_contract::BoxFuture;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{PublicUrl, headers};

pub(crate) use capacity::{Capacity, Limits};
pub(crate) use connection::{HEAD_TIMEOUT, accepted, connection, secured};
pub(crate) use names::{Names, named};
pub(crate) use per_peer::PerPeer;
pub use place::{RequestPlace, WaitingRequest};
use proxies::Proxies;
pub use proxies::{InvalidNetwork, Network};
pub use tls::{InvalidTls, ServerTls};

/// The limits of a server, alone or with a proxy that passes requests on to it.
const LIMITS: Limits = Limits {
    connections: 512,
    requests: 256,
    streams: 2048,
    waits: 1024,
    bodies: 32 << 20,
    per_peer: PerPeer::Public(32),
    head: 64 << 10,
    headers: 100,
    head_time: HEAD_TIMEOUT,
};

/// The time for requests in progress after the server was stopped: the longest wait of the page after a callback, and a
/// little more.
const LAST: Duration = Duration::from_secs(15);

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
///
/// A request whose body has not arrived takes no place of those that are answered at once.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    proxies: Proxies,
    reserved: Vec<String>,
    tls: Option<ServerTls>,
}

impl Server {
    /// Listens at this address, on any free port for port 0.
    ///
    /// # Errors
    ///
    /// Returns the system's error, such as [`AddrInUse`](io::ErrorKind::AddrInUse).
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, limits: LIMITS, proxies: Proxies::default(), reserved: Vec::new(), tls: None })
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

    /// Returns the address at which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves.
    ///
    /// Then the server accepts no more connections, and returns once all requests in progress are answered, after
    /// fifteen seconds at the latest.
    ///
    /// A request that names another host than `url`, a loopback address of this server or `localhost` is refused with a
    /// problem document (421), because a page whose name resolves to this machine names its own host (DNS rebinding). Only if `url` has TLS and this
    /// server has none, a proxy speaks TLS and checks the names.
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
                routes.layer(middleware::from_fn_with_state(Arc::new(names), named))
            }
        };
        let routes = match self.tls {
            Some(_) => routes.layer(middleware::map_response(headers::with_strict_transport)),
            None => routes,
        };
        Serving {
            listener: self.listener,
            tls: self.tls,
            // Without this, each request would convert the handler of its route.
            routes: routes.layer(middleware::map_response(headers::with_security_headers)).with_state(()),
            places: Capacity::behind(self.proxies, self.limits, self.reserved),
            ending: watch::Sender::new(false),
            connections: JoinSet::new(),
        }
    }
}

/// A server that accepts connections. Its futures are boxed, so that [`Server::serve`] is the only code that is compiled
/// again for each type of `stop`.
struct Serving {
    listener: TcpListener,
    tls: Option<ServerTls>,
    routes: Router,
    places: Capacity,
    /// Tells the connections that the server ends.
    ending: watch::Sender<bool>,
    connections: JoinSet<()>,
}

impl Serving {
    /// Accepts connections for as long as the future is polled.
    fn accept(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let accepted = accepted(self.listener.accept().await).await;
                while self.connections.try_join_next().is_some() {}
                // A connection without a seat is closed.
                if let Some((stream, peer)) = accepted
                    && let Some(mut seat) = self.places.seat(peer.ip())
                {
                    seat.asks.local = stream.local_addr().ok();
                    let ended = self.ending.subscribe();
                    let routes = self.routes.clone();
                    match self.tls.clone() {
                        Some(tls) => self.connections.spawn(secured(stream, tls, routes, seat, ended)),
                        None => self.connections.spawn(connection(stream, routes, seat, ended)),
                    };
                }
            }
        })
    }

    /// Waits until the requests in progress are answered, and closes the connections that remain after that.
    fn end(mut self) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            drop(self.listener);
            self.ending.send_replace(true);
            let all = async { while self.connections.join_next().await.is_some() {} };
            // Close the remaining connections.
            drop(tokio::time::timeout(LAST, all).await);
        })
    }
}
