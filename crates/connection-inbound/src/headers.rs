//! The security headers of every response.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

/// Headers that prevent caching, framing, content sniffing and referrers (RFC 9700, section 4.2.4).
const USUAL: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The policy that allows nothing to be loaded, sent or framed. A page with a style sets its own.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds the headers that a response does not set itself.
pub(crate) async fn with_security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in USUAL {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOTHING));
    response
}

/// Lets browsers come to this host with TLS alone for a year (RFC 6797). They ignore it for an address without a name.
pub(crate) async fn with_strict_transport(mut response: Response) -> Response {
    let year = HeaderValue::from_static("max-age=31536000");
    response.headers_mut().entry(header::STRICT_TRANSPORT_SECURITY).or_insert(year);
    response
}
