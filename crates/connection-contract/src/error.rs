//! The errors of requests, services and stored credentials.
//!
//! Variants tell the receiver what to do next. No error contains a secret or text from a provider.

use core::fmt;

use crate::{CertificateFault, DisplayText, Text};

/// The error of parsing stored bytes as a credential.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CredentialError {
    /// `serialize_credential` did not write these bytes.
    Malformed,
    /// The stored credential lacks the field with this name.
    MissingField(Text),
}

/// The reason why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// The host does not accept the certificate of the server, so nothing was sent.
    Certificate(CertificateFault),
    /// The server closed the connection before the head of an answer was whole.
    Closed,
    /// No connection could be made.
    Connect,
    /// The credential could not be attached, so nothing was sent.
    Credential,
    /// The host's egress policy refuses this origin, so nothing was sent.
    Denied,
    /// The host name does not resolve.
    Dns,
    /// The server does not speak TLS on this port, so nothing was sent.
    NotTls,
    /// The answer is not HTTP, or the request cannot be written as HTTP.
    Protocol,
    /// The server redirects in a loop, or more often in a row than the host follows. The last answer had this status.
    Redirects(u16),
    /// The answer did not arrive in time.
    Timeout,
    /// The TLS connection could not be established, for a reason that is none of the others: a certificate that is revoked, for
    /// another purpose or of a form that the host does not accept, or a handshake that failed.
    Tls,
    /// The answer is larger than the host allows.
    TooLarge,
    /// The secret may have been spent, and the answer is lost. Only `send_once` returns this error. The request was not
    /// sent again.
    Uncertain,
}

impl HttpError {
    /// Returns `true` if there is no TLS connection: nothing was sent.
    pub fn is_of_tls(self) -> bool {
        matches!(self, Self::Certificate(_) | Self::NotTls | Self::Tls)
    }

    /// Returns what a person can do, if that is known.
    pub fn remedy(self) -> Option<DisplayText> {
        match self {
            Self::Certificate(fault) => Some(fault.remedy()),
            Self::NotTls => Some(DisplayText::from(
                "correct the port or the scheme of the address; in a network with a sign-in page of its own (a captive \
                 portal), open a page in a browser and sign in first",
            )),
            Self::Tls => Some(DisplayText::from(
                "ask the server's operator to check its certificate (it may be revoked, for another purpose, or of a form \
                 that is not accepted) and its versions of TLS; in a network that opens TLS itself, ask who runs it",
            )),
            _ => None,
        }
    }
}

/// The plugin has a bug: its descriptor does not declare this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndeclaredAddress;

/// The reason why a service of the host failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceError {
    /// The file is outside the granted directories, or the host does not allow this.
    Denied,
    /// The file or tool does not exist.
    NotFound,
    /// The value is larger than the host allows.
    TooLarge,
    /// The service failed or cannot answer.
    Unavailable,
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the stored credential cannot be read"),
            Self::MissingField(name) => write!(f, "the stored credential lacks '{name}'"),
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate(fault) => return write!(f, "{fault}"),
            Self::Closed => "the connection was closed before an answer came",
            Self::Connect => "no connection could be made",
            Self::Credential => "the credential could not be attached",
            Self::Denied => "the host does not allow this address",
            Self::Dns => "the name does not resolve",
            Self::NotTls => "it does not speak TLS on this port",
            Self::Protocol => "the answer is not valid HTTP",
            Self::Redirects(status) => {
                return write!(f, "it answered {status} and redirects in a loop, or too many times in a row");
            }
            Self::Timeout => "no answer in time",
            Self::Tls => "no TLS connection could be made",
            Self::TooLarge => "the answer is too large",
            Self::Uncertain => "a token or code may have been used, but the answer was lost",
        })
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "the host did not grant this",
            Self::NotFound => "not found",
            Self::TooLarge => "too large",
            Self::Unavailable => "the host's service failed",
        })
    }
}

impl fmt::Display for UndeclaredAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", DisplayText::from(*self))
    }
}

impl core::error::Error for UndeclaredAddress {}
impl core::error::Error for CredentialError {}
impl core::error::Error for HttpError {}
impl core::error::Error for ServiceError {}

impl From<UndeclaredAddress> for DisplayText {
    fn from(_: UndeclaredAddress) -> Self {
        "the plugin uses an address that its descriptor does not declare".into()
    }
}
