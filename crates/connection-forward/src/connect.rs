//! One connection of a program to the door, until `CONNECT` has said where it leads.

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::{
    Method, Request, Response, body::Incoming, server::conn::http1, service::service_fn, upgrade, upgrade::OnUpgrade,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use reqwest::Body;
use tokio::net::TcpStream;

use crate::{
    credential::RunCredential,
    granted::{Granted, GrantedOrigins},
    host_port::HostPort,
    passing::{self, MAX_HEAD},
    refusal::Refusal,
    reverse_door::ReverseDoor,
    tunnel::{self, Tunnels},
};

/// The longest time for the head of `CONNECT`.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The parts of the door that its connections share.
pub(crate) struct Shared {
    pub(crate) credential: RunCredential,
    pub(crate) door: ReverseDoor,
    pub(crate) granted: GrantedOrigins,
    pub(crate) tunnels: Tunnels,
}

/// The other end of a connection.
enum Route<'a> {
    Granted(&'a Granted),
    Tunnel(TcpStream),
}

/// Serves one connection until either side closes it.
pub(crate) async fn serve(shared: &Shared, stream: TcpStream) {
    // Without this option, which is not essential, small answers arrive later.
    stream.set_nodelay(true).unwrap_or_default();
    let opened = Mutex::new(None);
    let service = service_fn(|request| answer(shared, request, &opened));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_header_size(MAX_HEAD);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).with_upgrades().await {
        tracing::debug!(%error, "a connection to the forward door broke off");
        return;
    }
    let Some((upgrade, route)) = opened.into_inner().unwrap_or_else(PoisonError::into_inner) else { return };
    let Ok(client) = upgrade.await else { return };
    match route {
        Route::Granted(granted) => passing::serve(&shared.door, granted, client).await,
        Route::Tunnel(server) => {
            // Without this option, which is not essential, small pieces arrive later.
            server.set_nodelay(true).unwrap_or_default();
            tunnel::copy(client, server).await;
        }
    }
}

/// Answers a request, and stores the route if it is a `CONNECT` that is allowed.
async fn answer<'a>(
    shared: &'a Shared,
    mut request: Request<Incoming>,
    opened: &Mutex<Option<(OnUpgrade, Route<'a>)>>,
) -> Result<Response<Body>, Infallible> {
    Ok(match route(shared, &request).await {
        Ok(route) => {
            let upgrade = upgrade::on(&mut request);
            *opened.lock().unwrap_or_else(PoisonError::into_inner) = Some((upgrade, route));
            Response::new(Body::default())
        }
        Err(refusal) => {
            tracing::debug!(code = refusal.code(), "the forward door opened no connection");
            refusal.into_response()
        }
    })
}

async fn route<'a>(shared: &'a Shared, request: &Request<Incoming>) -> Result<Route<'a>, Refusal> {
    if request.method() != Method::CONNECT {
        return Err(Refusal::not_connect());
    }
    if !shared.credential.is_in(request.headers()) {
        return Err(Refusal::credential());
    }
    let target = request.uri().authority().and_then(|target| HostPort::parse(target.as_str()));
    let target = target.ok_or_else(Refusal::bad_target)?;
    match shared.granted.find(&target) {
        // The name of a granted host is never looked up: the reverse door knows where it is.
        Some(granted) => Ok(Route::Granted(granted)),
        None => shared.tunnels.connect(&target).await.map(Route::Tunnel),
    }
}
