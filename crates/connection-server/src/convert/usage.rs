//! The usage of an account.

use connection_agent::{UsageReading, UsageStatus, usage_json};
use connection_api as api;
use connection_contract::{Kind, SessionTokens, Value};
use connection_core::{ConnectionId, ProfileId};

use super::reason;

/// Creates the shape of the usage that was found, or of the reason why none was.
pub fn usage(
    kind: &Kind,
    profile: Option<ProfileId>,
    connection: Option<ConnectionId>,
    found: Result<(&UsageStatus, Option<&UsageReading>), api::Reason>,
) -> api::Usage {
    let empty = api::Usage {
        kind: kind.to_string(),
        profile: profile.map(|id| id.to_string()),
        connection: connection.map(|id| id.to_string()),
        account: None,
        auth_mode: None,
        age: None,
        error: None,
        snapshot: None,
    };
    let (status, reading) = match found {
        Ok(found) => found,
        Err(error) => return api::Usage { error: Some(error), ..empty },
    };
    let snapshot = reading.and_then(|reading| reading.snapshot.as_ref());
    api::Usage {
        connection: status.connection.map(|id| id.to_string()),
        account: status.identity.as_ref().map(|identity| identity.label.to_string()),
        auth_mode: status.auth_mode.as_ref().map(ToString::to_string),
        age: reading.filter(|_| snapshot.is_some()).map(|reading| reading.age.as_secs()),
        error: reading.and_then(|reading| reading.error.as_ref()).map(|error| reason(&error.reason)),
        // `to_value` returns valid JSON.
        snapshot: snapshot.and_then(|snapshot| serde_json::from_str(&usage_json::to_value(snapshot).to_string()).ok()),
        ..empty
    }
}

/// Converts the report of a session. `None` if its document is nested too deeply.
pub fn session_tokens(session: api::UsageSession) -> Option<SessionTokens> {
    let tokens = SessionTokens::new(session.context_used.unwrap_or(0), session.context_max);
    let Some(document) = session.document else { return Some(tokens) };
    // The core checks the size, and the parser the levels.
    let document = Value::parse(serde_json::Value::from(document).to_string().as_bytes()).ok()?;
    Some(tokens.document(document))
}
