//! Connections, their refreshes and their removals.

use connection_api as api;
use connection_contract::{Identity, Reason, Timestamp};
use connection_core::{ConnectionInfo, Error, RefreshOutcome, RefreshedConnection, Removal, Teardown};

use super::{condition, liveness};

/// Converts a reason.
pub fn reason(reason: &Reason) -> api::Reason {
    api::Reason {
        code: reason.code.to_string(),
        message: reason.message.to_string(),
        remedy: reason.remedy.as_ref().map(ToString::to_string),
    }
}

/// Converts an error of the core into a reason.
pub fn error(error: &Error) -> api::Reason {
    api::Reason { code: error.code().to_owned(), message: error.to_string(), remedy: error.remedy() }
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
    api::Refreshed { outcome: outcome(refreshed.outcome), connection: connection(&refreshed.connection, now) }
}

fn outcome(outcome: RefreshOutcome) -> api::RefreshOutcome {
    match outcome {
        RefreshOutcome::Adopted => api::RefreshOutcome::Adopted,
        RefreshOutcome::NeedsReauthorization => api::RefreshOutcome::NeedsReauthorization,
        RefreshOutcome::Refreshed => api::RefreshOutcome::Refreshed,
        RefreshOutcome::RefreshedLate => api::RefreshOutcome::RefreshedLate,
        RefreshOutcome::Replayed => api::RefreshOutcome::Replayed,
        RefreshOutcome::Superseded => api::RefreshOutcome::Superseded,
        RefreshOutcome::Uncertain => api::RefreshOutcome::Uncertain,
        RefreshOutcome::Waited => api::RefreshOutcome::Waited,
        _ => api::RefreshOutcome::Failed,
    }
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
        teardown: teardown(removal.teardown),
        reason: removal.reason.as_ref().map(reason),
        credential_page: removal.credential_page.clone(),
        previous: removal.previous.map(teardown),
        previous_reason: removal.previous_reason.as_ref().map(reason),
        previous_credential_page: removal.previous_credential_page.clone(),
    }
}

fn teardown(teardown: Teardown) -> api::Teardown {
    match teardown {
        Teardown::NothingToRevoke => api::Teardown::NothingToRevoke,
        Teardown::NotRevoked => api::Teardown::NotRevoked,
        Teardown::Revoked => api::Teardown::Revoked,
        _ => api::Teardown::Failed,
    }
}
