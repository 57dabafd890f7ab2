//! One connection, with limits on time and size.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse as _, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::Instant,
};

use super::{
    capacity::{Asks, Seat},
    place::{RequestPlace, TrackedBody},
    refusal::refusal,
    tls::ServerTls,
};
use crate::callback::ListeningAddress;

/// The time limit for the head of a request.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for one request with its response, unless that is a stream of events. The page after a callback takes
/// longest.
pub(crate) const MAX_CONNECTION_TIME: Duration = Duration::from_secs(60);
/// The pause after a connection could not be accepted, for example because the system has run out of sockets.
const RESPITE: Duration = Duration::from_millis(100);

/// Returns the accepted connection, or `None` after a pause if accepting failed.
pub(crate) async fn accepted(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            tracing::debug!(%error, "an incoming connection could not be accepted");
            tokio::time::sleep(RESPITE).await;
            None
        }
    }
}

/// Serves one request, then closes the connection. After `over` is set, a request that is not answered yet is refused.
///
/// A server that stops leaves its connections alone until then: one on which nothing has arrived ends with the time for
/// its head.
pub(crate) async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    routes: Router,
    seat: Seat,
    over: watch::Receiver<bool>,
) {
    let Seat { asks, head_time, mut left, .. } = seat;
    let limits = asks.limits();
    let requests = asks.clone();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_time).keep_alive(false);
    http.max_buf_size(limits.head).max_headers(limits.headers);
    let routes = TowerToHyperService::new(routes);
    let service =
        hyper::service::service_fn(move |request| in_time(routes.clone(), asks.clone(), request, over.clone()));
    let served = http.serve_connection(TokioIo::new(stream), service);
    let too_long = async {
        tokio::time::sleep(MAX_CONNECTION_TIME).await;
        if requests.is_stream() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        // A connection that either side closes is not an error.
        _ = served => {}
        // Another connection needs the seat.
        _ = &mut left => {}
        () = too_long => {}
    }
}

/// Serves one request over TLS, as [`connection`] does. The handshake takes its time from that of the head.
pub(crate) async fn secured(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    tls: ServerTls,
    routes: Router,
    mut seat: Seat,
    over: watch::Receiver<bool>,
) {
    let deadline = Instant::now() + seat.head_time;
    let accepted = tokio::select! {
        biased;
        // Another connection needs the seat.
        _ = &mut seat.left => return,
        accepted = tokio::time::timeout_at(deadline, tls.accept(stream)) => accepted,
    };
    match accepted {
        Ok(Ok(stream)) => {
            seat.head_time = deadline.saturating_duration_since(Instant::now());
            connection(stream, routes, seat, over).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// Answers a request, or refuses it when the server ends.
async fn in_time(
    routes: TowerToHyperService<Router>,
    asks: Asks,
    request: Request<Incoming>,
    mut over: watch::Receiver<bool>,
) -> Result<Response, Infallible> {
    let ended = async {
        // Without its sender, the server is gone, and nobody reads the answer.
        drop(over.wait_for(|over| *over).await);
    };
    tokio::select! {
        biased;
        response = answered(routes, asks, request) => response,
        () = ended => {
            let detail = "the server stops, and the request was not finished in time";
            let remedy = "look whether it took effect, or send it again with the same Idempotency-Key";
            let refused = refusal(StatusCode::SERVICE_UNAVAILABLE, "server_stopping", detail, remedy);
            Ok(([(RETRY_AFTER, "5")], refused).into_response())
        }
    }
}

/// Answers a request when the server has capacity for it.
async fn answered(
    routes: TowerToHyperService<Router>,
    asks: Asks,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    // The library refuses a head when its buffer is full, which is after more than the limit has arrived.
    if head_length(&request) > asks.limits().head {
        return Ok(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response());
    }
    if !asks.count_behind_proxy(request.headers()) {
        let message = "too many requests of your address are being answered\n";
        return Ok((StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")], message).into_response());
    }
    let answering = asks.answering(request.uri().path()).await;
    let place = answering.place();
    if let Some(address) = asks.local {
        request.extensions_mut().insert(ListeningAddress(address));
    }
    request.extensions_mut().insert(RequestPlace::new(place.clone()));
    let response = routes.call(request.map(|body| TrackedBody::new(body, place.clone()))).await?;
    let is_stream = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    if is_stream && !asks.stream() {
        let refused = (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "60")], "too many streams of events are open\n");
        return Ok(refused.into_response());
    }
    Ok(response)
}

/// Returns the length of a head in bytes, without the white space that a client may add.
fn head_length<B>(request: &Request<B>) -> usize {
    const LINE: usize = " HTTP/1.1\r\n".len();
    let first = request.method().as_str().len() + 1 + request.uri().to_string().len() + LINE;
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    first + lines.sum::<usize>() + "\r\n".len()
}
