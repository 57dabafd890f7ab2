//! The shape of an account's usage.

use connection_agent::{UsageReading, UsageStatus, usage_json};
use connection_contract::Kind;
use connection_core::{ConnectionId, ProfileId};
use serde::Serialize;

use super::ErrorContent;
use crate::Error;

/// An element of `usage`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsageBody {
    kind: String,
    profile: Option<String>,
    connection: Option<String>,
    account: Option<String>,
    auth_mode: Option<String>,
    age: Option<u64>,
    error: Option<ErrorContent>,
    snapshot: Option<serde_json::Value>,
}

impl UsageBody {
    pub(crate) fn of(
        kind: &Kind,
        profile: Option<ProfileId>,
        connection: Option<ConnectionId>,
        found: Result<(&UsageStatus, Option<&UsageReading>), &Error>,
    ) -> Self {
        let empty = Self {
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
            Err(error) => return Self { error: Some(error.into()), ..empty },
        };
        let snapshot = reading.and_then(|reading| reading.snapshot.as_ref());
        Self {
            connection: status.connection.map(|id| id.to_string()),
            account: status.identity.as_ref().map(|identity| identity.label.to_string()),
            auth_mode: status.auth_mode.as_ref().map(ToString::to_string),
            age: reading.filter(|_| snapshot.is_some()).map(|reading| reading.age.as_secs()),
            error: reading.and_then(|reading| reading.error.as_ref()).map(|error| (&error.reason).into()),
            // `to_value` returns valid JSON.
            snapshot: snapshot
                .and_then(|snapshot| serde_json::from_str(&usage_json::to_value(snapshot).to_string()).ok()),
            ..empty
        }
    }
}
