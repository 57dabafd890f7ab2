//! One connection, with limits on time and size.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER},
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
/// The time limit for one request with its response, unless that is a stream of events or passes through a door. The
/// page after a callback takes longest.
pub(crate) const MAX_REQUEST_TIME: Duration = Duration::from_secs(60);
/// The header that says for how long a connection is kept (RFC 9112, appendix C.2.2).
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// The pause after a connection could not be accepted, for example because the system has run out of sockets.
const RESPITE: Duration = Duration::from_millis(100);

/// Returns the accepted connection, or `None` after a pause if accepting failed.
pub(crate) async fn accepted(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            paused(&error).await;
            None
        }
    }
}

/// Pauses after a connection could not be accepted.
pub(super) async fn paused(error: &io::Error) {
    tracing::debug!(%error, "an incoming connection could not be accepted");
    tokio::time::sleep(RESPITE).await;
}

/// The progress of a server towards its end. Each value includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stopping {
    /// The server runs.
    #[default]
    No,
    /// No connection is kept for a further request.
    Drains,
    /// A request that is not answered yet is refused.
    Refuses,
}

/// Serves one request, then closes the connection, unless a door passes the request on: then the connection is kept for
/// the next request, which may come until the time for its head has passed. A connection that a door upgrades no longer
/// belongs to the server.
///
/// A server that stops leaves its connections alone until it refuses: one on which nothing has arrived ends with the time
/// for its head.
pub(crate) async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Router,
    seat: Seat,
    stopping: watch::Receiver<Stopping>,
) {
    let Seat { asks, head_time, mut left, .. } = seat;
    let limits = asks.limits();
    let requests = asks.clone();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_time);
    http.max_buf_size(limits.head).max_headers(limits.headers);
    let routes = TowerToHyperService::new(routes);
    // Clients that read it begin no request on a connection that is about to end.
    let kept_for = HeaderValue::from_str(&format!("timeout={}", head_time.as_secs()));
    let kept_for = kept_for.unwrap_or(HeaderValue::from_static("timeout=0"));
    let (begun, latest) = watch::channel(Instant::now());
    let service = hyper::service::service_fn(move |request| {
        begun.send_replace(Instant::now());
        in_time(routes.clone(), asks.clone(), request, kept_for.clone(), stopping.clone())
    });
    let served = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let too_long = async {
        let mut from = Instant::now();
        loop {
            tokio::time::sleep_until(from + MAX_REQUEST_TIME).await;
            let begun = Some(*latest.borrow()).max(requests.door_ended()).unwrap_or(from);
            match requests.is_stream() {
                true => from = Instant::now(),
                false if begun > from => from = begun,
                false => return,
            }
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
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    tls: ServerTls,
    routes: Router,
    mut seat: Seat,
    stopping: watch::Receiver<Stopping>,
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
            connection(stream, routes, seat, stopping).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// Answers a request, or refuses it when the server ends. The answer says whether the connection is kept.
async fn in_time(
    routes: TowerToHyperService<Router>,
    asks: Asks,
    request: Request<Incoming>,
    kept_for: HeaderValue,
    mut stopping: watch::Receiver<Stopping>,
) -> Result<Response, Infallible> {
    let mut progress = stopping.clone();
    let refuses = async {
        // Without its sender, the server is gone, and nobody reads the answer.
        drop(progress.wait_for(|stopping| *stopping == Stopping::Refuses).await);
    };
    let mut response = tokio::select! {
        biased;
        response = answered(routes, asks.clone(), request) => response?,
        () = refuses => {
            let detail = "the server stops, and the request was not finished in time";
            let remedy = "look whether it took effect, or send it again with the same Idempotency-Key";
            let refused = refusal(StatusCode::SERVICE_UNAVAILABLE, "server_stopping", detail, remedy);
            ([(RETRY_AFTER, "5")], refused).into_response()
        }
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // A door passes on what follows, and has its own place for that.
        return Ok(response);
    }
    let is_kept = asks.passes_door() && *stopping.borrow_and_update() == Stopping::No;
    match is_kept {
        true => response.headers_mut().insert(KEEP_ALIVE, kept_for.clone()),
        false => response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close")),
    };
    Ok(response)
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
