//! Connections, their refreshes and their removals.

use connection_api as api;
use connection_contract::{Identity, ProviderText, Reason, Timestamp};
use connection_core::{ConnectionInfo, Error, RefreshedConnection, Removal};

use super::{condition, liveness};

/// Converts a reason.
pub fn reason(reason: &Reason) -> api::Reason {
    api::Reason {
        code: reason.code.to_string(),
        message: reason.message.to_string(),
        remedy: reason.remedy.as_ref().map(ToString::to_string),
        provider_text: provider_text(reason.provider_text.as_ref()),
    }
}

/// Converts the provider's own words.
pub(super) fn provider_text(words: Option<&ProviderText>) -> Option<String> {
    words.map(|words| words.as_str().to_owned())
}

/// Converts an error of the core into a reason.
pub fn error(error: &Error) -> api::Reason {
    api::Reason {
        code: error.code().to_owned(),
        message: error.to_string(),
        remedy: error.remedy(),
        provider_text: None,
    }
}

/// Converts an account.
pub fn account(identity: &Identity) -> api::Account {
    api::Account { id: identity.account_id.to_string(), label: identity.label.to_string() }
}

/// Converts a connection as it is at the time `now`.
pub fn connection(info: &ConnectionInfo, now: Timestamp) -> api::Connection {
    let (state, why) = condition(info);
    api::Connection {
        id: info.id.to_string(),
        kind: info.kind.to_string(),
        provider: info.provider.to_string(),
        owner: info.owner.clone(),
        label: info.label.to_string(),
        account: account(&info.identity),
        liveness: liveness(state),
        reason: why.as_ref().map(reason),
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
        expiring: info.ends_soon(now),
        frozen: info.frozen,
    }
}

/// Converts the outcome of a refresh, and the connection as it is at the time `now`.
pub fn refreshed(refreshed: &RefreshedConnection, now: Timestamp) -> api::Refreshed {
    api::Refreshed { outcome: refreshed.outcome.as_str().into(), connection: connection(&refreshed.connection, now) }
}

/// Converts the removal of a connection.
pub fn removed(info: &ConnectionInfo, removal: &Removal) -> api::Removed {
    outcome_of([info.id.to_string(), info.kind.to_string(), info.label.to_string()], removal)
}

/// Converts the removal of a connection that was read as a shape.
pub fn removal(of: &api::Connection, removal: &Removal) -> api::Removed {
    outcome_of([&of.id, &of.kind, &of.label].map(Clone::clone), removal)
}

fn outcome_of([id, kind, label]: [String; 3], removal: &Removal) -> api::Removed {
    api::Removed {
        id,
        kind,
        label,
        teardown: removal.teardown.as_str().into(),
        reason: removal.reason.as_ref().map(reason),
        credential_page: removal.credential_page.clone(),
        previous: removal.previous.map(|teardown| teardown.as_str().into()),
        previous_reason: removal.previous_reason.as_ref().map(reason),
        previous_credential_page: removal.previous_credential_page.clone(),
        remaining: super::remaining(&removal.in_force),
    }
}
