//! The route for webhooks: it passes the request to the registry as received, and answers with a status alone.
//!
//! A body is read only for an address that exists. The sender is known only after the registry has examined every
//! byte, so a body is limited in size and time before it is read, and a refused sender learns nothing but the status.

use std::{future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::any,
};
use connection_contract::Secret;
use connection_core::{ConnectionRegistry, ReceiveError};

use crate::{PublicUrl, headers};

/// The maximum size of a body in bytes; the registry accepts no larger one.
const MAX_BYTES: usize = 1 << 20;
/// The time limit for a whole body; senders of webhooks wait about this long for their answer.
const MAX_DURATION: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
struct Receiver {
    registry: ConnectionRegistry,
    url: Arc<PublicUrl>,
}

/// Returns the route for webhooks, at `/webhooks/{token}`, to be mounted like
/// [`callback_routes`](crate::callback_routes).
///
/// [`PublicUrl::webhook`] is the address that the user enters at the provider. Providers that sign the address sign
/// it as it is configured here, so nothing is taken from `Host`.
///
/// Status 200 means that the delivery is stored, was stored before, or held the key that was waited for. Every other
/// status is [`ReceiveError::status`](connection_core::ReceiveError::status), 408 for a body that does not arrive in
/// time, or 400 for one that breaks off. An unknown address is answered before the body is read. 503 has a
/// `Retry-After` if too many deliveries are being checked or are waiting.
pub fn webhook_routes<S>(registry: ConnectionRegistry, url: PublicUrl) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    // Route every method, because only the plugin knows which one is right.
    Router::new()
        .route("/webhooks/{token}", any(receive))
        .layer(middleware::map_response(headers::with_security_headers))
        .with_state(Receiver { registry, url: Arc::new(url) })
}

async fn receive(
    State(receiver): State<Receiver>,
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let Ok(Path(token)) = token else { return StatusCode::NOT_FOUND.into_response() };
    match receiver.registry.webhooks().is_address(&token).await {
        Ok(true) => {}
        Ok(false) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::warn!(code = error.code(), "the address of a webhook cannot be looked up now");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    let (parts, body) = request.into_parts();
    let body = match whole(&receiver.registry, body).await {
        Ok(body) => body,
        Err(status) => {
            tracing::info!(status = status.as_u16(), "a webhook was not read to its end");
            return status.into_response();
        }
    };
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!("{}{query}", receiver.url.webhook(&token));
    let headers = header_pairs(&parts.headers);
    match receiver.registry.webhooks().receive(&token, parts.method.as_str(), &url, headers, body).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(error) => refused(&error),
    }
}

/// Returns the status of an error, and when to try again if that is known.
fn refused(error: &ReceiveError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = status.into_response();
    if let Some(after) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs()));
    }
    response
}

/// Returns the headers as text. A value that is not text is part of no signature.
fn header_pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// Returns the bytes of a body as received, or the status with which it is refused.
async fn whole(registry: &ConnectionRegistry, body: Body) -> Result<Secret, StatusCode> {
    let clock = registry.clock();
    tokio::select! {
        biased;
        read = read(body) => read,
        () = clock.sleep(MAX_DURATION) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

async fn read(mut body: Body) -> Result<Secret, StatusCode> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BYTES {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut whole = Vec::with_capacity(announced);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        // The sender closed the connection.
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > MAX_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        whole.extend_from_slice(&data);
    }
    Ok(Secret::new(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_told_when_to_try_again_where_that_is_known() {
        for (error, status, after) in [
            (ReceiveError::Busy, 503, Some("5")),
            (ReceiveError::Full, 503, Some("60")),
            (ReceiveError::Unknown, 404, None),
            (ReceiveError::TooLarge, 413, None),
        ] {
            let response = refused(&error);
            let retry_after = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), retry_after), (status, after));
        }
    }
}
