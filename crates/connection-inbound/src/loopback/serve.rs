//! The service of callbacks on loopback sockets.

use std::sync::Arc;

use axum::{Router, http::StatusCode, middleware};
use connection_core::WeakConnectionRegistry;
use tokio::{sync::watch, task::JoinSet};

use super::browsers::{self, Browsers};
use crate::{
    PublicUrl,
    callback::{self, Receiver, RegistrySource},
    headers,
    server::{Capacity, HEAD_TIMEOUT, Limits, Names, PerPeer, Stopping, accepted, connection, named},
    sockets::{Listeners, Sockets},
};

/// Limits for one or two browsers. The head may have the longest query of a callback, beside the cookies of `localhost`.
pub(super) const LIMITS: Limits = Limits {
    connections: 64,
    requests: 32,
    streams: 0,
    sends: 0,
    doors: 0,
    waits: 0,
    bodies: 1 << 20,
    per_peer: PerPeer::Public(0),
    head: 64 << 10,
    headers: 64,
    head_time: HEAD_TIMEOUT,
};

/// Serves until the future is dropped, which closes every connection.
pub(super) async fn serve(sockets: Sockets, registry: WeakConnectionRegistry, browsers: Browsers) {
    let port = sockets.port();
    let Some(router) = router(port, registry) else { return };
    let router = router.layer(middleware::from_fn_with_state(browsers.clone(), browsers::counted));
    let Ok(listeners) = Listeners::of(sockets) else { return };
    let places = Capacity::new(LIMITS, Vec::new());
    // The sender lives as long as the connections, because they are never asked to end.
    let (_running, stopping) = watch::channel(Stopping::No);
    let mut connections = JoinSet::new();
    loop {
        let accepted = accepted(listeners.accept().await).await;
        while connections.try_join_next().is_some() {}
        if let Some((stream, peer)) = accepted
            && let Some(seat) = places.seat(peer.ip())
        {
            let router = router.clone();
            let connected = browsers.connected();
            let stopping = stopping.clone();
            connections.spawn(async move {
                let _connected = connected;
                connection(stream, router, seat, stopping).await;
            });
        }
    }
}

/// Returns the callback routes, for requests that name this server alone.
pub(super) fn router(port: u16, registry: WeakConnectionRegistry) -> Option<Router> {
    let url = Arc::new(PublicUrl::loopback(port)?);
    let nothing = || async { StatusCode::NOT_FOUND };
    let names = Arc::new(Names::of_loopback(port, &url));
    let routes = callback::routes(Receiver { registry: RegistrySource::Shared(registry), url });
    let routes = routes.fallback(nothing).layer(middleware::from_fn_with_state(names, named));
    Some(routes.layer(middleware::map_response(headers::with_security_headers)))
}
