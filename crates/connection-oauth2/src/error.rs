//! The errors of an OAuth flow, each with a remedy.
//!
//! No error holds a secret or text of the provider. Only the provider's error code is kept, and only if it looks like
//! one.

use connection_contract::{DisplayText, Kind, Liveness, NotLive, Reason, SetupFailure, Text, reason};

/// An error of an OAuth flow, a refresh or a revocation.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuth2Error {
    /// The user, or someone who decides for the user, denied access.
    #[error("the access was refused at the provider")]
    AccessDenied,
    /// Neither the token response nor the probe identified the account.
    #[error("the provider did not name the account")]
    AccountUnknown,
    /// The provider may have redeemed the code, but its response was lost.
    #[error("the provider may have accepted the code, but its answer was lost")]
    AnswerLost,
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
    /// The code, the device code or the refresh token is no longer valid.
    #[error("the provider no longer renews this access")]
    Dead,
    /// The issuer's metadata cannot be used.
    #[error("the provider's metadata cannot be used: {why}")]
    Discovery {
        /// The reason why the metadata cannot be used.
        why: &'static str,
    },
    /// The reason, as a sentence for people: `the metadata is larger than 256 KiB`.
    #[error("nobody confirmed the code in time")]
    Expired,
    /// The provider does not accept the application's id or secret.
    #[error("the provider does not accept the application")]
    InvalidClient,
    /// As [`InvalidClient`](Self::InvalidClient), for an application that is stored for this kind, so that no setup
    /// asks again.
    #[error("the provider does not accept the application")]
    InvalidKeptClient,
    /// The provider answered 401 without an error code, so a proxy in front of it may have refused the request.
    #[error("the provider does not allow this request")]
    Unauthorized,
    /// `iss` is not the provider that the browser was sent to (RFC 9207), or is missing although it is required.
    #[error("the answer does not come from the expected provider")]
    IssuerMismatch,
    /// A variable has no value.
    #[error("there is no value for '{name}'")]
    MissingValue {
        /// The variable, as the configuration of the kind names it.
        name: String,
    },
    /// The provider's response holds no token.
    #[error("the provider's answer contains no token")]
    NoToken,
    /// The callback or the pasted text holds no code.
    #[error("the answer from the browser contains no code")]
    NoCode,
    /// The host has no key-value store for this kind.
    #[error("this host stores no applications")]
    NoStore,
    /// This host supports none of the ways in which the kind can be authorized.
    #[error("this host cannot finish this kind of authorization")]
    NoWay,
    /// The provider cannot be reached now, or the host does not allow the request.
    #[error("{}", .0.reason.message)]
    NotLive(NotLive),
    /// The provider refused for another reason.
    #[error("the provider refused: {code}")]
    Refused {
        /// The provider's error code, or `error` if the response has no presentable one.
        code: String,
    },
    /// The provider redirects the request, but a request that holds a secret follows no redirect.
    #[error("the provider redirects a request that contains a secret")]
    Redirected,
    /// A required scope was not granted.
    #[error("the scope '{scope}' was not granted")]
    ScopeMissing {
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
    #[error("the provider's token is of the type '{name}', which is not a bearer token")]
    TokenType {
        /// The type of the token.
        name: &'static str,
    },
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

impl OAuth2Error {
    /// Returns what a person can do about the error.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::AccessDenied => "authorize again and accept",
            Self::AccountUnknown => "report this to the author of the kind",
            Self::Ambiguous { .. } | Self::NoCode | Self::NoToken | Self::StateMismatch => {
                "begin again, and finish in the browser that was opened for it"
            }
            Self::ClientChanged => {
                "configure the application that the connection was made with, or authorize again with the current \
                 application"
            }
            Self::ClientLapsed => "authorize again, which registers a new application",
            Self::ClientMissing => "enter the application's id and secret again",
            Self::Dead => "authorize again",
            Self::Discovery { .. } => "check the issuer in the kind's configuration",
            Self::AnswerLost | Self::Expired => "begin again",
            Self::InvalidClient | Self::Unauthorized => "check the client's id and secret",
            Self::InvalidKeptClient => "forget the stored application of this kind, and enter it again",
            Self::IssuerMismatch => "begin again; if this happens again, report it to the provider",
            Self::MissingValue { .. } | Self::UnsafeValue { .. } => "enter a value that is allowed there",
            Self::NoStore => "set the application in the host's configuration",
            Self::NoWay => "use a host that receives callbacks, or another kind of this provider",
            Self::NotLive(_) => "try again later",
            Self::Redirected => "check the addresses in the kind's configuration",
            Self::Refused { .. } => "check how the application is registered at the provider",
            Self::ScopeMissing { .. } => "authorize again and grant the requested access",
            Self::Signature => "check the application's private key (PKCS#8 in PEM) and its algorithm",
            Self::TokenType { .. } => {
                "let the application request bearer tokens, or report this to the author of the kind"
            }
            Self::UndeclaredAddress { .. } => "connect only to addresses of this provider",
        }
    }

    /// Returns the code for programs: one that every host knows, or one that begins with the kind's name.
    pub fn code(&self, kind: &Kind) -> Text {
        let own = match self {
            Self::ClientLapsed | Self::Dead => return reason::NEEDS_REAUTHORIZATION.into(),
            Self::ScopeMissing { .. } => return reason::SCOPE_MISSING.into(),
            Self::UndeclaredAddress { .. } => return reason::DENIED.into(),
            Self::NoToken => return reason::PROVIDER_ERROR.into(),
            Self::NotLive(found) => return found.reason.code.clone(),
            Self::NoWay => return "no_callback".into(),
            Self::AccessDenied => "access_denied",
            Self::AccountUnknown => "account_unknown",
            Self::Ambiguous { .. } | Self::NoCode => "bad_callback",
            Self::AnswerLost => "answer_lost",
            // The code is not `needs_reauthorization`, because the change of the configuration can be undone, and the
            // credential is still valid.
            Self::ClientChanged => "client_changed",
            Self::ClientMissing => "client_missing",
            Self::Discovery { .. } => "bad_discovery",
            Self::Expired => "code_expired",
            Self::InvalidClient | Self::InvalidKeptClient | Self::Unauthorized => "client_refused",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::MissingValue { .. } | Self::UnsafeValue { .. } => "bad_value",
            Self::NoStore => "no_store",
            Self::Redirected => "redirected",
            Self::Refused { .. } => "refused",
            Self::Signature => "bad_key",
            Self::StateMismatch => "state_mismatch",
            Self::TokenType { .. } => "token_type",
        };
        format!("{}_{own}", kind.as_str().replace(['-', '/'], "_")).into()
    }

    /// Converts the error to the outcome of a setup. A network failure leaves the setup waiting.
    pub(crate) fn failure(self, kind: &Kind) -> SetupFailure {
        match self {
            Self::NotLive(found) => found.into(),
            error => {
                SetupFailure::new(error.code(kind), DisplayText::from(error.to_string())).remedy(error.way_out(kind))
            }
        }
    }

    /// Converts the error to the result of a verification or a refresh.
    pub(crate) fn not_live(self, kind: &Kind) -> NotLive {
        match self {
            Self::NotLive(found) => found,
            // A response that cannot be parsed says nothing about the credential.
            Self::NoToken => NotLive::offline(Reason::new(self.code(kind), self.to_string())),
            error => NotLive::failing(
                Reason::new(error.code(kind), DisplayText::from(error.to_string())).remedy(error.way_out(kind)),
            ),
        }
    }

    /// Returns the remedy, with the command to run if there is one.
    fn way_out(&self, kind: &Kind) -> DisplayText {
        match self {
            Self::InvalidKeptClient => {
                let command = format!("connections kinds forget-client {kind}");
                format!("check the client's id and secret; to enter different ones, forget these first: {command}")
                    .into()
            }
            error => error.remedy().into(),
        }
    }

    /// Converts a refusal of the application to [`InvalidKeptClient`](Self::InvalidKeptClient) if the application is
    /// stored.
    pub(crate) fn of_kept(self, is_kept: bool) -> Self {
        match self {
            Self::InvalidClient | Self::Unauthorized if is_kept => Self::InvalidKeptClient,
            error => error,
        }
    }

    /// Converts an unknown outcome of a request that spends something in a setup: it is not sent again, so waiting is
    /// useless.
    pub(crate) fn spent(self) -> Self {
        match self {
            Self::NotLive(found) if found.reason.code == reason::REFRESH_OUTCOME_UNKNOWN => Self::AnswerLost,
            error => error,
        }
    }

    /// Returns `true` if the provider may answer differently when it is tried again later.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::NotLive(found) if found.liveness == Liveness::Offline)
    }
}

impl From<NotLive> for OAuth2Error {
    fn from(found: NotLive) -> Self {
        Self::NotLive(found)
    }
}

/// Returns the part of a provider's error code that may be shown: a text that looks like a code and cannot be a secret.
pub(crate) fn displayable_code(code: &str) -> String {
    let word = code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && (1..=64).contains(&code.len());
    let number = code.bytes().all(|b| b.is_ascii_digit()) && (1..=6).contains(&code.len());
    if word || number { code.to_owned() } else { "error".to_owned() }
}
