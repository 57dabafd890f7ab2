//! HTTP as a script: requests in order, each with its answer. Anything else fails the test.

use std::sync::{Mutex, MutexGuard, PoisonError};

use connection_contract::{HttpError, HttpRequest, HttpResponse, Secret, Timestamp, Value, encode, host};

use crate::{canary, fault::fail};

/// An answer, or that there is none.
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

    /// An answer with a JSON body.
    pub fn json(status: u16, body: &str) -> Self {
        Self::text(status, body).header("content-type", "application/json")
    }

    /// An answer with any body.
    pub fn text(status: u16, body: &str) -> Self {
        Self(Ok(Parts { status, headers: Vec::new(), body: Secret::from(body) }))
    }

    /// An answer without a body.
    pub fn status(status: u16) -> Self {
        Self::text(status, "")
    }

    /// No answer.
    pub fn error(error: HttpError) -> Self {
        Self(Err(error))
    }

    /// Adds a header to an answer.
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

/// A request that must come next, and its answer.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "give it to `FakeHost::expect`"]
pub struct Expected {
    method: String,
    url: String,
    headers: Vec<(String, Option<Secret>)>,
    body: Option<Body>,
    stays: bool,
    pub(crate) reply: Reply,
}

#[derive(Clone, Debug)]
enum Body {
    /// These fields and no others.
    Form(Vec<(String, String)>),
    /// These fields, and any others beside them.
    FormHas(Vec<(String, String)>),
    Json(Value),
}

impl Expected {
    /// A request with this method to exactly this URL, query included; answered with 200 and an empty body.
    pub fn new(method: &str, url: &str) -> Self {
        let (method, url) = (method.to_owned(), url.to_owned());
        Self { method, url, headers: Vec::new(), body: None, stays: false, reply: Reply::status(200) }
    }

    /// `GET url`.
    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// `POST url`.
    pub fn post(url: &str) -> Self {
        Self::new("POST", url)
    }

    /// `DELETE url`.
    pub fn delete(url: &str) -> Self {
        Self::new("DELETE", url)
    }

    /// It must have this header with this value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), Some(Secret::from(value))));
        self
    }

    /// It must carry `Authorization: Basic …` for these (RFC 7617).
    pub fn basic(self, user: &str, password: &str) -> Self {
        let pair = encode::base64(format!("{user}:{password}").as_bytes());
        self.header("authorization", &format!("Basic {pair}"))
    }

    /// It must not have this header.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.push((name.to_owned(), None));
        self
    }

    /// It must let the host follow no redirect ([`HttpRequest::no_redirect`]).
    pub fn no_redirect(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Its body must be a form with these fields, in any order.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.body = Some(Body::Form(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()));
        self
    }

    /// Its body must be a form with this field, and may have others: for what the plugin draws or adds.
    pub fn form_field(mut self, name: &str, value: &str) -> Self {
        let mut fields = if let Some(Body::FormHas(fields)) = self.body.take() { fields } else { Vec::new() };
        fields.push((name.to_owned(), value.to_owned()));
        self.body = Some(Body::FormHas(fields));
        self
    }

    /// Its body must be this JSON.
    #[track_caller]
    pub fn json(mut self, text: &str) -> Self {
        let Ok(value) = Value::parse(text.as_bytes()) else { fail("the expected body is not JSON") };
        self.body = Some(Body::Json(value));
        self
    }

    /// What it is answered with.
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
            reply: self.reply.duplicate(),
        }
    }

    /// What of the request is not as expected; never a value.
    fn differs(&self, request: &HttpRequest, url: &str) -> Option<String> {
        if self.method != request.method || self.url != url {
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

/// The expectations and how far they are met.
#[derive(Default)]
pub(crate) struct Script(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    expected: Vec<Expected>,
    next: usize,
    secrets: Vec<Secret>,
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

    /// From this request on, everything is answered with that, and nothing more is expected.
    pub(crate) fn fault(&self, at: usize, reply: Reply) {
        self.lock().fault = Some((at, reply));
    }

    /// From now on messages do not show it.
    pub(crate) fn hide(&self, secret: &Secret) {
        self.lock().secrets.push(secret.duplicate());
    }

    /// Every URL that was asked for.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.lock().urls.clone()
    }

    /// Method, origin and path, without a secret that the test gave.
    pub(crate) fn shown(&self, method: &str, url: &str) -> String {
        let path = url.split('?').next().unwrap_or_default();
        self.redacted(&format!("{method} {path}"))
    }

    /// The text without a secret that the test gave.
    pub(crate) fn redacted(&self, text: &str) -> String {
        canary::redacted(text, self.lock().secrets.iter().map(Secret::expose))
    }

    /// The next answer, to a request at a URL.
    pub(crate) fn answer(&self, request: &HttpRequest, url: &str, now: Timestamp) -> Result<HttpResponse, HttpError> {
        let sent = self.shown(&request.method, url);
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
        let wanted = wanted.map(|(method, url)| self.shown(&method, &url)).filter(|wanted| *wanted != sent);
        let wanted = wanted.map(|wanted| format!("; expected was {wanted}")).unwrap_or_default();
        fail(&format!("the request {sent} {problem}{wanted}"))
    }

    /// The first expectation that was not met.
    pub(crate) fn unmet(&self) -> Option<String> {
        let inner = self.lock();
        let first = inner.expected.get(inner.next).filter(|_| inner.fault.is_none())?;
        let (method, url, more) = (first.method.clone(), first.url.clone(), inner.expected.len() - inner.next - 1);
        drop(inner);
        Some(format!("the plugin did not send {} ({more} more after it)", self.shown(&method, &url)))
    }
}

/// The origin of a URL in a script; fails the test for one that no plugin can ask for.
#[track_caller]
pub(crate) fn checked(expected: &Expected) {
    if host::origin(&expected.url).is_none() {
        fail("an expected request needs an absolute http(s) URL");
    }
}
