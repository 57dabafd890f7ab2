//! Requests and answers as data; the host carries them.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, time::Duration};

use crate::{BaseUrl, JsonError, Origin, Secret, Text, Timestamp, Value, address::push_query, encode};

/// What may be a value in a form or query.
pub trait Exposed {
    /// As text; a secret that is not UTF-8 is empty.
    fn exposed(&self) -> &str;
}
impl Exposed for str {
    fn exposed(&self) -> &str {
        self
    }
}
impl Exposed for String {
    fn exposed(&self) -> &str {
        self
    }
}
impl Exposed for Secret {
    fn exposed(&self) -> &str {
        self.expose_str().unwrap_or_default()
    }
}
/// A header's value; `Debug` shows only public ones.
#[non_exhaustive]
pub enum HeaderValue {
    /// May be logged.
    Public(Text),
    /// Marked sensitive by the host.
    Secret(Secret),
}
impl HeaderValue {
    /// The bytes to send.
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::Public(text) => text.as_bytes(),
            Self::Secret(secret) => secret.expose(),
        }
    }
    fn duplicate(&self) -> Self {
        match self {
            Self::Public(text) => Self::Public(text.clone()),
            Self::Secret(secret) => Self::Secret(secret.duplicate()),
        }
    }
}
impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public(text) => write!(f, "{text:?}"),
            Self::Secret(secret) => write!(f, "{secret:?}"),
        }
    }
}
impl From<&'static str> for HeaderValue {
    fn from(text: &'static str) -> Self {
        Self::Public(text.into())
    }
}
impl From<String> for HeaderValue {
    fn from(text: String) -> Self {
        Self::Public(text.into())
    }
}
impl From<Secret> for HeaderValue {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}
/// What to send. `Debug` shows method and origin only: paths and queries of some providers hold secrets.
///
/// There is no way from a text to a request; an address comes from the host:
///
/// ```compile_fail,E0308
/// connection_contract::HttpRequest::get("https://api.example.com", "/user");
/// ```
#[non_exhaustive]
pub struct HttpRequest {
    /// `GET`
    pub method: Text,
    /// In order; names in lower case.
    pub headers: Vec<(Text, HeaderValue)>,
    /// Wiped on drop, since it may hold a secret.
    pub body: Secret,
    url: String,
    follows: bool,
}
impl HttpRequest {
    /// A request below a base; the path is not encoded yet. One with a part that is `.` or `..` is denied when it is sent.
    pub fn new(method: impl Into<Text>, base: &BaseUrl, path: &str) -> Self {
        Self::raw(method.into(), base.join(path))
    }
    /// See [`host::request`](crate::host::request).
    pub(crate) fn raw(method: Text, url: String) -> Self {
        Self { method, url, headers: Vec::new(), body: Secret::default(), follows: true }
    }
    /// See [`host::duplicate`](crate::host::duplicate).
    pub(crate) fn duplicate(&self) -> Self {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.duplicate()));
        Self {
            method: self.method.clone(),
            headers: headers.collect(),
            body: self.body.duplicate(),
            url: self.url.clone(),
            follows: self.follows,
        }
    }
    /// `GET base/path`.
    pub fn get(base: &BaseUrl, path: &str) -> Self {
        Self::new("GET", base, path)
    }
    /// `POST base/path`.
    pub fn post(base: &BaseUrl, path: &str) -> Self {
        Self::new("POST", base, path)
    }
    /// `DELETE base/path`.
    pub fn delete(base: &BaseUrl, path: &str) -> Self {
        Self::new("DELETE", base, path)
    }
    /// For the host.
    pub fn url(&self) -> &str {
        &self.url
    }
    /// A redirect is the answer. Else one within the origin is followed, with the same headers and without the body;
    /// what proves who somebody is should go to the address that it is meant for, and nowhere else.
    #[must_use]
    pub fn no_redirect(mut self) -> Self {
        self.follows = false;
        self
    }
    /// For the host: whether a redirect may be followed.
    pub fn follows_redirects(&self) -> bool {
        self.follows
    }
    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: &(impl Exposed + ?Sized)) -> Self {
        push_query(&mut self.url, name, value.exposed());
        self
    }
    /// Adds a field to a form body.
    #[must_use]
    pub fn form(mut self, name: &str, value: &(impl Exposed + ?Sized)) -> Self {
        let (before, name) = (self.body.expose(), encode::percent_encode(name));
        let value = Secret::from(encode::percent_encode(value.exposed()));
        let join: &[u8] = if before.is_empty() { b"" } else { b"&" };
        self.body = Secret::concat(&[before, join, name.as_bytes(), b"=", value.expose()]);
        self.header("content-type", "application/x-www-form-urlencoded")
    }
    /// A JSON body.
    #[must_use]
    pub fn json(mut self, value: &Value) -> Self {
        self.body = value.to_string().into();
        self.header("content-type", "application/json")
    }
    /// Adds or replaces a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Text>, value: impl Into<HeaderValue>) -> Self {
        self.set_header(name, value);
        self
    }
    /// `Authorization: Bearer …` (RFC 6750).
    #[must_use]
    pub fn bearer(mut self, token: &Secret) -> Self {
        self.set_bearer(token);
        self
    }
    /// `Authorization: Basic …` (RFC 7617).
    #[must_use]
    pub fn basic(mut self, user: &str, password: &Secret) -> Self {
        self.set_basic(user, password);
        self
    }
    /// Adds or replaces a header in place; what an [`Authorizer`](crate::Authorizer) uses.
    pub fn set_header(&mut self, name: impl Into<Text>, value: impl Into<HeaderValue>) {
        let name = name.into();
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(&name));
        self.headers.push((name, value.into()));
    }
    /// Sets a header that the caller has not set.
    pub fn default_header(&mut self, name: &'static str, value: impl Into<HeaderValue>) {
        if !self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
            self.set_header(name, value);
        }
    }
    /// As [`bearer`](Self::bearer), in place.
    pub fn set_bearer(&mut self, token: &Secret) {
        self.set_header("authorization", Secret::concat(&[b"Bearer ", token.expose()]));
    }
    /// As [`basic`](Self::basic), in place.
    pub fn set_basic(&mut self, user: &str, password: &Secret) {
        let pair = Secret::concat(&[user.as_bytes(), b":", password.expose()]);
        self.set_header("authorization", Secret::from(format!("Basic {}", encode::base64(pair.expose()))));
    }
}
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, Origin::of(&self.url).map_or_else(|| "?".to_string(), |o| o.to_string()))
    }
}
/// What came back. `Debug` shows the status only.
pub struct HttpResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Secret,
    received_at: Timestamp,
}
impl HttpResponse {
    /// Made by the host (and by tests).
    pub fn new(status: u16, headers: Vec<(String, String)>, body: impl Into<Secret>, received_at: Timestamp) -> Self {
        Self { status, headers, body: body.into(), received_at }
    }
    /// `200`
    pub fn status(&self) -> u16 {
        self.status
    }
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
    /// All headers.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
    /// The body; an answer may hold fresh tokens, so it is kept as a secret.
    pub fn body(&self) -> &Secret {
        &self.body
    }
    /// When it came.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }
    /// The body as JSON.
    ///
    /// # Errors
    /// [`JsonError::Syntax`].
    pub fn json(&self) -> Result<Value, JsonError> {
        Value::parse(self.body.expose())
    }
    /// `Retry-After`, both forms (RFC 9110, section 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        let dated =
            || u64::try_from(Timestamp::parse(text)?.seconds().saturating_sub(self.received_at.seconds()).max(0)).ok();
        let seconds = text.parse().ok().or_else(dated)?;
        Some(Duration::from_secs(seconds))
    }
}
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({})", self.status)
    }
}
