//! HTTP requests and responses as data. The host sends and receives them.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use crate::{BaseUrl, Exposed, Origin, Secret, Text, Timestamp, Value, address::push_query, encode};

/// The value of a header. `Debug` hides secret values.
#[non_exhaustive]
pub enum HeaderValue {
    /// A value that may be logged.
    Public(Text),
    /// A value that the host marks as sensitive.
    Secret(Secret),
}

impl HeaderValue {
    /// Returns the bytes to send.
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

/// A request. `Debug` shows only its method and origin, because the paths and queries of some providers contain
/// secrets.
///
/// A request cannot be created from text alone; its base address comes from the host:
///
/// ```compile_fail,E0308
/// connection_contract::HttpRequest::get("https://api.example.com", "/user");
/// ```
#[non_exhaustive]
pub struct HttpRequest {
    /// Method of the request, such as `GET`.
    pub method: Text,
    /// Headers in order, with names in lower case.
    pub headers: Vec<(Text, HeaderValue)>,
    /// Body. It is wiped on drop, because it may contain a secret.
    pub body: Secret,
    url: String,
    follows: bool,
}

impl HttpRequest {
    /// Creates a request to exactly the address of a base.
    pub fn at(method: impl Into<Text>, base: &BaseUrl) -> Self {
        Self::raw(method.into(), base.itself())
    }

    /// Creates a request to a path below a base. The path is not encoded yet. The host refuses to send a request whose
    /// path contains a `.` or `..` segment.
    pub fn new(method: impl Into<Text>, base: &BaseUrl, path: &str) -> Self {
        Self::raw(method.into(), base.join(path))
    }

    /// See [`host::request`](crate::host::request) for the description.
    pub(crate) fn raw(method: Text, url: String) -> Self {
        Self { method, url, headers: Vec::new(), body: Secret::default(), follows: true }
    }

    /// See [`host::duplicate`](crate::host::duplicate) for the description.
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

    /// Creates a `GET` request to a path below a base.
    pub fn get(base: &BaseUrl, path: &str) -> Self {
        Self::new("GET", base, path)
    }

    /// Creates a `POST` request to a path below a base.
    pub fn post(base: &BaseUrl, path: &str) -> Self {
        Self::new("POST", base, path)
    }

    /// Creates a `DELETE` request to a path below a base.
    pub fn delete(base: &BaseUrl, path: &str) -> Self {
        Self::new("DELETE", base, path)
    }

    /// Returns the address of the request. Only hosts call this.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns a redirect as the response instead of following it.
    ///
    /// By default, the host follows a redirect within the origin, with the same headers and without the body. Use this
    /// method for a request that contains a credential, so that the credential reaches only the address that it is
    /// meant for.
    #[must_use]
    pub fn no_redirect(mut self) -> Self {
        self.follows = false;
        self
    }

    /// Returns `true` if the host may follow a redirect. Only hosts call this.
    pub fn follows_redirects(&self) -> bool {
        self.follows
    }

    /// Adds a query parameter, percent-encoded, after the others.
    #[must_use]
    pub fn query(mut self, name: &str, value: &(impl Exposed + ?Sized)) -> Self {
        push_query(&mut self.url, name, value.exposed());
        self
    }

    /// Adds a field to a form body.
    #[must_use]
    pub fn form(mut self, name: &str, value: &(impl Exposed + ?Sized)) -> Self {
        let before = self.body.expose();
        let name = encode::percent_encode(name);
        let value = Secret::from(encode::percent_encode(value.exposed()));
        let join: &[u8] = if before.is_empty() { b"" } else { b"&" };
        self.body = Secret::concat(&[before, join, name.as_bytes(), b"=", value.expose()]);
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Sets the body to this value as JSON, and the header `content-type`.
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

    /// Sets `Authorization: Bearer …` (RFC 6750).
    #[must_use]
    pub fn bearer(mut self, token: &Secret) -> Self {
        self.set_bearer(token);
        self
    }

    /// Sets `Authorization: Basic …` (RFC 7617).
    #[must_use]
    pub fn basic(mut self, user: &str, password: &Secret) -> Self {
        self.set_basic(user, password);
        self
    }

    /// Adds or replaces a header in place. An [`Authorizer`](crate::Authorizer) uses this method.
    pub fn set_header(&mut self, name: impl Into<Text>, value: impl Into<HeaderValue>) {
        let name = name.into();
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(&name));
        self.headers.push((name, value.into()));
    }

    /// Adds or replaces a query parameter in place. An [`Authorizer`](crate::Authorizer) uses this method for a
    /// provider that takes its credential in the query.
    ///
    /// Servers log addresses, so use a header wherever the provider accepts one.
    pub fn set_query(&mut self, name: &str, value: &(impl Exposed + ?Sized)) {
        let encoded = encode::percent_encode(name);
        let (start, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let is_other = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(&encoded);
        let mut url = start.to_string();
        for pair in query.split('&').filter(is_other) {
            url.push(if url.len() == start.len() { '?' } else { '&' });
            url.push_str(pair);
        }
        push_query(&mut url, name, value.exposed());
        self.url = url;
    }

    /// Puts a path before the path of the request, in place. A path that begins with it already stays as it is. An
    /// [`Authorizer`](crate::Authorizer) uses this method for a provider that takes its credential in the path.
    ///
    /// The path is not encoded yet. It may contain a secret, so it should be one that the provider does not log.
    pub fn set_path_prefix(&mut self, path: &(impl Exposed + ?Sized)) {
        let Some(at) = self.url.find("://").map(|at| at + 3) else { return };
        let end = self.url.get(at..).and_then(|rest| rest.find(['/', '?'])).map_or(self.url.len(), |end| at + end);
        let (origin, rest) = self.url.split_at(end);
        let mut prefix = String::new();
        for part in path.exposed().split('/').filter(|part| !part.is_empty()) {
            prefix.push('/');
            prefix.push_str(&match part {
                "." | ".." => part.replace('.', "%2E"),
                // A colon needs no encoding in a path (RFC 3986, section 3.3), and tokens in paths contain it.
                part => encode::percent_encode(part).replace("%3A", ":"),
            });
        }
        let is_there =
            rest.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        if !is_there {
            self.url = [origin, &prefix, rest].concat();
        }
    }

    /// Adds a header unless the request already has one with this name.
    pub fn default_header(&mut self, name: &'static str, value: impl Into<HeaderValue>) {
        if !self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
            self.set_header(name, value);
        }
    }

    /// Sets the header of [`bearer`](Self::bearer) in place.
    pub fn set_bearer(&mut self, token: &Secret) {
        self.set_header("authorization", Secret::concat(&[b"Bearer ", token.expose()]));
    }

    /// Sets the header of [`basic`](Self::basic) in place.
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

/// A response. `Debug` shows only its status.
pub struct HttpResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Secret,
    received_at: Timestamp,
}

impl HttpResponse {
    /// Creates the response that a host or a test passes to the plugin.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: impl Into<Secret>, received_at: Timestamp) -> Self {
        Self { status, headers, body: body.into(), received_at }
    }

    /// Returns the status code, such as `200`.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the first header with this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Returns all headers, as names and values.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// Returns the body. It is a secret, because an answer may contain new tokens.
    pub fn body(&self) -> &Secret {
        &self.body
    }

    /// Returns the time at which the response arrived.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({})", self.status)
    }
}
