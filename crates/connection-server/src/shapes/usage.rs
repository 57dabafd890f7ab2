//! The shape of an account's usage.

use connection_agent::{UsageReading, UsageStatus, usage_json};
use connection_contract::Kind;
use connection_core::{ConnectionId, ProfileId};
use serde::Serialize;
use utoipa::ToSchema;

use super::ReasonBody;

/// The usage of an account, as it is known.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
#[serde(rename_all = "camelCase")]
pub struct UsageBody {
    kind: String,
    /// The id of the profile of a local tool.
    profile: Option<String>,
    /// The id of the connection.
    connection: Option<String>,
    account: Option<String>,
    /// How the account is paid for: `subscription`, `api_key`, or another word of the kind.
    auth_mode: Option<String>,
    /// The seconds since the snapshot was fetched, or a session reported a part of it.
    age: Option<u64>,
    /// The reason why the last fetch failed.
    error: Option<ReasonBody>,
    /// The metrics, the time at which they were observed, and the provider's own data.
    #[schema(value_type = Option<Object>)]
    snapshot: Option<serde_json::Value>,
}

impl UsageBody {
    /// Creates the shape of the usage that was found, or of the reason why none was.
    pub fn of(
        kind: &Kind,
        profile: Option<ProfileId>,
        connection: Option<ConnectionId>,
        found: Result<(&UsageStatus, Option<&UsageReading>), ReasonBody>,
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
            Err(error) => return Self { error: Some(error), ..empty },
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
