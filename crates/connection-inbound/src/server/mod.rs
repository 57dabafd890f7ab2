//! A server for routes of a host that has no other one: it listens where it is told, and ends when it is told.

mod connection;
mod names;
mod places;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{PublicUrl, headers};

pub(crate) use connection::{HEAD_TIMEOUT, accepted, connection};
pub(crate) use names::{Names, named};
pub(crate) use places::{Limits, PerPeer, Places};

/// For a server after a proxy, which has room for more.
const LIMITS: Limits = Limits {
    connections: 512,
    requests: 256,
    per_peer: PerPeer::Public(32),
    head: 64 << 10,
    headers: 100,
    head_time: HEAD_TIMEOUT,
};

/// For what is under way when it is told to end: the page behind a callback waits so long, and a little.
const LAST: Duration = Duration::from_secs(15);

/// A socket that listens; nobody is answered before [`serve`](Self::serve). Behind a proxy that speaks TLS, or for this
/// machine alone: it speaks HTTP in the clear.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    reserved: Vec<String>,
}

impl Server {
    /// Listens there; on any free port for 0.
    ///
    /// # Errors
    ///
    /// The system's, such as [`AddrInUse`](io::ErrorKind::AddrInUse).
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, limits: LIMITS, reserved: Vec::new() })
    }

    /// Sets the maximum number of connections at once from each address but those of this machine.
    ///
    /// Without it, an address of the Internet has at most 32, and the addresses of this machine and of private networks have
    /// no maximum of their own: they are usually a proxy's, which passes on what comes from everybody.
    #[must_use]
    pub fn connections_per_peer(mut self, most: usize) -> Self {
        self.limits.per_peer = PerPeer::Remote(most);
        self
    }

    /// Answers requests to this path, such as `/healthz`, at places of their own, however many others are being answered.
    #[must_use]
    pub fn reserve(mut self, path: impl Into<String>) -> Self {
        self.reserved.push(path.into());
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves. Then it lets nobody in any more, and returns when those who are being answered have
    /// their answer, after fifteen seconds at the latest.
    ///
    /// A `url` without TLS is this machine's: then a request that names another host is refused (421), since a page whose
    /// name was led here names its own (DNS rebinding). Behind TLS the proxy knows the names.
    ///
    /// # Cancellation
    ///
    /// Dropped, it hangs up on everybody.
    pub async fn serve(self, routes: Router, url: &PublicUrl, stop: impl Future<Output = ()>) {
        let routes = match url.is_secure() {
            true => routes,
            false => {
                let names = Names::of_loopback(self.address.port()).and(url.authority());
                routes.layer(middleware::from_fn_with_state(Arc::new(names), named))
            }
        };
        let routes = routes.layer(middleware::map_response(headers::guarded));
        let places = Places::new(self.limits, self.reserved);
        let (ending, ended) = watch::channel(false);
        let mut connections = JoinSet::new();
        let letting_in = async {
            loop {
                let accepted = accepted(self.listener.accept().await).await;
                while connections.try_join_next().is_some() {}
                // Without a place it is hung up on.
                if let Some((stream, peer)) = accepted
                    && let Some(seat) = places.seat(peer.ip())
                {
                    connections.spawn(connection(stream, routes.clone(), seat, ended.clone()));
                }
            }
        };
        tokio::select! {
            biased;
            () = stop => {}
            () = letting_in => {}
        }
        drop(self.listener);
        ending.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        // Whoever is left is hung up on.
        drop(tokio::time::timeout(LAST, all).await);
    }
}
