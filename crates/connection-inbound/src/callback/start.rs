//! The address that leads a browser to the provider. The first browser that opens it becomes the setup's browser.
//!
//! Other users of the machine may be able to read the address. Therefore it names neither the `state` nor the
//! provider, and every later browser learns only that the address has been used.

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use connection_contract::Kind;
use connection_core::DeliverError;

use super::{
    Receiver,
    receive::{not_get, see},
};
use crate::{
    cookies,
    page::{self, Page},
};

pub(super) async fn start(
    State(receiver): State<Receiver>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    if *request.method() != Method::GET {
        return not_get();
    }
    let path = path.ok().and_then(|Path((kind, token))| Some((Kind::parse_path_segment(&kind)?, token)));
    let (Some((kind, token)), Some(registry)) = (path, receiver.registry.get()) else {
        return page::answer(StatusCode::NOT_FOUND, &Page::Neutral);
    };
    let proofs = cookies::proofs(&receiver.url, request.headers());
    match registry.setups().open_start_address(&kind, &token, &proofs).await {
        Ok(lead) => {
            let mut response = see(&lead.link);
            let cookie = lead.proof.and_then(|proof| cookies::set(&receiver.url, &kind, lead.session, &proof));
            response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
            response
        }
        Err(DeliverError::OtherBrowser) => {
            tracing::warn!(%kind, "a second browser opened the address of a setup");
            page::answer(StatusCode::FORBIDDEN, &Page::Taken)
        }
        Err(DeliverError::NotNow) => {
            let mut response = page::answer(StatusCode::OK, &Page::Working);
            response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("1"));
            response
        }
        Err(DeliverError::Error(error)) => {
            tracing::warn!(%kind, code = error.code(), "a browser cannot be redirected to the provider now");
            page::answer(StatusCode::SERVICE_UNAVAILABLE, &Page::Again)
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::NOT_FOUND);
            page::answer(status, &Page::Neutral)
        }
    }
}
