//! The liveness of a connection, and the reasons why one is not live.

use alloc::{boxed::Box, format, string::String};
use core::time::Duration;

use crate::{DisplayText, HttpError, JsonError, ProviderText, ServiceError, Text, UndeclaredAddress, reason};

/// The result of asking the provider whether a connection works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Liveness {
    /// The provider accepts the credential.
    Live,
    /// The provider cannot be asked. This says nothing about the credential.
    Offline,
    /// The provider refuses the credential.
    Failing,
    /// The connection was never verified.
    #[default]
    Unknown,
}

/// The reason why a connection is not live.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// Stable code for programs: `unauthorized`.
    pub code: Text,
    /// One sentence for the user.
    pub message: DisplayText,
    /// Sentence that tells the user what to do.
    pub remedy: Option<DisplayText>,
    /// The provider's own words, for the person whose connection it is alone: not for logs, events, webhooks, agents
    /// and extensions. The host adds the words of an answer that it received itself, so a plugin sets only others.
    pub provider_text: Option<ProviderText>,
    /// The scopes that the credential lacks, if the reason is that. A re-authorization asks for those of them that the
    /// descriptor has as [`optional_scopes`](crate::Descriptor::optional_scopes).
    pub missing_scopes: Box<[String]>,
}

impl Reason {
    /// Creates a reason with a code and one sentence.
    pub fn new(code: impl Into<Text>, message: impl Into<DisplayText>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            remedy: None,
            provider_text: None,
            missing_scopes: Box::default(),
        }
    }

    /// Sets the sentence that tells the user what to do.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<DisplayText>) -> Self {
        self.remedy = Some(text.into());
        self
    }

    /// Sets the provider's own words.
    #[must_use]
    pub fn provider_text(mut self, text: Option<ProviderText>) -> Self {
        self.provider_text = text;
        self
    }

    /// Sets the scopes that the credential lacks.
    #[must_use]
    pub fn missing_scopes(mut self, scopes: &[String]) -> Self {
        self.missing_scopes = scopes.into();
        self
    }
}

/// A connection that is not live, as an error type. A probe that returns `Result<_, NotLive>` serves both setup and
/// verify.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotLive {
    /// The liveness, either `Failing` or `Offline`.
    pub liveness: Liveness,
    /// The reason why the connection is not live.
    pub reason: Reason,
    /// Time after which to ask again, if the provider named one.
    pub recheck_after: Option<Duration>,
}

impl NotLive {
    /// Creates a value for a provider that refuses the credential.
    pub fn failing(reason: Reason) -> Self {
        Self { liveness: Liveness::Failing, reason, recheck_after: None }
    }

    /// Creates a value for a provider that cannot be asked now.
    pub fn offline(reason: Reason) -> Self {
        Self { liveness: Liveness::Offline, reason, recheck_after: None }
    }

    /// Creates a value for a provider that answers with an error which says nothing about the credential.
    pub fn provider_error(recheck_after: Option<Duration>) -> Self {
        let reason = Reason::new(reason::PROVIDER_ERROR, "the provider answered with an error");
        Self { recheck_after, ..Self::offline(reason) }
    }

    /// Creates a value for a provider that limits the rate of requests.
    pub fn rate_limited(recheck_after: Option<Duration>) -> Self {
        Self { recheck_after, ..Self::offline(Reason::new(reason::RATE_LIMITED, "the provider asks to wait")) }
    }

    /// Creates a value for a provider that accepts the credential, and refuses the request for lack of these scopes. A
    /// provider may name none.
    pub fn scope_missing(scopes: &[String]) -> Self {
        let message = match scopes.is_empty() {
            true => "the provider says that the credential lacks a scope".into(),
            false => DisplayText::from(format!("the credential lacks the scopes {}", scopes.join(" "))),
        };
        let reason = Reason::new(reason::SCOPE_MISSING, message).missing_scopes(scopes);
        Self::failing(reason.remedy(format!("{} and grant these scopes", reason::AUTHORIZE_AGAIN)))
    }

    /// Creates a value for a provider that refuses the credential.
    pub fn refused() -> Self {
        let reason = Reason::new(reason::UNAUTHORIZED, "the provider refuses the credential");
        Self::failing(reason.remedy(format!("{} with a valid credential", reason::AUTHORIZE_AGAIN)))
    }
}

impl NotLive {
    /// Converts the error of a request without an answer. This is not a `From` impl, so that plugins call `classify`
    /// first and use `?` on its result.
    pub(crate) fn unanswered(error: HttpError) -> Self {
        let (code, message) = match error {
            HttpError::Credential => {
                return Self::failing(
                    Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be used")
                        .remedy(reason::AUTHORIZE_AGAIN),
                );
            }
            HttpError::Denied => {
                return Self::failing(
                    Reason::new(reason::DENIED, "this host does not allow the provider's address")
                        .remedy("enter the address when connecting, or map it in the host's configuration"),
                );
            }
            HttpError::Closed => (reason::PROVIDER_ERROR, "the provider closed the connection before it had answered"),
            HttpError::Connect => (reason::CONNECT, "the provider cannot be reached"),
            HttpError::Dns => (reason::DNS, "the provider's name does not resolve"),
            HttpError::Protocol => (reason::PROVIDER_ERROR, "the provider's answer is not valid HTTP"),
            HttpError::Redirects(_) => {
                (reason::PROVIDER_ERROR, "the provider redirects in a loop, or too many times in a row")
            }
            HttpError::Timeout => (reason::TIMEOUT, "the provider did not answer in time"),
            HttpError::Certificate(_) | HttpError::NotTls | HttpError::Tls => {
                let reason = Reason::new(reason::TLS, format!("the provider cannot be reached: {error}"));
                return Self::offline(Reason { remedy: error.remedy(), ..reason });
            }
            HttpError::TooLarge => (reason::TOO_LARGE, "the provider's answer is too large"),
            HttpError::Uncertain => {
                (reason::REFRESH_OUTCOME_UNKNOWN, "a token may have been used, but the provider's answer was lost")
            }
        };
        Self::offline(Reason::new(code, message))
    }
}

impl From<UndeclaredAddress> for NotLive {
    fn from(e: UndeclaredAddress) -> Self {
        Self::failing(Reason::new(reason::PLUGIN_FAULT, e).remedy("report this to the plugin's author"))
    }
}

impl From<JsonError> for NotLive {
    fn from(e: JsonError) -> Self {
        let message = match e {
            JsonError::Coding => {
                DisplayText::from("the provider's answer is compressed in a way that cannot be read here")
            }
            JsonError::Damaged(name) => {
                format!("the field '{name}' of the provider's answer contains bytes that are not valid UTF-8").into()
            }
            JsonError::Field(name) => format!("the provider's answer lacks the field '{name}'").into(),
            JsonError::Syntax => DisplayText::from("the provider's answer could not be understood"),
        };
        Self::offline(Reason::new(reason::NOT_JSON, message))
    }
}

/// Converts the error of a file service that a probe used.
impl From<ServiceError> for NotLive {
    fn from(e: ServiceError) -> Self {
        match e {
            ServiceError::Denied => {
                Self::failing(Reason::new(reason::DENIED, "this host does not allow the directory"))
            }
            ServiceError::NotFound => Self::offline(
                Reason::new(reason::ROOT_MISSING, "the directory does not exist").remedy("restore the directory"),
            ),
            _ => Self::offline(Reason::new(reason::PROVIDER_ERROR, "the directory cannot be read now")),
        }
    }
}
