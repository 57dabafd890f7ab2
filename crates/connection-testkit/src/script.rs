//! Scripted HTTP: a list of requests in order, each with its answer. Any other request fails the test.

use std::sync::{Mutex, MutexGuard, PoisonError};

use connection_contract::{HttpError, HttpRequest, HttpResponse, Secret, Timestamp, Value, encode, host};

use crate::{
    canary::{self, Canary},
    fault::fail,
};

/// The answer to a request, or an error in its place.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply(pub(crate) Result<Parts, HttpError>);

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Secret,
}

impl Reply {
    pub(crate) fn duplicate(&self) -> Self {
        let part = |p: &Parts| Parts { status: p.status, headers: p.headers.clone(), body: p.body.duplicate() };
        Self(self.0.as_ref().map(part).map_err(|error| *error))
    }

    /// Creates an answer with a JSON body.
    pub fn json(status: u16, body: &str) -> Self {
        Self::text(status, body).header("content-type", "application/json")
    }

    /// Creates an answer with a text body and no headers.
    pub fn text(status: u16, body: &str) -> Self {
        Self(Ok(Parts { status, headers: Vec::new(), body: Secret::from(body) }))
    }

    /// Creates an answer without a body.
    pub fn status(status: u16) -> Self {
        Self::text(status, "")
    }

    /// Creates an error in place of an answer.
    pub fn error(error: HttpError) -> Self {
        Self(Err(error))
    }

    /// Adds a header to the answer. An error stays as it is.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(parts) = &mut self.0 {
            parts.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    fn at(&self, time: Timestamp) -> Result<HttpResponse, HttpError> {
        let parts = self.0.as_ref().map_err(|error| *error)?;
        Ok(HttpResponse::new(parts.status, parts.headers.clone(), parts.body.duplicate(), time))
    }
}

/// An expected request with its answer.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "give it to `FakeHost::expect`"]
pub struct Expected {
    method: String,
    url: String,
    headers: Vec<(String, Option<Secret>)>,
    body: Option<Body>,
    stays: bool,
    has_any_query: bool,
    /// The address that is requested after this one could not be.
    alternative: Option<String>,
    pub(crate) reply: Reply,
}

#[derive(Clone, Debug)]
enum Body {
    /// A form with these fields and no others.
    Form(Vec<(String, String)>),
    /// A form with these fields and any others.
    FormHas(Vec<(String, String)>),
    Json(Value),
}

impl Expected {
    /// Expects a request with this method to exactly this URL, including the query.
    ///
    /// The answer is a 200 with an empty body, unless [`answer`](Self::answer) sets another one.
    pub fn new(method: &str, url: &str) -> Self {
        let method = method.to_owned();
        let url = url.to_owned();
        Self {
            method,
            url,
            headers: Vec::new(),
            body: None,
            stays: false,
            has_any_query: false,
            alternative: None,
            reply: Reply::status(200),
        }
    }

    /// Expects a `GET` request to this URL.
    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// Expects a `POST` request to this URL.
    pub fn post(url: &str) -> Self {
        Self::new("POST", url)
    }

    /// Expects a `DELETE` request to this URL.
    pub fn delete(url: &str) -> Self {
        Self::new("DELETE", url)
    }

    /// Requires this header with this value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), Some(Secret::from(value))));
        self
    }

    /// Requires `Authorization: Basic …` with this user and password (RFC 7617).
    pub fn basic(self, user: &str, password: &str) -> Self {
        let pair = encode::base64(format!("{user}:{password}").as_bytes());
        self.header("authorization", &format!("Basic {pair}"))
    }

    /// Requires that this header is absent.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.push((name.to_owned(), None));
        self
    }

    /// Accepts any query, for one with random values.
    pub fn any_query(mut self) -> Self {
        self.has_any_query = true;
        self
    }

    /// Sets the address that the plugin requests next if it gets no answer from this one, such as the second of two
    /// places of a document. The suite uses it when it lets this request fail.
    pub fn or_else(mut self, url: &str) -> Self {
        self.alternative = Some(url.to_owned());
        self
    }

    /// Returns the request to the other address, with the same answer.
    pub(crate) fn alternative(&self) -> Option<Self> {
        let url = self.alternative.clone()?;
        Some(Self { url, alternative: None, ..self.duplicate() })
    }

    /// Requires that the host follows no redirect ([`HttpRequest::no_redirect`]).
    pub fn no_redirect(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Requires a form with exactly these fields, in any order.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.body = Some(Body::Form(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()));
        self
    }

    /// Requires a form with this field, among others.
    ///
    /// Use it for forms with fields that the test does not know, such as random values.
    pub fn form_field(mut self, name: &str, value: &str) -> Self {
        let mut fields = if let Some(Body::FormHas(fields)) = self.body.take() { fields } else { Vec::new() };
        fields.push((name.to_owned(), value.to_owned()));
        self.body = Some(Body::FormHas(fields));
        self
    }

    /// Requires this JSON as the body.
    #[track_caller]
    pub fn json(mut self, text: &str) -> Self {
        let Ok(value) = Value::parse(text.as_bytes()) else { fail("the expected body is not JSON") };
        self.body = Some(Body::Json(value));
        self
    }

    /// Sets the answer to the request.
    pub fn answer(mut self, reply: Reply) -> Self {
        self.reply = reply;
        self
    }

    pub(crate) fn duplicate(&self) -> Self {
        let secret = |value: &Option<Secret>| value.as_ref().map(Secret::duplicate);
        Self {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), secret(value))).collect(),
            body: self.body.clone(),
            stays: self.stays,
            has_any_query: self.has_any_query,
            alternative: self.alternative.clone(),
            reply: self.reply.duplicate(),
        }
    }

    /// Returns the first difference between the request and the expected one. The text contains no values.
    fn differs(&self, request: &HttpRequest, url: &str) -> Option<String> {
        let compared = |url: &'_ str| match self.has_any_query {
            true => url.split('?').next().unwrap_or_default().to_owned(),
            false => url.to_owned(),
        };
        if self.method != request.method || compared(&self.url) != compared(url) {
            return Some("is not the next one in the script".to_owned());
        }
        if self.stays && request.follows_redirects() {
            return Some("is as expected, but would follow a redirect".to_owned());
        }
        for (name, value) in &self.headers {
            let mut found = request.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
            let problem = match (value, found.next(), found.next()) {
                (_, _, Some(_)) => "is there twice",
                (None, Some(_), None) => "should not be there",
                (Some(_), None, None) => "is missing",
                (Some(value), Some((_, sent)), None) if sent.expose() != value.expose() => "has another value",
                _ => continue,
            };
            return Some(format!("is as expected, but its header '{name}' {problem}"));
        }
        let same = match &self.body {
            None => true,
            Some(Body::Form(fields)) => {
                let mut sent = encode::from_form(request.body.expose_str().unwrap_or("\0"));
                let mut fields = fields.clone();
                sent.sort();
                fields.sort();
                sent == fields
            }
            Some(Body::FormHas(fields)) => {
                let sent = encode::from_form(request.body.expose_str().unwrap_or("\0"));
                fields.iter().all(|field| sent.contains(field))
            }
            Some(Body::Json(value)) => Value::parse(request.body.expose()).as_ref() == Ok(value),
        };
        (!same).then(|| "is as expected, but its body differs".to_owned())
    }
}

/// The expected requests, and the number of those that were sent.
#[derive(Default)]
pub(crate) struct Script(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    expected: Vec<Expected>,
    next: usize,
    secrets: Vec<Canary>,
    urls: Vec<String>,
    fault: Option<(usize, Reply)>,
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, expected: Expected) {
        self.lock().expected.push(expected);
    }

    pub(crate) fn next(&self) -> usize {
        self.lock().next
    }

    pub(crate) fn seek(&self, next: usize) {
        self.lock().next = next;
    }

    /// Answers the request with number `at` and every later one with `reply`, whatever is expected.
    pub(crate) fn fault(&self, at: usize, reply: Reply) {
        self.lock().fault = Some((at, reply));
    }

    /// Hides the secret from messages.
    pub(crate) fn hide(&self, secret: &Secret) {
        let secrets = &mut self.lock().secrets;
        if !secrets.iter().any(|hidden| hidden.is_of(secret.expose())) {
            secrets.push(Canary::new(secret.expose()));
        }
    }

    /// Returns the URL of every request.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.lock().urls.clone()
    }

    /// Returns the method, origin and path, without the hidden secrets.
    pub(crate) fn shown(&self, method: &str, url: &str) -> String {
        let path = url.split('?').next().unwrap_or_default();
        self.redacted(&format!("{method} {path}"))
    }

    /// Returns the text without the hidden secrets.
    pub(crate) fn redacted(&self, text: &str) -> String {
        canary::redacted(text, &self.lock().secrets)
    }

    /// Returns the next answer, or fails the test if the request is not the expected one.
    pub(crate) fn answer(&self, request: &HttpRequest, url: &str, now: Timestamp) -> Result<HttpResponse, HttpError> {
        let mut inner = self.lock();
        inner.urls.push(url.to_owned());
        if let Some((_, reply)) = inner.fault.as_ref().filter(|(at, _)| inner.next >= *at) {
            let result = reply.at(now);
            inner.next += 1;
            return result;
        }
        let (problem, wanted) = match inner.expected.get(inner.next) {
            None => ("was not expected: the script is at its end".to_owned(), None),
            Some(expected) => match expected.differs(request, url) {
                None => {
                    let result = expected.reply.at(now);
                    inner.next += 1;
                    return result;
                }
                Some(problem) => (problem, Some((expected.method.clone(), expected.url.clone()))),
            },
        };
        drop(inner);
        let sent = self.shown(&request.method, url);
        let wanted = wanted.map(|(method, url)| self.shown(&method, &url)).filter(|wanted| *wanted != sent);
        let wanted = wanted.map(|wanted| format!("; expected was {wanted}")).unwrap_or_default();
        fail(&format!("the request {sent} {problem}{wanted}"))
    }

    /// Returns a message about the first expected request that was not sent.
    pub(crate) fn unmet(&self) -> Option<String> {
        let inner = self.lock();
        let first = inner.expected.get(inner.next).filter(|_| inner.fault.is_none())?;
        let method = first.method.clone();
        let url = first.url.clone();
        let more = inner.expected.len() - inner.next - 1;
        drop(inner);
        Some(format!("the plugin did not send {} ({more} more after it)", self.shown(&method, &url)))
    }
}

/// Fails the test for an expected request to a URL that no plugin can request.
#[track_caller]
pub(crate) fn checked(expected: &Expected) {
    if host::origin(&expected.url).is_none() {
        fail("an expected request needs an absolute http(s) URL");
    }
}
