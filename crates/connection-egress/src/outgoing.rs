//! A plugin's request as the client sends it. What cannot be written as HTTP, or would change how it is framed, is
//! refused before anything is sent.

use connection_contract::{HeaderValue, HttpError, HttpRequest, Secret};
use reqwest::{
    Method,
    header::{self, HeaderMap, HeaderName},
};

/// What only the client may set: they say where a request ends, where it goes and what the connection is used for.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A checked request, without its target.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Secret,
    /// Whether a redirect may be followed at all.
    pub(super) follows: bool,
}

impl Outgoing {
    /// Checks and converts.
    pub(super) fn new(request: HttpRequest) -> Result<Self, HttpError> {
        let (method, headers) = head(&request)?;
        Ok(Self { method, headers, follows: request.follows_redirects(), body: request.body })
    }
    /// What a redirect leaves of it: a `GET` with nothing in it (RFC 9110, section 15.4.4).
    pub(super) fn into_get(mut self) -> Self {
        if self.method != Method::HEAD {
            self.method = Method::GET;
        }
        for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION]
        {
            self.headers.remove(name);
        }
        self.body = Secret::default();
        self
    }
    /// Whether sending it again at another path changes nothing and sends no body again.
    pub(super) fn is_plain_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD) && self.body.is_empty()
    }
}

/// Whether method and headers can be sent, for who has to say so before anything else is done.
pub fn is_sendable(request: &HttpRequest) -> bool {
    head(request).is_ok()
}

fn head(request: &HttpRequest) -> Result<(Method, HeaderMap), HttpError> {
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| HttpError::Protocol)?;
    if matches!(method, Method::CONNECT | Method::TRACE) {
        return Err(HttpError::Protocol);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HttpError::Protocol)?;
        if OURS.contains(&name.as_str()) {
            return Err(HttpError::Protocol);
        }
        headers.append(name, header_value(value)?);
    }
    Ok((method, headers))
}

fn header_value(value: &HeaderValue) -> Result<header::HeaderValue, HttpError> {
    let bytes = value.expose();
    // The library allows a tab; a credential with one in it is a mistake all the same.
    if bytes.iter().any(u8::is_ascii_control) {
        return Err(HttpError::Protocol);
    }
    let mut converted = header::HeaderValue::from_bytes(bytes).map_err(|_| HttpError::Protocol)?;
    converted.set_sensitive(matches!(value, HeaderValue::Secret(_)));
    Ok(converted)
}
