//! Requests to an origin of a granted connection: TLS, the checks of each request, and the reverse door.

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body as _, Incoming},
    header::HOST,
    http::uri::{PathAndQuery, Scheme},
    server::conn::http1,
    service::service_fn,
    upgrade::{self, OnUpgrade, Upgraded},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use reqwest::Body;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::{granted::Granted, headers, host_port::HostPort, refusal::Refusal, reverse_door::ReverseDoor, tunnel};

/// The greatest length of the head of a request, here and for `CONNECT`.
pub(crate) const MAX_HEAD: usize = 64 * 1024;
/// The longest time for the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time until the head of the next request has arrived. A connection that a program keeps without using it
/// ends after this time, so that another one can be served.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// Serves the requests on one connection, for which `CONNECT` was answered.
pub(crate) async fn serve(door: &ReverseDoor, granted: &Granted, client: Upgraded) {
    let accepted = TlsAcceptor::from(granted.tls.clone()).accept(TokioIo::new(client));
    let stream = match timeout(HANDSHAKE_TIMEOUT, accepted).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            // A program that does not know the authority of the run ends the handshake here.
            tracing::debug!(%error, host = %granted.at, "a TLS handshake at the forward door failed");
            return;
        }
        Err(_) => {
            tracing::debug!(host = %granted.at, "a TLS handshake at the forward door took too long");
            return;
        }
    };
    let websocket = Mutex::new(None);
    let service = service_fn(|request| async {
        let answered = answer(door, granted, request, &websocket).await;
        Ok::<_, Infallible>(answered.unwrap_or_else(Refusal::into_response))
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(IDLE_TIMEOUT).max_header_size(MAX_HEAD);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).with_upgrades().await {
        tracing::debug!(%error, host = %granted.at, "a connection to a granted host broke off");
        return;
    }
    let Some((client, provider)) = websocket.into_inner().unwrap_or_else(PoisonError::into_inner) else { return };
    let Ok(client) = client.await else { return };
    tunnel::copy(client, provider).await;
}

/// The connection of a client after the answer that upgrades it, and the one to the reverse door.
type WebSocket = (OnUpgrade, reqwest::Upgraded);

/// Passes a request on, and returns the answer when its head has arrived. If the answer upgrades the connection,
/// `websocket` is set.
async fn answer(
    door: &ReverseDoor,
    granted: &Granted,
    mut request: Request<Incoming>,
    websocket: &Mutex<Option<WebSocket>>,
) -> Result<Response<Body>, Refusal> {
    let path = checked(granted, &request)?;
    let address = format!("{}{path}", granted.address);
    let is_websocket =
        request.method() == Method::GET && request.body().is_end_stream() && headers::is_websocket(request.headers());
    let answer = match is_websocket {
        false => door.send(&address, request).await?,
        true => {
            let client = upgrade::on(&mut request);
            let answer = door.send_websocket(&address, request).await?;
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                let mut response = Response::new(Body::default());
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                *response.headers_mut() = headers::of_upgrade(answer.headers());
                let provider = answer.upgrade().await.map_err(|_| Refusal::no_answer())?;
                *websocket.lock().unwrap_or_else(PoisonError::into_inner) = Some((client, provider));
                return Ok(response);
            }
            answer.into()
        }
    };
    let (answer, body) = answer.into_parts();
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = headers::of_answer(&answer.headers);
    granted.links.write_back(response.headers_mut());
    Ok(response)
}

/// Returns path and query of a request, if the request names the host and the port of `CONNECT`, and no other.
fn checked<'a, B>(granted: &Granted, request: &'a Request<B>) -> Result<&'a str, Refusal> {
    let is_this = |text: &str| HostPort::parse_https(text).as_ref() == Some(&granted.at);
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
    let uri = request.uri();
    let is_target = match uri.authority() {
        Some(authority) => uri.scheme() == Some(&Scheme::HTTPS) && is_this(authority.as_str()),
        None => true,
    };
    if !host.is_some_and(is_this) || !is_target {
        return Err(Refusal::host_mismatch(&granted.at));
    }
    let path = uri.path_and_query().map(PathAndQuery::as_str);
    // `OPTIONS *` is about a server as a whole, and the reverse door is not the server of the provider.
    path.filter(|path| path.starts_with('/')).ok_or_else(Refusal::ambiguous_path)
}
