//! The errors that the operations of a plugin return. No error contains a secret, and none shows text from a provider in
//! its `Display` and `Debug`.

use alloc::boxed::Box;
use core::fmt;

use crate::{
    CredentialError, DisplayText, JsonError, Liveness, NotLive, ProviderText, Reason, ServiceError, Text,
    UndeclaredAddress, reason,
};

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
    /// The provider's own words, as in [`Reason::provider_text`].
    pub provider_text: Option<ProviderText>,
    /// Set if the failure means only that the provider cannot be asked now.
    pub(crate) offline: Option<Box<NotLive>>,
    /// Set if the user can correct the answers: what was wrong with them.
    pub(crate) problem: Option<Box<DisplayText>>,
}

impl SetupFailure {
    /// Creates a failure with a code and one sentence.
    pub fn new(code: impl Into<Text>, message: impl Into<DisplayText>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            remedy: None,
            provider_text: None,
            offline: None,
            problem: None,
        }
    }

    /// Sets the sentence that tells the user what to do.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<DisplayText>) -> Self {
        self.remedy = Some(text.into());
        self
    }

    /// Sets the provider's own words, such as the `error_description` of a callback.
    #[must_use]
    pub fn provider_text(mut self, text: Option<ProviderText>) -> Self {
        self.provider_text = text;
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

impl fmt::Display for SetupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl core::error::Error for ConnectionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Credential(e) => Some(e),
            Self::Service(e) => Some(e),
            _ => None,
        }
    }
}

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
/// Converts the reason. A setup that failed is begun again, whether it was to authorize a connection again or not.
impl From<NotLive> for SetupFailure {
    fn from(n: NotLive) -> Self {
        let offline = matches!(n.liveness, Liveness::Offline).then(|| Box::new(n.clone()));
        let Reason { code, message, remedy, provider_text, .. } = n.reason;
        let remedy = remedy.map(|remedy| remedy.as_str().replace(reason::AUTHORIZE_AGAIN, "begin again").into());
        Self { code, message, remedy, provider_text, offline, problem: None }
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
