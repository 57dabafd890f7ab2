//! The liveness of a connection, and the classification of answers that all plugins share.

use alloc::{format, string::String, vec::Vec};
use core::time::Duration;

use crate::{
    DisplayText, HttpError, HttpResponse, Identity, JsonError, ProviderGrant, ServiceError, Text, Timestamp,
    UndeclaredAddress, reason,
};

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
}

impl Reason {
    /// Creates a reason with a code and one sentence.
    pub fn new(code: impl Into<Text>, message: impl Into<DisplayText>) -> Self {
        Self { code: code.into(), message: message.into(), remedy: None }
    }

    /// Sets the sentence that tells the user what to do.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<DisplayText>) -> Self {
        self.remedy = Some(text.into());
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

    /// Creates a value for a provider that limits the rate of requests.
    pub fn rate_limited(recheck_after: Option<Duration>) -> Self {
        Self { recheck_after, ..Self::offline(Reason::new(reason::RATE_LIMITED, "the provider asks to wait")) }
    }
}

impl NotLive {
    /// Converts the error of a request without an answer. This is not a `From` impl, so that plugins call `classify`
    /// first and use `?` on its result.
    fn unanswered(error: HttpError) -> Self {
        let (code, message) = match error {
            HttpError::Credential => {
                return Self::failing(
                    Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be used")
                        .remedy("connect again"),
                );
            }
            HttpError::Denied => {
                return Self::failing(
                    Reason::new(reason::DENIED, "this host does not allow the provider's address")
                        .remedy("enter the address when connecting, or map it in the host's configuration"),
                );
            }
            HttpError::Connect => (reason::CONNECT, "the provider cannot be reached"),
            HttpError::Dns => (reason::DNS, "the provider's name does not resolve"),
            HttpError::Protocol => (reason::PROVIDER_ERROR, "the provider's answer is not valid HTTP"),
            HttpError::Timeout => (reason::TIMEOUT, "the provider did not answer in time"),
            HttpError::Tls => (reason::TLS, "the provider's certificate is not trusted here"),
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

/// Separates usable answers from those that mean that a connection is not live.
///
/// A 2xx status passes. 401 and 403 are failing, and so is a request that was not sent because the credential could not
/// be attached or the host denies the address. 429, 5xx, every other status and every other request without an answer
/// are offline.
///
/// A transient failure is never reported as a lost authorization. If a provider reports its rate limit in its own way,
/// the plugin must recognize that before it calls this function.
///
/// # Errors
///
/// [`NotLive`] with the reason.
pub fn classify(result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, NotLive> {
    let response = result.map_err(NotLive::unanswered)?;
    match response.status() {
        200..=299 => Ok(response),
        401 | 403 => Err(NotLive::failing(
            Reason::new(reason::UNAUTHORIZED, "the provider refuses the credential")
                .remedy("connect again with a valid credential"),
        )),
        429 => Err(NotLive::rate_limited(response.retry_after())),
        _ => Err(NotLive {
            recheck_after: response.retry_after(),
            ..NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "the provider answered with an error"))
        }),
    }
}

/// The state of a connection, and what else the provider said about it during a verification.
#[derive(Debug)]
#[non_exhaustive]
pub struct VerifyResult<C> {
    /// The liveness that the host stores for the connection. Unless it is [`Liveness::Live`], `reason` says why.
    pub liveness: Liveness,
    /// The reason why the connection is not live; `None` if it is.
    pub reason: Option<Reason>,
    /// A new credential, which replaces the stored one in the same write as this liveness.
    pub credential: Option<C>,
    /// The account that was reached, if the provider names it. The host compares it with the stored account.
    pub identity: Option<Identity>,
    /// The grant at the provider to which the credential belongs, for a kind whose
    /// [revocation ends the whole grant](crate::Descriptor::revocation_ends_grant).
    pub grant: Option<ProviderGrant>,
    /// Scopes that the provider granted.
    pub granted_scopes: Option<Vec<String>>,
    /// Time at which the credential stops working.
    pub valid_until: Option<Timestamp>,
    /// Time after which to verify again.
    pub recheck_after: Option<Duration>,
}

impl<C> VerifyResult<C> {
    /// Creates the result for a connection that works.
    pub fn live() -> Self {
        Self {
            liveness: Liveness::Live,
            reason: None,
            credential: None,
            identity: None,
            grant: None,
            granted_scopes: None,
            valid_until: None,
            recheck_after: None,
        }
    }

    /// Sets the account that was reached.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets the grant at the provider to which the credential belongs.
    #[must_use]
    pub fn grant(mut self, grant: ProviderGrant) -> Self {
        self.grant = Some(grant);
        self
    }

    /// Sets a new credential, which replaces the stored one.
    #[must_use]
    pub fn rotated(mut self, credential: C) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Sets the scopes that the provider granted.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.granted_scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the time at which the credential stops working, if known.
    #[must_use]
    pub fn valid_until(mut self, time: Option<Timestamp>) -> Self {
        self.valid_until = time;
        self
    }

    /// Converts the new credential. Hosts use this to erase the type of the credential.
    ///
    /// # Errors
    ///
    /// The errors of `convert`.
    pub fn try_map<D, E>(self, convert: impl FnOnce(C) -> Result<D, E>) -> Result<VerifyResult<D>, E> {
        Ok(VerifyResult {
            credential: self.credential.map(convert).transpose()?,
            liveness: self.liveness,
            reason: self.reason,
            identity: self.identity,
            grant: self.grant,
            granted_scopes: self.granted_scopes,
            valid_until: self.valid_until,
            recheck_after: self.recheck_after,
        })
    }
}

impl<C> From<NotLive> for VerifyResult<C> {
    fn from(n: NotLive) -> Self {
        Self { liveness: n.liveness, reason: Some(n.reason), recheck_after: n.recheck_after, ..Self::live() }
    }
}
