//! The usage of accounts, now and before.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Reason;

/// The usage of an account, as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// The kind of the account.
    pub kind: String,
    /// The id of the profile of a local tool.
    pub profile: Option<String>,
    /// The id of the connection.
    pub connection: Option<String>,
    /// The name of the account, if it is known.
    pub account: Option<String>,
    /// How the account is paid for: `subscription`, `api_key`, or another word of the kind.
    pub auth_mode: Option<String>,
    /// The seconds since the snapshot was fetched, or a session reported a part of it.
    pub age: Option<u64>,
    /// The reason why the last fetch failed.
    pub error: Option<Reason>,
    /// The metrics, the time at which they were observed, and the provider's own data.
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub snapshot: Option<Value>,
}

/// The action to take on the usage of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UsageRequest {
    /// What a running session of the kind's tool reports, instead of a request to the provider.
    #[serde(default)]
    pub session: Option<UsageSession>,
}

/// The report of a running session.
///
/// `Debug` hides it, because tools name directories and people in their documents.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UsageSession {
    /// The document in which the tool reports on its session, unchanged, with at most 64 KiB and 32 levels. It is not
    /// kept.
    #[serde(default)]
    pub document: Option<Map<String, Value>>,
    /// The tokens that are now in the context of the session, instead of what the document says.
    #[serde(default)]
    pub context_used: Option<u64>,
    /// The tokens that fit into the context.
    #[serde(default)]
    pub context_max: Option<u64>,
}

/// The history of a connection's usage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UsageHistory {
    /// The history of each metric.
    pub series: Vec<UsageSeries>,
}

/// The history of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UsageSeries {
    /// The id of the metric.
    pub metric: String,
    /// The time of each number in seconds since 1970, and the number: the used share from 0 to 1 of a time window, the used
    /// tokens, or the spent amount in US dollars.
    pub points: Vec<(i64, f64)>,
}

impl fmt::Debug for UsageSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsageSession").finish_non_exhaustive()
    }
}
