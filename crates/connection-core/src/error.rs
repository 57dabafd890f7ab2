//! What the registry refuses or cannot do. A connection that does not work is data, not one of these.
//!
//! Every error names the thing, has a stable [`code`](Error::code) and, where there is one, the way out. None holds a
//! secret or a provider's text.

use std::sync::Arc;

use connection_contract::{ConnectionError, CredentialError, HttpError, Kind, Origin, ServiceError};

use crate::{ConnectionId, SealError, SessionId, StoreError};

/// Why an operation of a registry, a session or a connection was refused or could not be done.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stored credential cannot be attached or read by its plugin.
    #[error("the stored credential cannot be used by the plugin '{kind}'")]
    Credential {
        /// The connection's kind.
        kind: Kind,
        /// What the plugin says.
        source: CredentialError,
    },
    /// The request goes to an origin that is not in the connection's reach; nothing was sent.
    #[error("{origin} is not in the reach of this connection")]
    Denied {
        /// Where it would have gone.
        origin: Origin,
    },
    /// A file or directory could not be had.
    #[error("the file cannot be read")]
    Files(#[source] ServiceError),
    /// The provider did not answer.
    #[error("{}", unanswered(*.0))]
    Http(#[source] HttpError),
    /// The request is not well formed: a method, path or header that cannot be sent.
    #[error("the request is not well formed: {0}")]
    InvalidRequest(&'static str),
    /// There is another connection with this label.
    #[error("there is already a connection '{kind}:{label}'")]
    LabelTaken {
        /// The kind.
        kind: Kind,
        /// The label.
        label: String,
    },
    /// No connection with this id belongs to this owner.
    #[error("there is no connection {0}")]
    NotFound(ConnectionId),
    /// The kind lacks what was asked of its connection.
    #[error("connections of kind '{kind}' cannot {what}")]
    NotSupported {
        /// The kind.
        kind: Kind,
        /// The capability, as a verb: `send requests`.
        what: &'static str,
    },
    /// The plugin failed in a way that says nothing about the connection.
    #[error("the plugin '{kind}' could not tell")]
    Plugin {
        /// The kind.
        kind: Kind,
        /// What it says.
        source: ConnectionError,
    },
    /// The plugin crashed or did not come to an end.
    #[error("the plugin '{kind}' {what}")]
    PluginFault {
        /// The kind.
        kind: Kind,
        /// `crashed`, or `did not come to an end in time`.
        what: &'static str,
    },
    /// Sealed data does not open.
    #[error("sealed data of {what} does not open")]
    Sealed {
        /// Whose.
        what: String,
        /// Why.
        source: Arc<SealError>,
    },
    /// No setup session with this id belongs to this owner, or it ended long ago.
    #[error("there is no setup session {0}")]
    SessionNotFound(SessionId),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] Arc<StoreError>),
    /// No plugin of this kind is registered.
    #[error("no plugin of kind '{0}' is registered")]
    UnknownKind(Kind),
}

impl Error {
    /// For programs; listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Credential { .. } => "credential_unreadable",
            Self::Denied { .. } => "denied",
            Self::Files(ServiceError::NotFound) => "file_not_found",
            Self::Files(ServiceError::Denied) => "denied",
            Self::Files(_) => "file_unavailable",
            Self::Http(error) => http_code(*error),
            Self::InvalidRequest(_) => "invalid_request",
            Self::LabelTaken { .. } => "label_taken",
            Self::NotFound(_) => "not_found",
            Self::NotSupported { .. } => "not_supported",
            Self::Plugin { .. } => "plugin_fault",
            Self::PluginFault { what, .. } if *what == CRASHED => "plugin_panicked",
            Self::PluginFault { .. } => "plugin_timeout",
            Self::Sealed { .. } => "sealed_unreadable",
            Self::SessionNotFound(_) => "setup_not_found",
            Self::Store(_) => "store_failed",
            Self::UnknownKind(_) => "unknown_kind",
        }
    }

    /// What to do, where something can be done.
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Credential { .. } => "remove the connection and connect again",
            Self::Denied { .. } => "only addresses that were named when connecting are in reach",
            Self::Files(ServiceError::NotFound) => "list the directory to see what is there",
            Self::Files(ServiceError::Denied) => "only what lies below the granted directories can be read",
            Self::Http(HttpError::Denied) => {
                "name the address when connecting, or map it under [http.endpoints]; a redirect elsewhere is not followed"
            }
            Self::Http(_) => "try again later",
            Self::LabelTaken { .. } => "choose another label",
            Self::NotFound(_) => "list the connections to see their ids",
            Self::PluginFault { .. } | Self::Plugin { .. } => "report this to the plugin's author",
            Self::SessionNotFound(_) => "begin a new setup",
            Self::UnknownKind(_) => "list the kinds to see which are registered",
            Self::Sealed { source, .. } => return source.remedy(),
            Self::Store(source) => return source.remedy(),
            Self::Files(_) | Self::InvalidRequest(_) | Self::NotSupported { .. } => return None,
        };
        Some(text.to_owned())
    }
}

pub(crate) const CRASHED: &str = "crashed";
pub(crate) const TIMED_OUT: &str = "did not come to an end in time";

fn unanswered(error: HttpError) -> &'static str {
    match error {
        HttpError::Denied => "the provider's address, or where it redirects to, is not in reach",
        _ => "the provider did not answer",
    }
}

/// The reason code of a request without an answer, as [`classify`](connection_contract::classify) gives it.
fn http_code(error: HttpError) -> &'static str {
    use connection_contract::reason;
    match error {
        HttpError::Connect => reason::CONNECT,
        HttpError::Credential => reason::CREDENTIAL_UNREADABLE,
        HttpError::Denied => reason::DENIED,
        HttpError::Dns => reason::DNS,
        HttpError::Timeout => reason::TIMEOUT,
        HttpError::Tls => reason::TLS,
        HttpError::TooLarge => reason::TOO_LARGE,
        HttpError::Uncertain => reason::REFRESH_OUTCOME_UNKNOWN,
        _ => reason::PROVIDER_ERROR,
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}
