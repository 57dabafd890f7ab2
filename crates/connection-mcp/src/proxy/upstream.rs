//! The remote MCP server, as a trait that the caller of the proxy implements.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// A boxed future that can be sent between threads.
///
/// ```
/// use connection_mcp::proxy::BoxFuture;
///
/// fn answer() -> BoxFuture<'static, u8> {
///     Box::pin(async { 42 })
/// }
/// # drop(answer());
/// ```
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The one remote MCP server to which a proxy passes messages.
///
/// The address of the server and the credential belong to the implementation; the proxy knows neither. The
/// implementation follows no redirect, and sets no time limit for a body, because an answer may take hours.
///
/// ```
/// use connection_mcp::proxy::{
///     Body, BoxFuture, Refusal, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest,
/// };
///
/// /// A server whose connection was removed.
/// struct Removed;
///
/// impl Upstream for Removed {
///     fn open(&self, _request: UpstreamRequest) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>> {
///         Box::pin(async { Err(Refusal::new("no_such_connection", "no connection named \"notes\"").into()) })
///     }
/// }
/// ```
pub trait Upstream: Send + Sync {
    /// Sends a request and returns the answer as soon as its headers have arrived.
    ///
    /// # Cancellation
    ///
    /// The proxy drops the future, or the body of the answer, to cancel a request. The implementation then closes the
    /// connection or the stream on which the answer arrives, because the server takes that as the cancellation.
    ///
    /// # Errors
    ///
    /// An error means that there is no answer. An answer with a status such as 503 is not an error.
    fn open(&self, request: UpstreamRequest) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>>;
}

/// The body of an answer, which arrives in parts.
///
/// Dropping the body closes the stream.
///
/// ```
/// use connection_mcp::proxy::{Body, BoxFuture, UpstreamError};
///
/// /// A body that is complete.
/// struct Complete(Option<Vec<u8>>);
///
/// impl Body for Complete {
///     fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, UpstreamError>> {
///         let chunk = self.0.take();
///         Box::pin(async move { Ok(chunk) })
///     }
/// }
/// ```
pub trait Body: Send {
    /// Returns the next part of the body, of any length, or `None` after the last part.
    ///
    /// # Cancellation
    ///
    /// The proxy does not call `chunk` again after it dropped the future of an earlier call.
    ///
    /// # Errors
    ///
    /// An error means that the connection broke before the end of the body.
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, UpstreamError>>;
}

/// The method of an HTTP request to the remote server.
///
/// ```
/// assert_eq!(connection_mcp::proxy::Method::Delete.as_str(), "DELETE");
/// ```
#[expect(clippy::exhaustive_enums, reason = "the transport of MCP uses these methods")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Ends a session.
    Delete,
    /// Opens a stream of messages from the server.
    Get,
    /// Sends a message.
    Post,
}

impl Method {
    /// Returns the method as it appears in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// An HTTP request to the address of the remote server, without a credential.
///
/// ```
/// use connection_mcp::proxy::{Method, UpstreamRequest};
///
/// let request = UpstreamRequest::new(Method::Get).header("Accept", "text/event-stream");
/// assert_eq!(request.headers, [("Accept".to_owned(), "text/event-stream".to_owned())]);
/// ```
#[non_exhaustive]
#[derive(Clone)]
pub struct UpstreamRequest {
    /// The method.
    pub method: Method,
    /// Names and values of the headers. The values contain only visible ASCII characters, spaces and tabs.
    pub headers: Vec<(String, String)>,
    /// The body, if the method has one.
    pub body: Option<Vec<u8>>,
    /// The name that the client gave itself. Nobody has checked it.
    pub client: Option<String>,
}

impl UpstreamRequest {
    /// Returns a request without headers and without a body.
    pub fn new(method: Method) -> Self {
        Self { method, headers: Vec::new(), body: None, client: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }
}

/// Shows the method alone: a header may contain the id of a session, and a body the data of a person.
impl fmt::Debug for UpstreamRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The answer of the remote server.
///
/// ```
/// use connection_mcp::proxy::{Body, BoxFuture, UpstreamAnswer, UpstreamError};
///
/// # struct Empty;
/// # impl Body for Empty {
/// #     fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, UpstreamError>> {
/// #         Box::pin(async { Ok(None) })
/// #     }
/// # }
/// let answer = UpstreamAnswer::new(202, Vec::new(), Box::new(Empty));
/// assert_eq!(answer.status, 202);
/// ```
#[non_exhaustive]
pub struct UpstreamAnswer {
    /// The status, such as 200.
    pub status: u16,
    /// Names and values of the headers. The proxy compares names without regard to case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Box<dyn Body>,
}

impl UpstreamAnswer {
    /// Returns an answer.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Box<dyn Body>) -> Self {
        Self { status, headers, body }
    }

    /// Returns the first header with this name.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.header_values(name).next()
    }

    /// Returns the values of all headers with this name.
    pub(crate) fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Shows the status alone: a header may contain the id of a session.
impl fmt::Debug for UpstreamAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why the remote server gave no answer, or why its answer broke off.
///
/// Messages are shown to the person who uses the client; they contain no secret.
///
/// ```
/// use connection_mcp::proxy::UpstreamError;
///
/// let error = UpstreamError::Unreachable { message: "cannot reach mcp.example.com: timed out after 30 s".to_owned() };
/// assert_eq!(error.to_string(), "cannot reach mcp.example.com: timed out after 30 s");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The request failed for another reason.
    #[error("{message}")]
    Failed {
        /// One sentence that says what happened.
        message: String,
    },
    /// The request was not sent, because it is not permitted or because a person has to do something first.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The server could not be reached, or did not answer in time.
    #[error("{message}")]
    Unreachable {
        /// One sentence that says what happened.
        message: String,
    },
}

/// Why a request was refused, and what a person can do about it.
///
/// ```
/// use connection_mcp::proxy::Refusal;
///
/// let refusal = Refusal::new("authorization_expired", "the authorization of \"notes\" has expired")
///     .remedy("run \"connections reauthorize notes\"")
///     .address("http://127.0.0.1:8080/connections/notes");
/// assert_eq!(refusal.to_string(), "the authorization of \"notes\" has expired");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
    pub(crate) address: Option<String>,
}

impl Refusal {
    /// Returns a refusal with a stable code and a message for a person.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), remedy: None, address: None }
    }

    /// Sets what a person can do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Sets the address that a person can open to do it.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }
}
