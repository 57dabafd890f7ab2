//! The shape of a connection, and those of its refresh and of its removal.

use std::{collections::BTreeMap, time::Duration};

use connection_contract::{Identity, Liveness, Reason, Timestamp, reason};
use connection_core::{ConnectionInfo, Error, Removal, Teardown};
use serde::Serialize;
use utoipa::ToSchema;

use super::words;

/// A connection, without secrets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionBody {
    id: String,
    kind: String,
    provider: String,
    owner: String,
    label: String,
    account: AccountBody,
    #[schema(value_type = words::Liveness)]
    liveness: &'static str,
    reason: Option<ReasonBody>,
    checked_at: Option<String>,
    /// The end of a pause that the provider asked for at the last verification. Until then, only a verification with `now`
    /// asks it.
    paused_until: Option<String>,
    valid_until: Option<String>,
    authorized_until: Option<String>,
    renews: bool,
    scopes: Option<Vec<String>>,
    config: BTreeMap<String, String>,
    profile: Option<String>,
    is_default: bool,
    /// The tags that the host has set, by their names.
    tags: BTreeMap<String, String>,
    expiring: bool,
}

/// The outcome of a refresh, and the connection after it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refreshed)]
pub struct RefreshedBody {
    #[schema(value_type = words::RefreshOutcome)]
    outcome: &'static str,
    connection: ConnectionBody,
}

/// A removal, and what happened to the credentials at the provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Removed)]
#[serde(rename_all = "camelCase")]
pub struct RemovedBody {
    id: String,
    kind: String,
    label: String,
    #[schema(value_type = words::Teardown)]
    teardown: &'static str,
    /// The reason why the credential was not revoked, with what a person can do.
    reason: Option<ReasonBody>,
    /// The address of the page on which a person deletes a credential that was not revoked.
    credential_page: Option<String>,
    #[schema(value_type = Option<words::Teardown>)]
    previous: Option<&'static str>,
    previous_reason: Option<ReasonBody>,
    previous_credential_page: Option<String>,
}

/// An account at a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountBody {
    pub(super) id: String,
    pub(super) label: String,
}

/// The reason why something does not work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
#[non_exhaustive]
pub struct ReasonBody {
    /// The stable code for programs.
    pub code: String,
    /// The reason, as a clause.
    pub message: String,
    /// A sentence that says what to do.
    pub remedy: Option<String>,
}

impl ReasonBody {
    /// Creates the shape of a reason.
    pub fn new(code: impl Into<String>, message: impl Into<String>, remedy: Option<String>) -> Self {
        Self { code: code.into(), message: message.into(), remedy }
    }
}

impl From<&Reason> for ReasonBody {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code.to_string(),
            message: reason.message.to_string(),
            remedy: reason.remedy.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&Error> for ReasonBody {
    fn from(error: &Error) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string(), remedy: error.remedy() }
    }
}

impl AccountBody {
    /// Converts the account of a connection.
    pub fn of(info: &ConnectionInfo) -> Self {
        (&info.identity).into()
    }
}

impl From<&Identity> for AccountBody {
    fn from(identity: &Identity) -> Self {
        Self { id: identity.account_id.to_string(), label: identity.label.to_string() }
    }
}

impl ConnectionBody {
    /// Converts a connection as it is at the time `now`.
    pub fn of(info: &ConnectionInfo, now: Timestamp) -> Self {
        let (liveness, reason) = condition(info);
        Self {
            id: info.id.to_string(),
            kind: info.kind.to_string(),
            provider: info.provider.to_string(),
            owner: info.owner.clone(),
            label: info.label.to_string(),
            account: AccountBody::of(info),
            liveness: liveness_word(liveness),
            reason: reason.as_ref().map(ReasonBody::from),
            checked_at: info.checked_at.map(Timestamp::to_rfc3339),
            paused_until: info.paused_until.map(Timestamp::to_rfc3339),
            valid_until: info.valid_until.map(Timestamp::to_rfc3339),
            authorized_until: info.authorized_until.map(Timestamp::to_rfc3339),
            renews: info.renews,
            scopes: info.scopes.clone(),
            config: info.config.iter().cloned().collect(),
            profile: info.profile.map(|id| id.to_string()),
            is_default: info.is_default,
            tags: info.tags.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            expiring: expires_soon(info, now),
        }
    }
}

impl RefreshedBody {
    /// Creates the shape from the name of the outcome and the connection after the refresh.
    pub fn new(outcome: &'static str, connection: ConnectionBody) -> Self {
        Self { outcome, connection }
    }
}

impl RemovedBody {
    /// Converts the removal of a connection.
    pub fn of(info: &ConnectionInfo, removal: &Removal) -> Self {
        Self {
            id: info.id.to_string(),
            kind: info.kind.to_string(),
            label: info.label.to_string(),
            teardown: teardown_word(removal.teardown),
            reason: removal.reason.as_ref().map(ReasonBody::from),
            credential_page: removal.credential_page.clone(),
            previous: removal.previous.map(teardown_word),
            previous_reason: removal.previous_reason.as_ref().map(ReasonBody::from),
            previous_credential_page: removal.previous_credential_page.clone(),
        }
    }
}

fn teardown_word(teardown: Teardown) -> &'static str {
    match teardown {
        Teardown::NothingToRevoke => "nothing_to_revoke",
        Teardown::NotRevoked => "not_revoked",
        Teardown::Revoked => "revoked",
        _ => "failed",
    }
}

/// Returns `live`, `offline`, `failing` or `unknown`.
pub fn liveness_word(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Live => "live",
        Liveness::Offline => "offline",
        Liveness::Failing => "failing",
        _ => "unknown",
    }
}

/// Returns the liveness and its reason. Without the kind, and while its terms are not accepted, a stored measurement says
/// nothing about what works now.
pub fn condition(info: &ConnectionInfo) -> (Liveness, Option<Reason>) {
    if info.kind_changed {
        // Nothing is sent, whatever the provider would answer.
        return (Liveness::Failing, info.reason.clone());
    }
    if info.registered {
        return (info.liveness, info.reason.clone());
    }
    let (why, remedy) = match info.kind.extension() {
        None => (
            "its file in the directory of kinds is gone or has a problem, or this program was built without it"
                .to_owned(),
            "put the file back, use a program that has the kind, or remove the connection",
        ),
        Some(extension) => (
            format!("the extension '{extension}' was removed, or its declaration can no longer be used"),
            "add the extension again, or remove the connection",
        ),
    };
    let gone = Reason::new(reason::UNKNOWN_KIND, format!("no kind '{}' is registered: {why}", info.kind));
    (Liveness::Unknown, Some(gone.remedy(remedy)))
}

/// Returns `true` if the provider refused a request with the connection's credential, and the connection was not verified
/// since.
pub fn is_use_refused(info: &ConnectionInfo) -> bool {
    info.reason.as_ref().is_some_and(|why| why.code == reason::USE_REFUSED)
}

/// Returns `true` if the connection works but is not refreshed, because its refresh token was restored from a backup.
pub fn is_restored(info: &ConnectionInfo) -> bool {
    info.registered && info.reason.as_ref().is_some_and(|why| why.code == reason::RESTORED)
}

/// Returns how many of these connections do not work, how many were never verified, of how many a request was refused
/// since their last verification, and how many are not refreshed since a restore.
pub fn connections_summary(all: &[ConnectionInfo], down: usize, refused: usize, restored: usize) -> String {
    let unverified = all.iter().filter(|info| info.liveness == Liveness::Unknown).count();
    let all = all.len();
    let down = match (down, unverified) {
        (0, 0) => format!("none of {all} failed when it was last verified"),
        (0, unverified) if unverified == all => format!("none of {all} was ever verified"),
        (0, unverified) => format!("none of {all} failed when it was last verified; {unverified} were never verified"),
        (down, 0) => format!("{down} of {all} do not work"),
        (down, unverified) => format!("{down} of {all} do not work; {unverified} were never verified"),
    };
    let refused = match refused {
        0 => down,
        1 => format!("{down}, but the provider of 1 refused a request since"),
        refused => format!("{down}, but the providers of {refused} refused a request since"),
    };
    match restored {
        0 => refused,
        1 => format!("{refused}; 1 was restored from a backup and is not refreshed"),
        restored => format!("{refused}; {restored} were restored from a backup and are not refreshed"),
    }
}

/// The time before an expiry at which it is announced.
pub const EXPIRES_SOON: Duration = Duration::from_secs(7 * 86_400);

/// Returns `true` if the connection soon stops working unless a person acts.
pub fn expires_soon(info: &ConnectionInfo, now: Timestamp) -> bool {
    info.ends_at().is_some_and(|until| until <= now.after(EXPIRES_SOON.as_secs()))
}
