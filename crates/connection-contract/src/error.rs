//! Errors of the contract.
//!
//! Variants tell the receiver what to do next. No error contains a secret or text from a provider.

use alloc::boxed::Box;
use core::fmt;

use crate::{CallbackUnavailable, DisplayText, JsonError, Liveness, NotLive, Text, reason};

/// The error of an operation of a [`ConnectionDefinition`](crate::ConnectionDefinition).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The plugin has a bug. The host reports it and changes nothing.
    Bug(Text),
    /// The stored credential cannot be used. The user must connect again.
    Credential(CredentialError),
    /// The connection is not live. The host records this as data, as if it were part of a `VerifyResult`.
    NotLive(NotLive),
    /// A service of the host failed. The host tries again later.
    Service(ServiceError),
}

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
    /// No connection could be made.
    Connect,
    /// The credential could not be attached, so nothing was sent.
    Credential,
    /// The host's egress policy refuses this origin, so nothing was sent.
    Denied,
    /// The host name does not resolve.
    Dns,
    /// The answer is not HTTP, or the request cannot be written as HTTP.
    Protocol,
    /// The answer did not arrive in time.
    Timeout,
    /// The TLS connection could not be established, or the certificate is not trusted.
    Tls,
    /// The answer is larger than the host allows.
    TooLarge,
    /// The secret may have been spent, and the answer is lost. Only `send_once` returns this error. The request was not
    /// sent again.
    Uncertain,
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

/// The reason why a setup ended without a connection. It is shown to the user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SetupFailure {
    /// Stable code for programs: `token_rejected`.
    pub code: Text,
    /// One sentence for the user.
    pub message: DisplayText,
    /// Sentence that tells the user what to do.
    pub remedy: Option<DisplayText>,
    /// Set if the failure means only that the provider cannot be asked now.
    pub(crate) offline: Option<Box<NotLive>>,
}

impl SetupFailure {
    /// Creates a failure with a code and one sentence.
    pub fn new(code: impl Into<Text>, message: impl Into<DisplayText>) -> Self {
        Self { code: code.into(), message: message.into(), remedy: None, offline: None }
    }

    /// Sets the sentence that tells the user what to do.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<DisplayText>) -> Self {
        self.remedy = Some(text.into());
        self
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bug(what) => write!(f, "fault in the plugin: {what}"),
            Self::Credential(_) => f.write_str("the credential cannot be used"),
            Self::NotLive(n) => write!(f, "{}", n.reason.message),
            Self::Service(_) => f.write_str("a service of the host failed"),
        }
    }
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
            Self::Connect => "no connection could be made",
            Self::Credential => "the credential could not be attached",
            Self::Denied => "the host does not allow this address",
            Self::Dns => "the name does not resolve",
            Self::Protocol => "the answer is not valid HTTP",
            Self::Timeout => "no answer in time",
            Self::Tls => "no trustworthy TLS connection",
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

impl fmt::Display for SetupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl fmt::Display for UndeclaredAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", DisplayText::from(*self))
    }
}

impl core::error::Error for UndeclaredAddress {}
impl core::error::Error for ConnectionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Credential(e) => Some(e),
            Self::Service(e) => Some(e),
            _ => None,
        }
    }
}

impl core::error::Error for CredentialError {}
impl core::error::Error for HttpError {}
impl core::error::Error for ServiceError {}
impl core::error::Error for SetupFailure {}

impl From<CredentialError> for ConnectionError {
    fn from(e: CredentialError) -> Self {
        Self::Credential(e)
    }
}

impl From<NotLive> for ConnectionError {
    fn from(n: NotLive) -> Self {
        Self::NotLive(n)
    }
}

impl From<ServiceError> for ConnectionError {
    fn from(e: ServiceError) -> Self {
        Self::Service(e)
    }
}

impl From<JsonError> for ConnectionError {
    fn from(e: JsonError) -> Self {
        Self::NotLive(e.into())
    }
}

/// A failure made from an offline [`NotLive`] does not end the setup: the host keeps the answers and asks the provider
/// again later.
impl From<NotLive> for SetupFailure {
    fn from(n: NotLive) -> Self {
        let offline = matches!(n.liveness, Liveness::Offline).then(|| Box::new(n.clone()));
        Self { code: n.reason.code, message: n.reason.message, remedy: n.reason.remedy, offline }
    }
}

impl From<JsonError> for SetupFailure {
    fn from(e: JsonError) -> Self {
        NotLive::from(e).into()
    }
}

impl From<CredentialError> for SetupFailure {
    fn from(_: CredentialError) -> Self {
        Self::new(reason::CREDENTIAL_UNREADABLE, "the plugin cannot use its own credential")
    }
}

impl From<UndeclaredAddress> for SetupFailure {
    fn from(e: UndeclaredAddress) -> Self {
        Self::new(reason::PLUGIN_FAULT, e)
    }
}

impl From<UndeclaredAddress> for ConnectionError {
    fn from(e: UndeclaredAddress) -> Self {
        Self::NotLive(e.into())
    }
}

impl From<CallbackUnavailable> for SetupFailure {
    fn from(e: CallbackUnavailable) -> Self {
        let other = "use a host that receives callbacks, or another kind of this provider";
        let (message, remedy) = match e {
            CallbackUnavailable::LoopbackOnly => (
                "this host receives callbacks only from its own machine, but this provider calls from elsewhere",
                "use a host that can be reached over the network: `connections serve` with inbound.public_url",
            ),
            CallbackUnavailable::NoInboundHttp => ("this host cannot receive callbacks", other),
            CallbackUnavailable::NoAddress => ("this host has no free callback address now", other),
        };
        Self::new("no_callback", message).remedy(remedy)
    }
}

impl From<UndeclaredAddress> for DisplayText {
    fn from(_: UndeclaredAddress) -> Self {
        "the plugin uses an address that its descriptor does not declare".into()
    }
}
