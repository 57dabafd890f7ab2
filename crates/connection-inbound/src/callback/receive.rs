//! The handler of callbacks: it delivers the callback, then redirects the browser away from the callback's address.

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use connection_contract::Kind;
use connection_core::{Callback, DeliverError};

use super::Receiver;
use crate::{
    cookies,
    page::{self, Page},
    query,
};

pub(super) async fn receive(
    State(receiver): State<Receiver>,
    kind: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    take(receiver, kind.ok().map(|Path(kind)| (kind, None)), request).await
}

/// Takes a callback at an address that ends with a part.
pub(super) async fn receive_at(
    State(receiver): State<Receiver>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    take(receiver, path.ok().map(|Path((kind, part))| (kind, Some(part))), request).await
}

async fn take(receiver: Receiver, path: Option<(String, Option<String>)>, request: Request) -> Response {
    if *request.method() != Method::GET {
        return not_get();
    }
    let Some((kind, part)) = path.and_then(|(kind, part)| Some((Kind::parse_path_segment(&kind)?, part))) else {
        return page::answer(StatusCode::NOT_FOUND, &Page::Neutral);
    };
    let Some(registry) = receiver.registry.get() else { return page::answer(StatusCode::GONE, &Page::Neutral) };
    let Some(parameters) = query::parameters(request.uri().query().unwrap_or_default()) else {
        tracing::debug!(%kind, "a callback is too long");
        return refused(&receiver, &kind, StatusCode::BAD_REQUEST);
    };
    let proofs = cookies::proofs(&receiver.url, request.headers());
    let callback = Callback::new(parameters).at(kind.clone()).browser(proofs);
    let callback = match part {
        Some(part) => callback.part(part),
        None => callback,
    };
    match registry.setups().deliver(callback).await {
        Ok(delivered) => {
            tracing::info!(%kind, session = %delivered.session.id(), "a callback was accepted");
            see(&receiver.url.done(&kind, Some(&delivered.reference)))
        }
        Err(DeliverError::Error(error)) => {
            tracing::warn!(%kind, code = error.code(), "a callback cannot be accepted now");
            // The browser is not redirected, so that it can send the callback again.
            page::answer(StatusCode::SERVICE_UNAVAILABLE, &Page::Again)
        }
        Err(error) => {
            tracing::info!(%kind, code = error.code(), "a callback was refused");
            match error {
                DeliverError::OtherBrowser => other_browser(&receiver, &kind),
                error => {
                    let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::NOT_FOUND);
                    refused(&receiver, &kind, status)
                }
            }
        }
    }
}

pub(super) fn not_get() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response()
}

/// Returns a redirect with status 303, so that the browser sends nothing along (RFC 9700, section 4.12).
pub(super) fn see(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        // The configured URL with an id, and a provider's address, are always valid header values.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Returns the same answer for every refused callback: programs see the status, and a browser leaves the address.
fn refused(receiver: &Receiver, kind: &Kind, status: StatusCode) -> Response {
    leaving(page::answer(status, &Page::Neutral), &receiver.url.done(kind, None))
}

/// Returns the answer for the wrong browser. The `state` was right, so this may be the setup's user in another browser.
fn other_browser(receiver: &Receiver, kind: &Kind) -> Response {
    leaving(page::answer(StatusCode::FORBIDDEN, &Page::OtherBrowser), &receiver.url.other_browser(kind))
}

fn leaving(mut response: Response, location: &str) -> Response {
    if let Ok(refresh) = HeaderValue::from_str(&format!("0;url={location}")) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}
