//! The errors of an OAuth flow, each with a remedy.
//!
//! No error holds a secret or text of the provider. Only the provider's error code is kept, and only if it looks like
//! one.

use std::time::Duration;

use connection_contract::{DisplayText, Kind, Liveness, NotLive, Reason, SetupFailure, Text, reason};

use crate::answer::ProviderAnswer;

/// The place from which an application came, which decides where its secret is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientPlace {
    /// The configuration of the host, which may have said where.
    Configured(Option<String>),
    /// The application is that of one connection, with which it is stored.
    Connection,
    /// A setup has just asked for the application and not stored it.
    #[default]
    Entered,
    /// The application registered itself.
    Registered,
    /// The application is stored for the kind, so that no setup asks for it again.
    Stored,
}

/// An error of an OAuth flow, a refresh or a revocation.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuth2Error {
    /// The user, or someone who decides for the user, denied access.
    #[error("the access was refused at the provider: {0}")]
    AccessDenied(ProviderAnswer),
    /// The provider does not accept the address from which this host asks, or not at this time. Its token is still valid.
    #[error("the provider does not allow requests from the address of this host, or not at this time: {0}")]
    AddressRefused(ProviderAnswer),
    /// Neither the token response nor the probe identified the account.
    #[error("the provider did not name the account")]
    AccountUnknown,
    /// The provider may have redeemed the code, but its response was lost.
    #[error("{0}")]
    AnswerLost(DisplayText),
    /// The callback holds a parameter twice (RFC 6749, section 3.1).
    #[error("the provider's answer names '{name}' twice")]
    Ambiguous {
        /// The parameter, if it is one that the flow reads, and otherwise `a parameter`.
        name: &'static str,
    },
    /// The application that obtained the token is not the one that is configured now.
    #[error("the connection was made with another application than the one that is configured now")]
    ClientChanged,
    /// The provider no longer knows the application that registered itself for the connection.
    #[error("the provider no longer knows the application that registered itself for this connection")]
    ClientLapsed,
    /// The application's credentials are missing.
    #[error("the application's own credentials are missing")]
    ClientMissing,
    /// The provider refused the code that the browser brought back.
    #[error("the provider refused the code of this authorization: {0}")]
    CodeRefused(ProviderAnswer),
    /// The provider requires in a setup that an administrator consents to the application.
    #[error("an administrator has to consent to the application at the provider: {0}")]
    ConsentRequired(ProviderAnswer),
    /// The refresh token is no longer valid.
    #[error("the provider no longer renews this access: {0}")]
    Dead(ProviderAnswer),
    /// The issuer's metadata cannot be used.
    #[error("the provider's metadata cannot be used: {why}")]
    Discovery {
        /// The reason why the metadata cannot be used.
        why: &'static str,
    },
    /// The metadata in an answer cannot be used.
    #[error("the provider's metadata cannot be used: {why} ({answer})")]
    Metadata {
        /// The answer.
        answer: ProviderAnswer,
        /// The reason why the metadata cannot be used.
        why: &'static str,
    },
    /// Nobody confirmed the device code in time.
    #[error("nobody confirmed the code in time")]
    Expired,
    /// The provider does not accept the application's id or secret.
    #[error("{}: {answer}", if *.is_expired { EXPIRED_CLIENT } else { REFUSED_CLIENT })]
    InvalidClient {
        /// The answer.
        answer: ProviderAnswer,
        /// The secret has expired.
        is_expired: bool,
        /// The place from which the application came.
        client: ClientPlace,
    },
    /// The provider answered 401 without a known error code: for the application, for the token, or in the words of a proxy
    /// in front of it.
    #[error("{0} and no token")]
    Unauthorized(ProviderAnswer),
    /// `iss` is not the provider that the browser was sent to (RFC 9207), or is missing although it is required.
    #[error("the answer does not come from the expected provider")]
    IssuerMismatch,
    /// A variable has no value.
    #[error("there is no value for '{name}'")]
    MissingValue {
        /// The variable, as the configuration of the kind names it.
        name: String,
    },
    /// The provider sent the browser back with neither a code nor an error, as WeChat does if the user denies access.
    #[error("the access was refused at the provider: {host} sent the browser back without a code")]
    NotGranted {
        /// The host to which the browser was sent.
        host: String,
    },
    /// The provider's response does not hold what was requested.
    #[error("{answer} and no {what}")]
    NoToken {
        /// The answer.
        answer: ProviderAnswer,
        /// What is missing, such as `token`.
        what: &'static str,
    },
    /// The callback or the pasted text holds no code.
    #[error("the answer from the browser contains no code")]
    NoCode,
    /// The host has no key-value store for this kind.
    #[error("this host stores no applications")]
    NoStore,
    /// This host supports none of the ways in which the kind can be authorized.
    #[error("this host cannot finish this kind of authorization")]
    NoWay,
    /// A refresh has nothing to renew, because the provider issued no refresh token. Nobody was asked.
    #[error("this access is not renewed: the provider issued no refresh token for it")]
    NothingToRenew,
    /// The provider cannot be reached now, or the host does not allow the request.
    #[error("{}", .0.reason.message)]
    NotLive(NotLive),
    /// A policy at the provider, such as one about places or devices, refuses the refresh. The token is still valid.
    #[error("a policy at the provider does not allow that this access is renewed: {0}")]
    PolicyRefused(ProviderAnswer),
    /// The provider refused for another reason.
    #[error("{0}")]
    Refused(ProviderAnswer),
    /// The provider redirects the request, but a request that holds a secret follows no redirect.
    #[error("{0}, but a request that contains a secret follows no redirect")]
    Redirected(ProviderAnswer),
    /// A required scope was not granted.
    #[error("{}the scope '{scope}' was not granted", beginning(.answer.as_ref()))]
    ScopeMissing {
        /// The answer; `None` if the scopes are those of a stored credential.
        answer: Option<ProviderAnswer>,
        /// The first required scope that was not granted.
        scope: String,
    },
    /// The application's private key cannot sign.
    #[error("the application's private key cannot sign")]
    Signature,
    /// The pasted text belongs to another attempt.
    #[error("the answer from the browser belongs to another attempt")]
    StateMismatch,
    /// The provider issued a token that is not sent as it is, such as one of the type `mac`, with which each request is
    /// signed.
    #[error("{answer} with a token of the type '{name}', which is not a bearer token")]
    TokenType {
        /// The answer.
        answer: ProviderAnswer,
        /// The type of the token.
        name: &'static str,
    },
    /// The provider could not authorize now, and sent the browser back.
    #[error("{0}")]
    Unavailable(ProviderAnswer),
    /// The kind does not declare the origin of an address.
    #[error("the address of the {what} is not one that this kind declares")]
    UndeclaredAddress {
        /// The purpose of the address, such as `token endpoint`.
        what: &'static str,
    },
    /// A value would change the meaning of the address or header that it is inserted into.
    #[error("the value of '{name}' is not allowed where it is used")]
    UnsafeValue {
        /// The variable, as the configuration of the kind names it.
        name: String,
    },
}

const EXPIRED_CLIENT: &str = "the secret of the application has expired at the provider";
const REFUSED_CLIENT: &str = "the provider does not accept the application";

const CLIENT_EXPIRED: &str = "client_expired";
pub(crate) const CLIENT_REFUSED: &str = "client_refused";

/// Returns the beginning of a message about an answer.
fn beginning(answer: Option<&ProviderAnswer>) -> String {
    answer.map(|answer| format!("{answer}: ")).unwrap_or_default()
}

/// Returns a code that begins with the kind's name.
pub(crate) fn own_code(kind: &Kind, own: &str) -> String {
    format!("{}_{own}", kind.as_str().replace(['-', '/'], "_"))
}

impl OAuth2Error {
    /// Returns what a person can do about the error.
    pub fn remedy(&self) -> DisplayText {
        self.after_clock(self.usual_remedy())
    }

    /// Returns a remedy behind the one for the clock, if the clocks differ.
    fn after_clock(&self, remedy: DisplayText) -> DisplayText {
        match self {
            Self::InvalidClient { answer, .. } | Self::Refused(answer) | Self::Unauthorized(answer)
                if answer.clock.is_some() =>
            {
                let clock = "correct the clock of this machine, and try again; if that clock is right, ";
                format!("{clock}{}", remedy.as_str()).into()
            }
            _ => remedy,
        }
    }

    fn usual_remedy(&self) -> DisplayText {
        let again = reason::AUTHORIZE_AGAIN;
        match self {
            Self::AccessDenied(_) | Self::NotGranted { .. } => format!("{again}, and accept").into(),
            Self::ClientChanged => format!(
                "configure the application that the connection was made with, or {again} with the current application"
            )
            .into(),
            Self::ClientLapsed => format!("{again}, which registers a new application").into(),
            Self::InvalidClient { client: ClientPlace::Connection, is_expired: true, .. } => {
                format!("make a new secret at the provider, and {again} with it").into()
            }
            Self::InvalidClient { client: ClientPlace::Connection, .. } => {
                format!("{again}, with the application's right id and secret").into()
            }
            Self::NothingToRenew => format!("the access works until the provider ends it; then {again}").into(),
            Self::ScopeMissing { .. } => format!("{again} and grant the requested access").into(),
            // A scope that the provider no longer grants is left out after another authorization.
            Self::Refused(_) => format!("{}; if that is right, {again}", self.other_remedy()).into(),
            Self::Unauthorized(_) => format!("check the client's id and secret; if they are right, {again}").into(),
            error => error.other_remedy().into(),
        }
    }

    /// Returns the remedy as a literal, or the beginning of a longer one.
    fn other_remedy(&self) -> &'static str {
        match self {
            Self::AddressRefused(_) => {
                "ask the administrator of the account to allow the address of this host at the provider; the provider is \
                 asked again by itself"
            }
            Self::AccountUnknown => "report this to the author of the kind",
            Self::Ambiguous { .. } | Self::NoCode | Self::StateMismatch => {
                "begin again, and finish in the browser that was opened for it"
            }
            Self::ClientMissing => "enter the application's id and secret again",
            Self::ConsentRequired(_) => "ask an administrator to consent to the application there, and begin again",
            Self::Discovery { .. } | Self::Metadata { .. } => "check the issuer in the kind's configuration",
            Self::AnswerLost(_) | Self::CodeRefused(_) | Self::Expired => "begin again",
            Self::InvalidClient { client, is_expired, .. } => match client {
                ClientPlace::Connection => reason::AUTHORIZE_AGAIN,
                ClientPlace::Configured(_) if *is_expired => "replace the application's secret where it is configured",
                ClientPlace::Configured(_) => "check the application's id and secret where they are configured",
                ClientPlace::Entered if *is_expired => "make a new secret at the provider, and enter it",
                ClientPlace::Entered => "check the client's id and secret",
                ClientPlace::Registered => "begin again, which registers a new application",
                ClientPlace::Stored => "forget the stored application of this kind, and enter it again",
            },
            Self::IssuerMismatch => "begin again; if this happens again, report it to the provider",
            Self::MissingValue { .. } | Self::UnsafeValue { .. } => "enter a value that is allowed there",
            Self::NoStore => "set the application in the host's configuration",
            Self::NoToken { answer, .. } => answer.next_step(),
            Self::NoWay => "use a host that receives callbacks, or another kind of this provider",
            Self::NotLive(_) => "try again later",
            Self::PolicyRefused(_) => {
                "ask the administrator who sets this policy at the provider; the provider is asked again by itself"
            }
            Self::Redirected(_) => "check the addresses in the kind's configuration",
            Self::Refused(_) => "check how the application is registered at the provider",
            Self::Signature => "check the application's private key (PKCS#8 in PEM) and its algorithm",
            Self::TokenType { .. } => {
                "let the application request bearer tokens, or report this to the author of the kind"
            }
            Self::Unavailable(_) => "begin again later",
            Self::UndeclaredAddress { .. } => "connect only to addresses of this provider",
            Self::AccessDenied(_)
            | Self::NotGranted { .. }
            | Self::ClientChanged
            | Self::ClientLapsed
            | Self::Dead(_)
            | Self::NothingToRenew
            | Self::ScopeMissing { .. }
            | Self::Unauthorized(_) => reason::AUTHORIZE_AGAIN,
        }
    }

    /// Returns the code for programs: one that every host knows, or one that begins with the kind's name.
    pub fn code(&self, kind: &Kind) -> Text {
        let own = match self {
            Self::ClientLapsed | Self::Dead(_) => return reason::NEEDS_REAUTHORIZATION.into(),
            Self::ScopeMissing { .. } => return reason::SCOPE_MISSING.into(),
            Self::UndeclaredAddress { .. } => return reason::DENIED.into(),
            Self::NoToken { .. } => return reason::PROVIDER_ERROR.into(),
            Self::NothingToRenew => return reason::NOTHING_TO_RENEW.into(),
            Self::NotLive(found) => return found.reason.code.clone(),
            Self::NoWay => return "no_callback".into(),
            Self::AccessDenied(_) | Self::NotGranted { .. } => "access_denied",
            Self::AddressRefused(_) | Self::PolicyRefused(_) => "policy_refused",
            Self::AccountUnknown => "account_unknown",
            Self::Ambiguous { .. } | Self::NoCode => "bad_callback",
            Self::AnswerLost(_) => "answer_lost",
            // The code is not `needs_reauthorization`, because the change of the configuration can be undone, and the
            // credential is still valid.
            Self::ClientChanged => "client_changed",
            Self::ClientMissing => "client_missing",
            Self::CodeRefused(_) => "code_refused",
            Self::ConsentRequired(_) => "consent_required",
            Self::Discovery { .. } | Self::Metadata { .. } => "bad_discovery",
            Self::Expired => "code_expired",
            // These codes do not say that the application is refused, because that concerns no other connection.
            Self::InvalidClient { client: ClientPlace::Connection, is_expired: true, .. } => "secret_expired",
            Self::InvalidClient { client: ClientPlace::Connection, .. } => "secret_refused",
            Self::InvalidClient { is_expired: true, .. } => CLIENT_EXPIRED,
            Self::InvalidClient { .. } => CLIENT_REFUSED,
            Self::IssuerMismatch => "issuer_mismatch",
            Self::MissingValue { .. } | Self::UnsafeValue { .. } => "bad_value",
            Self::NoStore => "no_store",
            Self::Redirected(_) => "redirected",
            Self::Refused(_) => "refused",
            Self::Signature => "bad_key",
            Self::StateMismatch => "state_mismatch",
            Self::TokenType { .. } => "token_type",
            // The code does not say that the application is refused, because that would hide a token that no longer works.
            Self::Unauthorized(_) => "unauthorized_request",
            Self::Unavailable(_) => "unavailable",
        };
        own_code(kind, own).into()
    }

    /// Converts the error to the outcome of a setup. A network failure leaves the setup waiting.
    pub(crate) fn failure(self, kind: &Kind) -> SetupFailure {
        match self {
            Self::NotLive(found) => found.into(),
            // The host keeps the answer, so that it can be read again.
            Self::NoToken { .. } => {
                let remedy = self.remedy();
                let mut found = self.not_live(kind);
                found.reason.remedy = Some(remedy);
                found.into()
            }
            Self::AddressRefused(_) => self.not_live(kind).into(),
            error => NotLive::failing(error.reason(kind)).into(),
        }
    }

    /// Converts the error to the result of a verification or a refresh.
    pub(crate) fn not_live(self, kind: &Kind) -> NotLive {
        match self {
            Self::NotLive(found) => found,
            // Nobody was asked, or a response that cannot be parsed says nothing about the credential. The host keeps such a
            // response, because it may hold the new tokens.
            Self::NoToken { .. } | Self::NothingToRenew | Self::TokenType { .. } => {
                NotLive::offline(Reason::new(self.code(kind), self.to_string()))
            }
            // The time of day, or the address of this host, may be another one at the next attempt.
            Self::AddressRefused(_) => NotLive::offline(self.reason(kind)),
            error => NotLive::failing(error.reason(kind)),
        }
    }

    /// Returns the code, the message and the remedy.
    fn reason(&self, kind: &Kind) -> Reason {
        Reason::new(self.code(kind), self.to_string()).remedy(self.way_out(kind))
    }

    /// Returns the remedy, with the command to run if there is one.
    fn way_out(&self, kind: &Kind) -> DisplayText {
        let remedy = match self {
            Self::InvalidClient { client: ClientPlace::Configured(Some(place)), is_expired, .. } => {
                let act =
                    if *is_expired { "replace the application's secret" } else { "correct the application's secret" };
                format!("{act} in this host's configuration: {place}").into()
            }
            Self::InvalidClient { client: ClientPlace::Stored, is_expired, .. } => {
                let act =
                    if *is_expired { "make a new secret at the provider" } else { "check the client's id and secret" };
                let command = format!("connections kinds forget-client {kind}");
                format!("{act}; to enter different ones, forget these first: {command}").into()
            }
            error => error.usual_remedy(),
        };
        self.after_clock(remedy)
    }

    /// Returns `true` if a code for programs says that the provider refused the application of this kind.
    pub(crate) fn is_client_code(code: &str, kind: &Kind) -> bool {
        [CLIENT_EXPIRED, CLIENT_REFUSED].iter().any(|own| code == own_code(kind, own))
    }

    /// Adds the place of the application to a refusal of it.
    #[must_use]
    pub(crate) fn of_client(mut self, place: ClientPlace) -> Self {
        if let Self::InvalidClient { client, .. } = &mut self {
            *client = place;
        }
        self
    }

    /// Converts an unknown outcome of a request that spends something in a setup: it is not sent again, so waiting is
    /// useless.
    pub(crate) fn spent(self) -> Self {
        match self {
            // A host adds to this message how the request ended.
            Self::NotLive(found) if found.reason.code == reason::REFRESH_OUTCOME_UNKNOWN => {
                Self::AnswerLost(found.reason.message)
            }
            error => error,
        }
    }

    /// Returns `true` if a refresh that ended so says nothing about its refresh token.
    pub(crate) fn leaves_token(&self) -> bool {
        self.is_transient() || matches!(self, Self::PolicyRefused(_) | Self::Redirected(_))
    }

    /// Returns the pause for which the provider asks before another request.
    pub(crate) fn pause(&self) -> Option<Duration> {
        match self {
            Self::NotLive(found) => found.recheck_after,
            _ => None,
        }
    }

    /// Returns `true` if the provider may answer differently when it is tried again later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::AddressRefused(_) => true,
            Self::NotLive(found) => found.liveness == Liveness::Offline,
            _ => false,
        }
    }
}

impl From<NotLive> for OAuth2Error {
    fn from(found: NotLive) -> Self {
        Self::NotLive(found)
    }
}
