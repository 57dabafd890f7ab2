//! The request of a plugin, converted for the inner client. A request that cannot be written as HTTP, or that would
//! change its own framing, is rejected before anything is sent.

use connection_contract::{HeaderValue, HttpError, HttpRequest, Secret, host::CONNECTION_HEADERS};
use reqwest::{
    Method,
    header::{self, HeaderMap, HeaderName},
};

/// A checked request, without its target.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Secret,
    /// `true` if redirects may be followed.
    pub(super) follows: bool,
}

impl Outgoing {
    pub(super) fn new(request: HttpRequest) -> Result<Self, HttpError> {
        let (method, headers) = head(&request)?;
        Ok(Self { method, headers, follows: request.follows_redirects(), body: request.body })
    }

    /// Converts the request to the `GET` that follows a redirect: without a body and its headers (RFC 9110, section
    /// 15.4.4). A `HEAD` stays a `HEAD`.
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

    /// Returns `true` for a `GET` or `HEAD` without a body, which can be sent again to another path without harm.
    pub(super) fn is_plain_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD) && self.body.is_empty()
    }
}

/// Returns `true` if the method and the headers can be sent. Callers use this to reject a request before they do
/// anything else.
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
        if CONNECTION_HEADERS.contains(&name.as_str()) {
            return Err(HttpError::Protocol);
        }
        headers.append(name, header_value(value)?);
    }
    Ok((method, headers))
}

fn header_value(value: &HeaderValue) -> Result<header::HeaderValue, HttpError> {
    let bytes = value.expose();
    // The library allows a tab, but a credential with a tab in it is a mistake.
    if bytes.iter().any(u8::is_ascii_control) {
        return Err(HttpError::Protocol);
    }
    let mut converted = header::HeaderValue::from_bytes(bytes).map_err(|_| HttpError::Protocol)?;
    converted.set_sensitive(matches!(value, HeaderValue::Secret(_)));
    Ok(converted)
}
