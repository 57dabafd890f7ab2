//! The proof by which a host that checks its own callbacks recognizes itself; see
//! [`check_callback`](crate::check_callback).

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::Receiver;

/// The path of the proof, beside the callbacks; no kind can have the name `-`.
pub(crate) const PATH: &str = "/callback/-/proof";
/// The maximum length of a challenge.
const MAX_LENGTH: usize = 64;

/// Answers a challenge, as every process of the store does. The answer reveals nothing else, so anyone may ask.
pub(super) async fn proof(State(receiver): State<Receiver>, request: Request) -> Response {
    let challenge = request.uri().query().and_then(|query| query.strip_prefix("challenge=")).unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if *request.method() != Method::GET || challenge.is_empty() || challenge.len() > MAX_LENGTH {
        return StatusCode::NOT_FOUND.into_response();
    }
    match receiver.registry.get() {
        Some(registry) if challenge.bytes().all(plain) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], registry.server().callback_proof(challenge))
                .into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
