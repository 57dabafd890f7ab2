//! Requests to providers with the credential of a connection, which stays on the server.

use std::fmt;

use connection_contract::encode;
use serde::{Deserialize, Serialize};

use crate::{Client, Error};

/// The maximum size of the JSON of an answer, in bytes. The server passes on 16 MiB, of which a byte may take six.
const MAX_ANSWER: usize = 100 << 20;

/// A request to a provider. `Debug` shows the method alone, because paths and bodies of some providers hold secrets.
///
/// ```
/// use connection_client::SendRequest;
///
/// let request = SendRequest::new("POST", "/repos/acme/site/issues")
///     .header("accept", "application/vnd.github+json")
///     .body(r#"{"title": "It is broken"}"#);
/// assert!(!format!("{request:?}").contains("acme"));
/// ```
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct SendRequest {
    method: String,
    path: String,
    headers: Vec<Header>,
    body: Option<String>,
    encoding: Option<&'static str>,
}

/// A header of a request or of an answer.
///
/// ```
/// use connection_client::Header;
///
/// let header = Header::new("accept", "application/json");
/// assert_eq!((&*header.name, &*header.value), ("accept", "application/json"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Header {
    /// The name of the header, which is compared without case.
    pub name: String,
    /// The value of the header, as text.
    pub value: String,
}

/// The answer of a provider. `Debug` shows the status alone.
///
/// ```no_run
/// # use connection_client::{Client, Error, SendRequest};
/// async fn is_found(client: &Client, id: &str) -> Result<bool, Error> {
///     Ok(client.send(id, &SendRequest::new("HEAD", "/repos/acme/site")).await?.status == 200)
/// }
/// # let _ = is_found;
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status code of HTTP, such as 200.
    pub status: u16,
    /// The headers, in their order, with names in lower case.
    pub headers: Vec<Header>,
    /// The body, decoded from the encoding in which the server sent it.
    pub body: Vec<u8>,
    /// The scopes for lack of which the provider refused the request, if the answer names them.
    pub missing_scopes: Vec<String>,
    /// Those of the missing scopes that a re-authorization may ask for; see
    /// [`BeginSetup::scope`](crate::BeginSetup::scope).
    pub askable_scopes: Vec<String>,
}

/// The answer as the server sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerBody {
    status: u16,
    headers: Vec<Header>,
    encoding: String,
    body: String,
    // A server of before does not name them.
    #[serde(default)]
    missing_scopes: Vec<String>,
    #[serde(default)]
    askable_scopes: Vec<String>,
}

impl Header {
    /// Creates a header from its name and value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl SendRequest {
    /// Creates a request from a method in capital letters, and a path and query below the base address of the connection.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: method.into(), path: path.into(), headers: Vec::new(), body: None, encoding: None }
    }

    /// Adds a header after the others.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header::new(name, value));
        self
    }

    /// Sets the body, which the server takes up to 512 KiB of JSON.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        let (encoding, body) = match String::from_utf8(body.into()) {
            Ok(text) => ("utf8", text),
            Err(error) => ("base64", encode::base64(error.as_bytes())),
        };
        self.encoding = Some(encoding);
        self.body = Some(body);
        self
    }
}

impl Client {
    /// Sends a request with the credential of a connection, and returns the provider's answer, whatever its status is.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, for example with the code `denied` or that of the reason why the provider has
    /// not answered, and the errors of a request without an answer. In the latter case, the provider may have received
    /// it.
    pub async fn send(&self, id: &str, request: &SendRequest) -> Result<Answer, Error> {
        let size = request.body.as_ref().map_or(0, String::len) + request.path.len();
        let path = ["connections", id, "send"];
        let mut answer: AnswerBody = self.post(&path).limit(MAX_ANSWER).body(request, size).answer().await?;
        let body = match answer.encoding.as_str() {
            "base64" => encode::from_base64(&answer.body),
            _ => Some(std::mem::take(&mut answer.body).into_bytes()),
        };
        let unexpected = || Error::UnexpectedAnswer { url: self.base_url().to_owned(), status: 200 };
        let AnswerBody { status, headers, missing_scopes, askable_scopes, .. } = answer;
        Ok(Answer { status, headers, body: body.ok_or_else(unexpected)?, missing_scopes, askable_scopes })
    }
}

impl fmt::Debug for SendRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}
