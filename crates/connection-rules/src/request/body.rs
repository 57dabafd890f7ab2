//! The body of a request, as far as it is read.

use std::sync::OnceLock;

use serde_json::Value;

use crate::{
    ambiguous::{Ambiguous, RequestPart},
    graphql::{self, Operation},
    json,
    media::Media,
    parameters::Parameters,
    request::{
        head::{RequestHead, check_parameters},
        parts::RequestParts,
    },
};

/// What was read of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// The request has no body.
    None,
    /// The body is a form.
    Form(Parameters),
    /// The body is JSON that all readers read in the same way.
    Json(Value),
    /// The body was not read, or cannot be read in one way only. The text is a clause that follows "the body".
    Unreadable(&'static str),
}

/// A request that can be read in one way only, and that is sent exactly as it was read.
///
/// ```
/// use connection_rules::{Profile, RequestHead, RequestParts};
///
/// let body = br#"{"title":"Broken link"}"#.to_vec();
/// let parts = RequestParts::new("POST", "/issues")
///     .header("content-type", "application/json")
///     .body_length(Some(body.len() as u64));
/// let request = RequestHead::read(parts, &Profile::strict()).unwrap().with_body(body.clone()).unwrap();
/// assert_eq!(request.body(), Some(body.as_slice()));
/// assert_eq!(request.head().method(), "POST");
/// ```
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) head: RequestHead,
    bytes: Option<Vec<u8>>,
    pub(crate) content: Content,
    operations: OnceLock<Option<Vec<Operation>>>,
}

impl RequestHead {
    /// Returns the request without reading its body, which is sent as it arrives.
    ///
    /// # Errors
    ///
    /// [`Ambiguous`] for a form, whose parameters must be read.
    pub fn streamed(self) -> Result<Request, Ambiguous> {
        if self.is_form() {
            return Err(Ambiguous::new(RequestPart::Body, "is a form that was not read", "send at most 1 MiB"));
        }
        let content = if self.has_body() { Content::Unreadable("was not read") } else { Content::None };
        Ok(Request { head: self, bytes: None, content, operations: OnceLock::new() })
    }

    /// Returns the request with its whole body.
    ///
    /// # Errors
    ///
    /// [`Ambiguous`] if the body has another length than the head says, or if it is a form that two systems could read
    /// in different ways, that carries a second identity, or that replaces the method.
    pub fn with_body(mut self, bytes: Vec<u8>) -> Result<Request, Ambiguous> {
        let length = bytes.len() as u64;
        if self.parts.body_length.is_some_and(|known| known != length) {
            return Err(Ambiguous::new(RequestPart::Body, "has another length than the head says", "send it whole"));
        }
        if length > 0 && self.media.is_none() {
            return Err(Ambiguous::new(RequestPart::Body, "has no media type", "name it in the head"));
        }
        let content = if length == 0 {
            Content::None
        } else if self.is_form() {
            Content::Form(read_form(&self, &bytes)?)
        } else if self.media.as_ref().is_some_and(Media::is_json) {
            read_json(&self, &bytes)
        } else {
            Content::Unreadable("is not JSON")
        };
        self.parts.body_length = Some(length);
        Ok(Request { head: self, bytes: Some(bytes), content, operations: OnceLock::new() })
    }
}

impl Request {
    /// Returns the head.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Returns the body if it was read, exactly as it was sent.
    pub fn body(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    /// Returns the parts of the request and its body if it was read, to be sent as they are.
    ///
    /// ```
    /// use connection_rules::{Profile, RequestHead, RequestParts};
    ///
    /// let parts = RequestParts::new("GET", "/user").header("accept", "application/json");
    /// let request = RequestHead::read(parts.clone(), &Profile::strict()).unwrap().streamed().unwrap();
    /// assert_eq!(request.into_parts(), (parts, None));
    /// ```
    pub fn into_parts(self) -> (RequestParts, Option<Vec<u8>>) {
        (self.head.parts, self.bytes)
    }

    /// Returns the request with another length of its body, so that a request of a class needs no long body.
    pub(crate) fn with_length(mut self, length: u64) -> Self {
        self.head.parts.body_length = Some(length);
        self
    }

    /// Returns the kinds of the operations of the GraphQL document in the member `query` of the body.
    pub(crate) fn operations(&self) -> Option<&[Operation]> {
        let read = || match &self.content {
            Content::Json(value) => value.get("query").and_then(Value::as_str).and_then(graphql::operations),
            _ => None,
        };
        self.operations.get_or_init(read).as_deref()
    }
}

fn read_form(head: &RequestHead, bytes: &[u8]) -> Result<Parameters, Ambiguous> {
    let fault = |problem, way_out| Ambiguous::new(RequestPart::Body, problem, way_out);
    if head.is_encoded {
        return Err(fault("is a form with a content encoding", "send it without one"));
    }
    if !head.media.as_ref().is_some_and(Media::is_utf8) {
        return Err(fault("is a form whose text is not UTF-8", "send it in UTF-8"));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| fault("is a form whose text is not UTF-8", "send it in UTF-8"))?;
    let parameters = Parameters::read(text, &RequestPart::Body)?;
    check_parameters(&parameters, &RequestPart::Body, &head.profile)?;
    Ok(parameters)
}

fn read_json(head: &RequestHead, bytes: &[u8]) -> Content {
    if head.is_encoded {
        return Content::Unreadable("has a content encoding");
    }
    if !head.media.as_ref().is_some_and(Media::is_utf8) {
        return Content::Unreadable("is not in UTF-8");
    }
    match json::parse(bytes) {
        Some(value) => Content::Json(value),
        None => Content::Unreadable("is not JSON in UTF-8 without a key that occurs twice"),
    }
}
