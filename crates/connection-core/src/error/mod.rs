//! The errors of a registry. A connection that does not work is data, not an error.
//!
//! Every error names what it is about, has a stable [`code`](Error::code) and, where something can be done, a remedy.
//! No error holds a secret or a provider's text.

mod access_token;
mod agent;
mod approval;
mod extension;
mod profile;
mod rules;
pub(crate) mod table;

use std::{borrow::Cow, sync::Arc};

use connection_contract::{
    ConnectionError, CredentialError, DisplayText, HttpError, Kind, NotLive, Origin, ServiceError,
};

use table::codes_and_remedies;

use crate::{
    ConnectionId, ConnectionInfo, DirectoryRefused, InvalidCursor, InvalidTags, RowError, RowFault, SealError,
    SessionId, StoreError,
    frozen::{Frozen, Stopped},
};

pub use access_token::AccessTokenFault;
pub use agent::AgentError;
pub use approval::ApprovalError;
pub use extension::ExtensionError;
pub use profile::ProfileError;
pub use rules::RuleError;

/// The reason why an operation of a registry, a session or a connection was refused or failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A token was not made, or a code was not exchanged.
    #[error(transparent)]
    AccessToken(#[from] AccessTokenFault),
    /// The account is already connected, and the import does not allow a second connection to it.
    #[error("this account is already connected as {kind}:{label}")]
    AccountConnected {
        /// The kind of the existing connection and of the rejected import.
        kind: Kind,
        /// The label of the existing connection, which can be used instead.
        label: String,
    },
    /// A request for an agent or of an agent was refused, for example because it has no grant.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The owner has several connections of the kind, and none of them is the default.
    #[error("there are several connections of kind '{kind}': {}", names(.candidates))]
    Ambiguous {
        /// The kind of which a connection was requested.
        kind: Kind,
        /// The first of these connections.
        candidates: Vec<ConnectionInfo>,
    },
    /// An approval was not answered.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// The registry was closed with [`close`](crate::ConnectionRegistry::close), or is being closed.
    #[error("the registry is closed")]
    Closed,
    /// The stored credential cannot be attached or read by its plugin.
    #[error("the stored credential cannot be used by the plugin '{kind}'")]
    Credential {
        /// The kind whose plugin cannot use the credential.
        kind: Kind,
        /// The error with which the plugin refused the stored credential.
        source: CredentialError,
    },
    /// The request's origin is not in the connection's reach. Nothing was sent.
    #[error("{origin} is outside of this connection's reach")]
    Denied {
        /// The origin of the request: scheme, host and port.
        origin: Origin,
    },
    /// A granted directory is not opened, because the host protects it or restricts its owner.
    #[error(transparent)]
    Directory(#[from] DirectoryRefused),
    /// A request of an extension was refused, for example because it has no grant.
    #[error(transparent)]
    Extension(#[from] ExtensionError),
    /// A file or directory could not be read.
    #[error("the file cannot be read")]
    Files(#[source] ServiceError),
    /// Something that concerns the use is frozen. Nothing more is sent, and no secret is handed out.
    #[error("{}", frozen(.what, *.fault))]
    Frozen {
        /// The thing that is frozen.
        what: Frozen,
        /// The fault of the row that names what is frozen, if everything is frozen because of it.
        fault: Option<RowFault>,
    },
    /// The provider did not answer, or its answer was incomplete.
    #[error("{}", unanswered(.host, *.source))]
    Http {
        /// The host of the request, with its port unless it is the default one.
        host: String,
        /// The reason why there is no complete answer.
        source: HttpError,
    },
    /// A list cannot begin at the cursor, which it did not return.
    #[error(transparent)]
    InvalidCursor(#[from] InvalidCursor),
    /// The data to import is not a connection of its kind.
    #[error("the connection cannot be imported: {0}")]
    InvalidImport(Cow<'static, str>),
    /// The kind states other terms than those under which the account was connected. Nothing was sent.
    #[error("the kind '{kind}' no longer sends secrets as it did when '{kind}:{label}' was connected")]
    KindChanged {
        /// The kind whose terms have changed.
        kind: Kind,
        /// The label of the connection that was not used.
        label: String,
    },
    /// The label is empty, or consists of white space only.
    #[error("a label must not be empty")]
    InvalidLabel,
    /// The text cannot be the name of an owner.
    #[error("the name of the owner {0}")]
    InvalidOwner(&'static str),
    /// The request has a method, path, header or body that cannot be sent.
    #[error("the request is not well formed: {0}")]
    InvalidRequest(&'static str),
    /// The texts cannot be the tags of a connection.
    #[error(transparent)]
    InvalidTags(#[from] InvalidTags),
    /// Another connection of the same owner and kind has this label.
    #[error("there is already a connection '{kind}:{label}'")]
    LabelTaken {
        /// The kind of both connections. Labels are unique among the connections that an owner has of a kind.
        kind: Kind,
        /// The label that was requested.
        label: String,
    },
    /// The owner has no connection of this kind.
    #[error("nothing of kind '{0}' is connected")]
    NoConnection(Kind),
    /// No previous credential is kept. A replaced credential is kept for seven days.
    #[error("'{kind}:{label}' has no previous credential to return to")]
    NoPrevious {
        /// The kind of the connection that was to be rolled back.
        kind: Kind,
        /// The label of the connection that was to be rolled back.
        label: String,
    },
    /// No connection with this id belongs to this owner.
    #[error("no connection with the id {0}")]
    NotFound(ConnectionId),
    /// The credential has ended or was refused, and could not be refreshed. The stored credential is unchanged.
    #[error("the credential of this connection could not be renewed: {}", why.reason.message)]
    NotRenewed {
        /// The kind of the connection whose credential could not be refreshed.
        kind: Kind,
        /// The reason: failing if only a person can help, offline if the refresh is tried again.
        why: Box<NotLive>,
    },
    /// The kind does not have the requested capability.
    #[error("connections of kind '{kind}' cannot {what}")]
    NotSupported {
        /// The kind that lacks the capability.
        kind: Kind,
        /// The capability, as a verb: `send requests`.
        what: &'static str,
    },
    /// The plugin failed in a way that says nothing about the connection.
    #[error("the plugin '{kind}' failed")]
    Plugin {
        /// The kind whose plugin failed.
        kind: Kind,
        /// The error that the plugin returned.
        source: Box<ConnectionError>,
    },
    /// The plugin panicked or did not finish in time.
    #[error("the plugin '{kind}' {what}")]
    PluginFault {
        /// The kind whose plugin did not return.
        kind: Kind,
        /// The predicate of the message: `crashed` or `did not finish in time`.
        what: &'static str,
    },
    /// An operation on a profile was refused or failed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The body of a request is too large for a kind that reads it before it is sent.
    #[error(
        "connections of kind '{kind}' read the body of a request before they send it, so it can have at most {} MiB",
        .limit >> 20
    )]
    RequestTooLarge {
        /// The kind that reads bodies.
        kind: Kind,
        /// The maximum size, in bytes.
        limit: usize,
    },
    /// The rollback was refused. The connection keeps its current credential.
    #[error("the previous credential of '{kind}:{label}' cannot be restored: {why}")]
    RollbackRefused {
        /// The kind of the connection, which was not rolled back.
        kind: Kind,
        /// The label of the connection, which was not rolled back.
        label: String,
        /// The reason why the previous credential cannot be used, as a sentence for people.
        why: DisplayText,
        /// The remedy, if something can be done.
        remedy: Option<DisplayText>,
    },
    /// A database row was edited or restored by somebody without the key. It is not used.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The rules of a grant do not let the request pass. Nothing was sent.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// Sealed data cannot be opened, because its key is missing or the data was edited.
    #[error("the sealed data of {what} cannot be opened")]
    Sealed {
        /// The row, table and column: `connection 018f3b9e-7d2a-7c31-9f43-0123456789ab (connection_credential.sealed, 3)`.
        what: String,
        /// The reason why the data cannot be opened, such as a missing key.
        source: Arc<SealError>,
    },
    /// No setup session with this id belongs to this owner, or it ended long ago.
    #[error("no setup session with the id {0}")]
    SessionNotFound(SessionId),
    /// A statement of the store failed, or its database could not be reached.
    #[error("the store failed")]
    Store(#[source] Arc<StoreError>),
    /// The terms of the kind changed after they were shown. Nothing was accepted.
    #[error("the kind '{kind}' was changed again after its terms were shown, so nothing was accepted")]
    TermsOutdated {
        /// The kind whose terms have changed again.
        kind: Kind,
    },
    /// The owner has as many open setups as this host allows.
    #[error("{most} setups of this owner are open, and this host allows no more")]
    TooManySetups {
        /// The maximum number of open setups.
        most: u32,
    },
    /// The provider compressed its answer, although nothing asked for that, in a way that cannot be decoded. The credential
    /// could not be covered in it, so the answer was dropped. The provider may have acted on the request.
    #[error(
        "{host} answered in a content coding that cannot be decoded here, in which the credential could not be covered, \
         so the answer was dropped; the provider may have acted on the request"
    )]
    Undecodable {
        /// The host name of the provider.
        host: String,
    },
    /// No plugin of this kind is registered.
    #[error("no plugin of kind '{0}' is registered")]
    UnknownKind(Kind),
    /// The connection has no address for webhooks.
    #[error("'{kind}:{label}' has no address for webhooks")]
    WebhookDisabled {
        /// The kind of the connection without an address.
        kind: Kind,
        /// The label of the connection without an address.
        label: String,
    },
    /// The webhooks of the connection cannot be checked, because no key is known for them.
    #[error("webhooks of '{kind}:{label}' cannot be checked: {why}")]
    WebhookKey {
        /// The kind of the connection without a key.
        kind: Kind,
        /// The label of the connection without a key.
        label: String,
        /// The reason why no key can be used or added, as a clause for people.
        why: DisplayText,
    },
}

codes_and_remedies! {
    Error {
        Self::AccessToken(fault) => fault.code(), fault.remedy();
        Self::AccountConnected { .. } => "account_connected", "use the existing connection, or remove it first";
        Self::Agent(error) => error.code(), error.remedy();
        Self::Ambiguous { .. } => "ambiguous",
            "name one by its label or by the end of its id, or make one the default";
        Self::Approval(error) => error.code(), error.remedy();
        Self::Closed => "registry_closed", "open a new registry on the same store; a closed registry stays closed";
        Self::Credential { .. } => "credential_unreadable", "authorize the connection again";
        Self::Denied { .. } => "denied",
            "a connection reaches only the addresses that were set when it was connected";
        Self::Directory(refused) => refused.code(), refused.remedy();
        Self::Extension(error) => error.code(), error.remedy();
        Self::Files(ServiceError::NotFound) => "file_not_found", "list the directory to see what is there";
        Self::Files(ServiceError::Denied) => "denied", "only files below the granted directories can be read";
        Self::Files(_) => "file_unavailable";
        Self::Frozen { fault: None, what } => "frozen",
            format!("thaw it with `connections thaw {}`", what.arguments());
        Self::Frozen { .. } => "frozen",
            "find out who can write the database; then freeze again what should be frozen, and thaw all with \
             `connections thaw --all`";
        Self::Http { source: source @ HttpError::Denied, .. } => http_code(*source),
            "enter the address when connecting, or map it under [http.endpoints]; a redirect to another address is not \
             followed";
        Self::Http { source, .. } => http_code(*source),
            source.remedy().map_or_else(|| "try again later".to_owned(), |remedy| remedy.as_str().to_owned());
        Self::InvalidCursor(_) => "invalid_cursor",
            "begin at the first page, or pass on the position of the page before as it is";
        Self::InvalidImport(_) => "invalid_import";
        Self::InvalidLabel => "invalid_label", "enter a label with visible characters";
        Self::InvalidOwner(_) => "invalid_owner", "use the name or number by which the program knows its user";
        Self::InvalidRequest(_) => "invalid_request";
        Self::InvalidTags(_) => "invalid_tags", "correct the tags; nothing was changed";
        Self::KindChanged { .. } => "kind_changed", "look at what changed, then accept the kind's new terms";
        Self::LabelTaken { .. } => "label_taken", "choose another label";
        Self::NoConnection(_) => "not_found", "connect an account, or list the connections to see which exist";
        Self::NoPrevious { .. } => "no_previous", "authorize the connection again";
        Self::NotFound(_) => "not_found", "list the connections to see their ids";
        Self::NotRenewed { why, .. } => "not_renewed",
            why.reason.remedy.as_ref().map_or("try again later".to_owned(), ToString::to_string);
        Self::NotSupported { .. } => "not_supported";
        Self::Plugin { .. } => "plugin_fault", "report this to the plugin's author";
        Self::PluginFault { what, .. } => if *what == CRASHED { "plugin_panicked" } else { "plugin_timeout" },
            "report this to the plugin's author";
        Self::Profile(error) => error.code(), error.remedy();
        Self::RequestTooLarge { .. } => "request_too_large", "send the data in several requests";
        Self::RollbackRefused { remedy, .. } => "rollback_refused", remedy.as_ref().map(ToString::to_string);
        Self::Row(error) => error.code(), error.remedy();
        Self::Rules(error) => error.code(), error.remedy();
        Self::Sealed { what, source } => "sealed_unreadable", sealed_remedy(what, source);
        Self::SessionNotFound(_) => "setup_not_found", "begin a new setup";
        Self::Store(source) => source.code(), source.remedy();
        Self::TermsOutdated { .. } => "kind_changed", "look at what changed, then accept the kind's new terms";
        Self::TooManySetups { .. } => "too_many_setups",
            "finish or cancel an open setup, or wait until one expires, then begin again";
        Self::Undecodable { .. } => http_code(HttpError::Protocol),
            "ask the provider, or whoever runs a proxy before it, to answer `Accept-Encoding: identity` without a coding";
        Self::UnknownKind(_) => "unknown_kind", "list the kinds to see which are registered";
        Self::WebhookDisabled { .. } => "webhook_disabled", "enable webhooks for it first";
        Self::WebhookKey { .. } => "webhook_key_missing";
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Frozen { what, fault } => Self::Frozen { what, fault },
            Stopped::GrantEnded { agent, connection } => AgentError::GrantEnded { agent, connection }.into(),
            Stopped::Removed(id) => Self::NotFound(id),
            Stopped::TokenEnded { agent } => AgentError::TokenEnded(agent).into(),
            Stopped::Unknown(error) => error.into(),
        }
    }
}

fn frozen(what: &Frozen, fault: Option<RowFault>) -> String {
    let what = what.subject();
    match fault {
        None => format!("{what} is frozen"),
        Some(fault) => {
            let why = fault.predicate();
            format!("{what} is frozen, because the row in connection_freeze {why}")
        }
    }
}

pub(crate) const CRASHED: &str = "crashed";
pub(crate) const TIMED_OUT: &str = "did not finish in time";

/// Returns the remedy for sealed data that cannot be opened. A connection can also be authorized again.
fn sealed_remedy(what: &str, error: &SealError) -> Option<String> {
    let remedy = error.remedy()?;
    let anew =
        what.starts_with("connection ") && matches!(error, SealError::WrongKey { .. } | SealError::UnknownFormat);
    Some(if anew { format!("{remedy}, or authorize the connection again") } else { remedy })
}

/// Returns `KIND:LABEL (END OF ID)` of each connection, separated by commas.
pub(crate) fn names(candidates: &[ConnectionInfo]) -> String {
    let name = |info: &ConnectionInfo| {
        let id = info.id.to_string();
        format!("{}:{} ({})", info.kind, info.label, id.get(28..).unwrap_or(&id))
    };
    candidates.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn unanswered(host: &str, error: HttpError) -> String {
    match error {
        HttpError::Denied => {
            format!("{host}, or the address that it redirects to, is outside of this connection's reach")
        }
        HttpError::Connect | HttpError::Dns | HttpError::Timeout => format!("cannot reach {host}"),
        error if error.is_of_tls() => format!("cannot reach {host}: {error}"),
        HttpError::Closed => format!("{host} closed the connection before it had answered"),
        HttpError::Redirects(status) => {
            format!("{host} answered {status}: it redirects in a loop, or too many times in a row")
        }
        _ => format!("{host} gave no complete answer"),
    }
}

/// Returns the reason code of a request without an answer, as [`classify`](connection_contract::classify) gives it.
fn http_code(error: HttpError) -> &'static str {
    use connection_contract::reason;
    match error {
        HttpError::Connect => reason::CONNECT,
        HttpError::Credential => reason::CREDENTIAL_UNREADABLE,
        HttpError::Denied => reason::DENIED,
        HttpError::Dns => reason::DNS,
        HttpError::Timeout => reason::TIMEOUT,
        error if error.is_of_tls() => reason::TLS,
        HttpError::TooLarge => reason::TOO_LARGE,
        HttpError::Uncertain => reason::REFRESH_OUTCOME_UNKNOWN,
        _ => reason::PROVIDER_ERROR,
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => Self::Closed,
            error => Self::Store(Arc::new(error)),
        }
    }
}
