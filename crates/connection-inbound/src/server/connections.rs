//! The open connections of a server, from the first to the end of the last.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use connection_contract::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
};

use super::{
    capacity::Capacity,
    connection::{Stopping, connection, secured},
    tls::ServerTls,
};

/// The time for requests in progress after the server was stopped: the longest wait of the page after a callback, and a
/// little more.
const LAST: Duration = Duration::from_secs(13);
/// The time for the refusals of the requests that are not answered by then.
const REFUSING: Duration = Duration::from_secs(2);

/// The connections of one listener.
pub(super) struct Connections {
    routes: Router,
    places: Capacity,
    tls: Option<ServerTls>,
    /// Tells the connections how far the server is from its end.
    stopping: watch::Sender<Stopping>,
    open: JoinSet<()>,
}

impl Connections {
    pub(super) fn new(routes: Router, places: Capacity, tls: Option<ServerTls>) -> Self {
        Self { routes, places, tls, stopping: watch::Sender::default(), open: JoinSet::new() }
    }

    /// Begins to serve a connection. A connection without a seat is closed.
    pub(super) fn begin(
        &mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        local: Option<SocketAddr>,
    ) {
        while self.open.try_join_next().is_some() {}
        let Some(mut seat) = self.places.seat(peer.ip()) else { return };
        seat.asks.local = local;
        let stopping = self.stopping.subscribe();
        let routes = self.routes.clone();
        match self.tls.clone() {
            Some(tls) => self.open.spawn(secured(stream, tls, routes, seat, stopping)),
            None => self.open.spawn(connection(stream, routes, seat, stopping)),
        };
    }

    /// Begins to serve a connection to an address of this machine.
    pub(super) fn begin_at(&mut self, stream: TcpStream, peer: SocketAddr) {
        let local = stream.local_addr().ok();
        self.begin(stream, peer, local);
    }

    /// Waits until the requests are answered, and refuses the rest.
    pub(super) fn end(mut self) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            for (stopping, time) in [(Stopping::Drains, LAST), (Stopping::Refuses, REFUSING)] {
                self.stopping.send_replace(stopping);
                let all = async { while self.open.join_next().await.is_some() {} };
                // After the second time, the remaining connections are closed.
                drop(tokio::time::timeout(time, all).await);
            }
        })
    }
}
