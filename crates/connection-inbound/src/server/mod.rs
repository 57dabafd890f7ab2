//! A server for routes of a host that has no other one: it listens where it is told, and ends when it is told.

mod connection;
mod names;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{PublicUrl, headers};

#[cfg(test)]
pub(crate) use connection::HEAD_TIMEOUT;
pub(crate) use connection::{Limits, accepted, connection};
pub(crate) use names::{Names, named};

/// Behind a proxy, which has room for more; whoever is behind them waits to be let in.
const LIMITS: Limits = Limits { connections: 256, head: 64 << 10, headers: 100 };
/// For what is under way when it is told to end: the page behind a callback waits so long, and a little.
const LAST: Duration = Duration::from_secs(15);

/// A socket that listens; nobody is answered before [`serve`](Self::serve). Behind a proxy that speaks TLS, or for this
/// machine alone: it speaks HTTP in the clear.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
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
        Ok(Self { listener, address })
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
        let permits = Arc::new(Semaphore::new(LIMITS.connections));
        let (ending, ended) = watch::channel(false);
        let mut connections = JoinSet::new();
        let letting_in = async {
            while let Ok(permit) = permits.clone().acquire_owned().await {
                while connections.try_join_next().is_some() {}
                if let Some(stream) = accepted(self.listener.accept().await).await {
                    connections.spawn(connection(stream, routes.clone(), permit, LIMITS, ended.clone()));
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
