//! Serves callbacks on loopback sockets, to whoever knocks: slowly, often, at length or in another name.

use std::{convert::Infallible, future::pending, io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use connection_core::WeakConnectionRegistry;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use super::listen::Sockets;
use crate::{
    PublicUrl,
    callback::{self, Receiver, Registry},
    headers,
};

/// Who is behind them waits to be let in.
pub(super) const MOST_CONNECTIONS: usize = 32;
/// For the whole head of a request.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Of a request; the smallest that the library has.
pub(super) const MOST_HEAD: usize = 8 << 10;
const MOST_HEADERS: usize = 64;
/// For one request with its answer, of which the page behind a callback waits longest.
pub(super) const LONGEST: Duration = Duration::from_secs(60);
/// Before a system that has no more sockets is asked for another one.
const RESPITE: Duration = Duration::from_millis(100);

/// Serves until it is dropped, and every connection with it.
pub(super) async fn serve(sockets: Sockets, registry: WeakConnectionRegistry) {
    let port = sockets.port();
    let Some(router) = router(port, registry) else { return };
    let four = TcpListener::from_std(sockets.four);
    let six = sockets.six.map(TcpListener::from_std).transpose();
    let (Ok(four), Ok(six)) = (four, six) else { return };
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match accept(&four, six.as_ref()).await {
            Ok(stream) => {
                connections.spawn(connection(stream, router.clone(), permit));
            }
            Err(error) => {
                tracing::debug!(port, %error, "a connection could not be taken");
                tokio::time::sleep(RESPITE).await;
            }
        }
    }
}

async fn accept(four: &TcpListener, six: Option<&TcpListener>) -> io::Result<TcpStream> {
    let six = async {
        match six {
            Some(six) => six.accept().await,
            None => pending().await,
        }
    };
    tokio::select! {
        accepted = four.accept() => accepted,
        accepted = six => accepted,
    }
    .map(|(stream, _)| stream)
}

/// The callbacks, for requests that name this server alone.
pub(super) fn router(port: u16, registry: WeakConnectionRegistry) -> Option<Router> {
    let url = Arc::new(PublicUrl::loopback(port)?);
    let nothing = || async { StatusCode::NOT_FOUND };
    let routes = callback::routes(Receiver { registry: Registry::Lent(registry), url });
    let routes = routes.fallback(nothing).layer(middleware::from_fn_with_state(port, named));
    Some(routes.layer(middleware::map_response(headers::guarded)))
}

/// One request, then the end: nothing is kept for a second one.
pub(super) async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: Router,
    _permit: OwnedSemaphorePermit,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).keep_alive(false);
    http.max_buf_size(MOST_HEAD).max_headers(MOST_HEADERS);
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // Whoever hangs up, or is hung up on, is no error.
    drop(tokio::time::timeout(LONGEST, served).await);
}

/// Passes on what names this server by the address that it gave out. A page whose name was led here names another
/// (DNS rebinding, T09).
async fn named(State(port): State<u16>, request: Request, next: Next) -> Result<Response, Infallible> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().map(|host| host.as_bytes());
    let is_one = hosts.next().is_none();
    // A request of a server's own form has no other name in it.
    let is_plain = request.uri().authority().is_none();
    let ours = ["127.0.0.1", "[::1]"].map(|host| [format!("{host}:{port}"), host.to_owned()]);
    let is_ours = |name: &[u8]| {
        ours.iter()
            .any(|[with_port, without]| name == with_port.as_bytes() || (port == 80 && name == without.as_bytes()))
    };
    Ok(match host {
        Some(host) if is_one && is_plain && is_ours(host) => next.run(request).await,
        _ => StatusCode::MISDIRECTED_REQUEST.into_response(),
    })
}
