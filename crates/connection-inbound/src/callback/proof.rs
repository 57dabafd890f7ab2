//! The proof by which a host that checks its own callbacks recognizes itself; see
//! [`check_callback`](crate::check_callback).
//!
//! Everybody may pass on a challenge and its answer, so the answer proves that some process of the store is reached at the
//! end, and nothing about the program that was asked. With `listening`, the answer is for the address at which the server
//! itself took the connection: a program that listens elsewhere and passes the challenge on gets an answer for the address
//! of the server, and none through a proxy.

use std::net::SocketAddr;

use axum::{
    extract::{Extension, Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::Receiver;

/// The path of the proof, beside the callbacks; no kind can have the name `-`.
pub(crate) const PATH: &str = "/callback/-/proof";
/// The maximum length of a challenge.
const MAX_LENGTH: usize = 64;

/// The text after a challenge that asks for the address of the listener.
pub(crate) const LISTENING: &str = "&listening";
/// The headers by which a proxy shows that it passed the request on.
const OF_PROXIES: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// The address of the server to which the client of a request is connected. It is an extension of each request of a
/// [`Server`](crate::Server).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListeningAddress(pub(crate) SocketAddr);

/// Returns the text that is proved for an address at which a server listens.
pub(crate) fn listening(challenge: &str, address: SocketAddr) -> String {
    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
    format!("{challenge} listening at {address}")
}

/// Answers a challenge, as every process of the store does. The answer reveals nothing else, so anyone may ask.
pub(super) async fn proof(
    State(receiver): State<Receiver>,
    address: Option<Extension<ListeningAddress>>,
    request: Request,
) -> Response {
    let challenge = request.uri().query().and_then(|query| query.strip_prefix("challenge=")).unwrap_or_default();
    let (challenge, is_of_listener) = match challenge.strip_suffix(LISTENING) {
        Some(challenge) => (challenge, true),
        None => (challenge, false),
    };
    let is_direct = !OF_PROXIES.iter().any(|name| request.headers().contains_key(*name));
    let proved = match (is_of_listener, address) {
        (false, _) => Some(challenge.to_owned()),
        (true, Some(Extension(ListeningAddress(address)))) if is_direct => Some(listening(challenge, address)),
        (true, _) => None,
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if *request.method() != Method::GET || challenge.is_empty() || challenge.len() > MAX_LENGTH {
        return StatusCode::NOT_FOUND.into_response();
    }
    match (receiver.registry.get(), proved) {
        (Some(registry), Some(proved)) if challenge.bytes().all(plain) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], registry.receiver().callback_proof(&proved))
                .into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
