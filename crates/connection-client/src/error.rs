//! The error of this client: a refusal by the server, or an answer that is missing.

use connection_api::Problem;

/// The reason why a request has no answer.
///
/// No error holds the token, or anything that was sent.
///
/// ```
/// use connection_client::{Client, Error};
///
/// let refused = Client::new("http://connections.example", "cn_...".into());
/// let Err(error @ Error::Unencrypted { .. }) = refused else { panic!("the token would be sent unencrypted") };
/// assert_eq!(error.code(), "unencrypted");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the server cannot be used. It is not repeated, because it may hold a secret.
    #[error("the address of the server cannot be used: {0}")]
    Address(&'static str),
    /// The certificates to trust cannot be used.
    #[error("the certificates to trust cannot be used: {0}")]
    Certificates(String),
    /// An id or a name is empty, or is `.` or `..`, which no address can name.
    #[error("an id or a name is empty, or is '.' or '..'")]
    Name,
    /// The server refused the request, for the reason that the problem states.
    #[error("{problem}")]
    Refused {
        /// The problem, as the server states it.
        problem: Box<Problem>,
        /// The number of seconds after which the request may be sent again, if the server says so.
        retry_after: Option<u64>,
    },
    /// The token is empty, or has a character that no token has.
    #[error("the token is empty, or has a character that no token has")]
    Token,
    /// The answer is larger than this client reads.
    #[error("the answer of {url} has more than {limit} bytes")]
    TooLarge {
        /// The base address of the server.
        url: String,
        /// The number of bytes that this client reads at most.
        limit: usize,
    },
    /// The answer is not one of the API: the address is that of another program, or a proxy answered.
    #[error("{url} answered {status}, and not as a server of Connections does")]
    UnexpectedAnswer {
        /// The base address of the server, which may be that of another program.
        url: String,
        /// The HTTP status of the answer.
        status: u16,
    },
    /// The address is neither encrypted nor of this machine, so the token could be read on the way.
    #[error("{url} is neither encrypted nor on this machine, and others could read the token")]
    Unencrypted {
        /// The origin of the address: scheme, host and port.
        url: String,
    },
    /// There was no answer, or no whole one.
    #[error("cannot reach {url}: {cause}")]
    Unreachable {
        /// The base address of the server.
        url: String,
        /// What is wrong with the certificate of the server, or the cause as the system or the library names it.
        cause: String,
        /// What a person can do about the certificate of the server, or about a server without TLS.
        remedy: Option<String>,
    },
}

impl Error {
    /// Returns the stable code for programs: that of the server, or one of this client.
    pub fn code(&self) -> &str {
        match self {
            Self::Address(_) => "invalid_address",
            Self::Certificates(_) => "invalid_certificates",
            Self::Name => "invalid_name",
            Self::Refused { problem, .. } => &problem.code,
            Self::Token => "invalid_token",
            Self::TooLarge { .. } => "too_large",
            Self::UnexpectedAnswer { .. } => "unexpected_answer",
            Self::Unencrypted { .. } => "unencrypted",
            Self::Unreachable { .. } => "unreachable",
        }
    }

    /// Returns a sentence that says what to do, if something can be done.
    pub fn remedy(&self) -> Option<&str> {
        match self {
            Self::Address(_) => Some("use an address such as https://connections.example"),
            Self::Certificates(_) => Some("name a PEM file with at least one certificate"),
            Self::Name => None,
            Self::Refused { problem, .. } => problem.remedy.as_deref(),
            Self::Token => Some("use the text that `connections tokens create` printed"),
            Self::TooLarge { .. } => Some("ask for less at once"),
            Self::UnexpectedAnswer { .. } => Some(
                "check that the address is that of a server of Connections, and that it is not older than this program",
            ),
            Self::Unencrypted { .. } => Some("use an https address"),
            Self::Unreachable { remedy, .. } => {
                remedy.as_deref().or(Some("check that the server runs, and that this is its address"))
            }
        }
    }

    /// Returns the problem that the server reported, or `None` if the error is not a refusal by the server.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// Returns the number of seconds after which the request may be sent again, if the server says so.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns `true` if the same request may succeed later: there was no answer, or the server cannot answer now.
    pub fn is_temporary(&self) -> bool {
        let may_pass = |status| matches!(status, 408 | 429 | 502 | 503 | 504);
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { problem, .. } => may_pass(problem.status),
            Self::UnexpectedAnswer { status, .. } => may_pass(*status),
            _ => false,
        }
    }
}
