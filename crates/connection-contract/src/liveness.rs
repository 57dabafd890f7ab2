//! Whether a connection works, and the one classification for all plugins.

use alloc::{format, string::String, vec::Vec};
use core::time::Duration;

use crate::{
    DisplayText, HttpError, HttpResponse, Identity, JsonError, ServiceError, Text, Timestamp, UndeclaredAddress, reason,
};

/// Whether a connection works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Liveness {
    /// The provider accepts the credential.
    Live,
    /// The provider cannot be asked; says nothing about the credential.
    Offline,
    /// The provider refuses the credential.
    Failing,
    /// Never measured.
    #[default]
    Unknown,
}
/// Why it is not live.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// For programs: `unauthorized`.
    pub code: Text,
    /// One sentence for the user.
    pub message: DisplayText,
    /// What to do.
    pub remedy: Option<DisplayText>,
}
impl Reason {
    /// A reason with a code and one sentence.
    pub fn new(code: impl Into<Text>, message: impl Into<DisplayText>) -> Self {
        Self { code: code.into(), message: message.into(), remedy: None }
    }
    /// Says what to do.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<DisplayText>) -> Self {
        self.remedy = Some(text.into());
        self
    }
}
/// Not live, as an error type: a probe returns `Result<Account, NotLive>` and serves setup and verify alike.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotLive {
    /// `Failing` or `Offline`.
    pub liveness: Liveness,
    /// Why.
    pub reason: Reason,
    /// When to ask again, if the provider said so.
    pub recheck_after: Option<Duration>,
}
impl NotLive {
    /// The provider refuses the credential.
    pub fn failing(reason: Reason) -> Self {
        Self { liveness: Liveness::Failing, reason, recheck_after: None }
    }
    /// The provider cannot be asked now.
    pub fn offline(reason: Reason) -> Self {
        Self { liveness: Liveness::Offline, reason, recheck_after: None }
    }
    /// The provider asks for a pause.
    pub fn rate_limited(recheck_after: Option<Duration>) -> Self {
        Self { recheck_after, ..Self::offline(Reason::new(reason::RATE_LIMITED, "the provider asks to wait")) }
    }
}
impl NotLive {
    /// What a request without an answer says. Not `From`: an author classifies, and `?` then does the rest.
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
                        .remedy("name the address when connecting, or map it in the host's configuration"),
                );
            }
            HttpError::Connect => (reason::CONNECT, "the provider cannot be reached"),
            HttpError::Dns => (reason::DNS, "the provider's name does not resolve"),
            HttpError::Protocol => (reason::PROVIDER_ERROR, "the provider's answer is not valid HTTP"),
            HttpError::Timeout => (reason::TIMEOUT, "the provider did not answer in time"),
            HttpError::Tls => (reason::TLS, "the provider's certificate is not trusted here"),
            HttpError::TooLarge => (reason::TOO_LARGE, "the provider's answer is too large"),
            HttpError::Uncertain => {
                (reason::REFRESH_OUTCOME_UNKNOWN, "a token may have been spent and its answer is lost")
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
/// What a service of the host said of a connection's own files.
impl From<ServiceError> for NotLive {
    fn from(e: ServiceError) -> Self {
        match e {
            ServiceError::Denied => {
                Self::failing(Reason::new(reason::DENIED, "this host does not allow the directory"))
            }
            ServiceError::NotFound => {
                Self::offline(Reason::new(reason::ROOT_MISSING, "the directory is not there").remedy("bring it back"))
            }
            _ => Self::offline(Reason::new(reason::PROVIDER_ERROR, "the directory cannot be read now")),
        }
    }
}
/// Tells a usable answer from a connection that is not live.
///
/// 2xx passes; 401 and 403 are failing; 429, 5xx and a lost network are offline; the rest is `provider_error`, offline.
/// A transient failure is never reported as a lost authorization: a provider's own way of saying "rate limited" is the
/// plugin's to recognise before it asks here.
///
/// # Errors
/// [`NotLive`].
pub fn classify(result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, NotLive> {
    let response = result.map_err(NotLive::unanswered)?;
    match response.status() {
        200..=299 => Ok(response),
        401 | 403 => Err(NotLive::failing(
            Reason::new(reason::UNAUTHORIZED, "the provider refuses the credential")
                .remedy("connect again with a valid one"),
        )),
        429 => Err(NotLive::rate_limited(response.retry_after())),
        _ => Err(NotLive {
            recheck_after: response.retry_after(),
            ..NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "the provider answered with an error"))
        }),
    }
}
/// What a verification found.
#[derive(Debug)]
#[non_exhaustive]
pub struct VerifyResult<C> {
    /// Whether it works.
    pub liveness: Liveness,
    /// Why not.
    pub reason: Option<Reason>,
    /// A fresh credential that replaces the stored one together with this liveness.
    pub credential: Option<C>,
    /// The account reached, when the provider said it; checked against the stored one.
    pub identity: Option<Identity>,
    /// What the provider lets us do.
    pub granted_scopes: Option<Vec<String>>,
    /// When the credential stops working.
    pub valid_until: Option<Timestamp>,
    /// When to verify again.
    pub recheck_after: Option<Duration>,
}
impl<C> VerifyResult<C> {
    /// It works.
    pub fn live() -> Self {
        Self {
            liveness: Liveness::Live,
            reason: None,
            credential: None,
            identity: None,
            granted_scopes: None,
            valid_until: None,
            recheck_after: None,
        }
    }
    /// Names the account that was reached.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }
    /// Replaces the stored credential.
    #[must_use]
    pub fn rotated(mut self, credential: C) -> Self {
        self.credential = Some(credential);
        self
    }
    /// Says what the provider lets us do.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.granted_scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }
    /// Says when the credential stops working, if known.
    #[must_use]
    pub fn valid_until(mut self, time: Option<Timestamp>) -> Self {
        self.valid_until = time;
        self
    }
    /// The same with another form of the fresh credential; what the host's erasure uses.
    ///
    /// # Errors
    /// Those of `convert`.
    pub fn try_map<D, E>(self, convert: impl FnOnce(C) -> Result<D, E>) -> Result<VerifyResult<D>, E> {
        Ok(VerifyResult {
            credential: self.credential.map(convert).transpose()?,
            liveness: self.liveness,
            reason: self.reason,
            identity: self.identity,
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
