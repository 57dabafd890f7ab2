//! Why OAuth did not work, each with what to do about it.
//!
//! Nothing here holds a secret or a provider's words; its error code alone is kept, and only when it looks like one.

use connection_contract::{DisplayText, Kind, Liveness, NotLive, Reason, SetupFailure, Text, reason};

/// What an OAuth flow, a renewal or a revocation ended with.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuth2Error {
    /// The user, or somebody who decides for them, said no.
    #[error("the access was refused at the provider")]
    AccessDenied,
    /// Neither the answer nor a request told whose the token is.
    #[error("the provider did not tell which account this is")]
    AccountUnknown,
    /// The provider may have taken the code, and its answer is lost.
    #[error("the provider may have taken the code, and its answer is lost")]
    AnswerLost,
    /// The callback holds a parameter twice (RFC 6749, section 3.1).
    #[error("the provider's answer names '{name}' twice")]
    Ambiguous {
        /// Which one.
        name: &'static str,
    },
    /// The application that got the token is another one than the one that is configured now.
    #[error("the connection was made with another application than the one that is configured now")]
    ClientChanged,
    /// The provider does not know the application any more that registered itself for the connection.
    #[error("the provider does not know the application any more that registered itself for this connection")]
    ClientLapsed,
    /// The application's own credentials are not there.
    #[error("the application's own credentials are not there")]
    ClientMissing,
    /// The code, the device's code or the refresh token is dead.
    #[error("the provider will not renew this access any more")]
    Dead,
    /// What was discovered cannot be used.
    #[error("what the provider says about itself cannot be used: {why}")]
    Discovery {
        /// Why not.
        why: &'static str,
    },
    /// Nobody confirmed the code in time.
    #[error("nobody confirmed the code in time")]
    Expired,
    /// The provider does not know the application, or its secret.
    #[error("the provider does not accept the application")]
    InvalidClient,
    /// As [`InvalidClient`](Self::InvalidClient), of one that is kept for this kind: no setup asks for another one.
    #[error("the provider does not accept the application")]
    InvalidKeptClient,
    /// It answered 401 and says nothing of the application; whoever stands before it may have.
    #[error("the provider does not admit the request")]
    Unauthorized,
    /// `iss` is not the provider that the browser was sent to (RFC 9207), or is not there and should be.
    #[error("the answer does not come from the provider that was asked")]
    IssuerMismatch,
    /// A variable has no value.
    #[error("there is no value for '{name}'")]
    MissingValue {
        /// Which variable.
        name: String,
    },
    /// The provider's answer has no token in it.
    #[error("the provider's answer has no token in it")]
    NoToken,
    /// The answer has no code in it.
    #[error("what came back has no code in it")]
    NoCode,
    /// The host has no store for what a kind keeps.
    #[error("this host keeps nothing for a kind")]
    NoStore,
    /// No way to finish is possible on this host.
    #[error("this host cannot finish this kind of authorization")]
    NoWay,
    /// The provider cannot be asked now, or the host does not allow it.
    #[error("{}", .0.reason.message)]
    NotLive(NotLive),
    /// It said no in another way.
    #[error("the provider refused: {code}")]
    Refused {
        /// Its error code, or `error` when what it sent is none.
        code: String,
    },
    /// It wants the request elsewhere, and a secret follows no redirect.
    #[error("the provider redirects a request that holds a secret")]
    Redirected,
    /// It granted less than what is needed.
    #[error("the scope '{scope}' was not granted")]
    ScopeMissing {
        /// The first that is missing.
        scope: String,
    },
    /// The application's private key does not sign.
    #[error("the application's private key does not sign")]
    Signature,
    /// What was pasted belongs to another attempt.
    #[error("what came back belongs to another attempt")]
    StateMismatch,
    /// An address is not one that the kind declares.
    #[error("the address of the {what} is not one that this kind declares")]
    UndeclaredAddress {
        /// Which address.
        what: &'static str,
    },
    /// A value would lead elsewhere than the address it stands in.
    #[error("the value of '{name}' does not fit where it stands")]
    UnsafeValue {
        /// Which variable.
        name: String,
    },
}

impl OAuth2Error {
    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::AccessDenied => "authorize again and accept",
            Self::AccountUnknown => "report this to the author of the kind",
            Self::Ambiguous { .. } | Self::NoCode | Self::NoToken | Self::StateMismatch => {
                "begin again, and finish in the browser that was opened for it"
            }
            Self::ClientChanged => {
                "configure the application that the connection was made with, or authorize again with the one of today"
            }
            Self::ClientLapsed => "authorize again; another one is registered for it",
            Self::ClientMissing => "give the application's id and secret again",
            Self::Dead => "authorize again",
            Self::Discovery { .. } => "check the issuer in the kind's configuration",
            Self::AnswerLost | Self::Expired => "begin again",
            Self::InvalidClient | Self::Unauthorized => "check the client's id and secret",
            Self::InvalidKeptClient => "forget the application that is kept for this kind, and give it again",
            Self::IssuerMismatch => "begin again; if it comes again, tell the provider",
            Self::MissingValue { .. } | Self::UnsafeValue { .. } => "give a value that fits",
            Self::NoStore => "configure the application in the host",
            Self::NoWay => "use a host that receives callbacks, or another kind of this provider",
            Self::NotLive(_) => "try again later",
            Self::Redirected => "check the addresses in the kind's configuration",
            Self::Refused { .. } => "check how the application is registered at the provider",
            Self::ScopeMissing { .. } => "authorize again and grant what is asked",
            Self::Signature => "check the application's private key (PKCS#8 in PEM) and its algorithm",
            Self::UndeclaredAddress { .. } => "connect only to addresses of this provider",
        }
    }

    /// For programs: a code that every host knows, or one of the kind's own.
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
            // Whoever configured it can undo that: nothing of the credential has ended.
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
        };
        format!("{}_{own}", kind.as_str().replace('-', "_")).into()
    }

    /// As the end of a setup; one that a bad network made lets it wait.
    pub(crate) fn failure(self, kind: &Kind) -> SetupFailure {
        match self {
            Self::NotLive(found) => found.into(),
            error => {
                SetupFailure::new(error.code(kind), DisplayText::from(error.to_string())).remedy(error.way_out(kind))
            }
        }
    }

    /// As what a verification or a renewal found.
    pub(crate) fn not_live(self, kind: &Kind) -> NotLive {
        match self {
            Self::NotLive(found) => found,
            // An answer that nobody understands says nothing about the credential.
            Self::NoToken => NotLive::offline(Reason::new(self.code(kind), self.to_string())),
            error => NotLive::failing(
                Reason::new(error.code(kind), DisplayText::from(error.to_string())).remedy(error.way_out(kind)),
            ),
        }
    }

    /// What to do, and with which command.
    fn way_out(&self, kind: &Kind) -> DisplayText {
        match self {
            Self::InvalidKeptClient => {
                let command = format!("connections kinds forget-client {kind}");
                format!("check the client's id and secret; to give others, forget them first: {command}").into()
            }
            error => error.remedy().into(),
        }
    }

    /// Of an application that is kept, if it is one.
    pub(crate) fn of_kept(self, is_kept: bool) -> Self {
        match self {
            Self::InvalidClient | Self::Unauthorized if is_kept => Self::InvalidKeptClient,
            error => error,
        }
    }

    /// Of a request that spends something in a setup: to wait would not help, since it is not sent again.
    pub(crate) fn spent(self) -> Self {
        match self {
            Self::NotLive(found) if found.reason.code == reason::REFRESH_OUTCOME_UNKNOWN => Self::AnswerLost,
            error => error,
        }
    }

    /// Whether the provider may answer otherwise in a moment.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::NotLive(found) if found.liveness == Liveness::Offline)
    }
}

impl From<NotLive> for OAuth2Error {
    fn from(found: NotLive) -> Self {
        Self::NotLive(found)
    }
}

/// What may be shown of a provider's error code: one that looks like a code, and nothing that could be a secret.
pub(crate) fn shown(code: &str) -> String {
    let word = code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && (1..=64).contains(&code.len());
    let number = code.bytes().all(|b| b.is_ascii_digit()) && (1..=6).contains(&code.len());
    if word || number { code.to_owned() } else { "error".to_owned() }
}
