//! Converts values of JSON columns. Rows are read leniently: a value that cannot be read is absent, so that one bad row
//! breaks no list.

use connection_contract::{DisplayText, Reason, Text};
use serde::{Deserialize, Serialize};

use crate::ids::ConnectionId;

#[derive(Serialize, Deserialize)]
struct StoredReason {
    code: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// The time of the first of the refusals that have not ended since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused_since: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing_scopes: Vec<String>,
}

pub(crate) fn reason(reason: &Reason) -> String {
    refusal(reason, None)
}

/// Returns a reason with the time since which a provider has refused.
pub(crate) fn refusal(reason: &Reason, refused_since: Option<i64>) -> String {
    let stored = StoredReason {
        code: reason.code.to_string(),
        message: reason.message.as_str().to_owned(),
        remedy: reason.remedy.as_ref().map(|remedy| remedy.as_str().to_owned()),
        refused_since,
        missing_scopes: reason.missing_scopes.to_vec(),
    };
    text(&stored)
}

/// Returns the time since which a provider has refused, from a [`refusal`].
pub(crate) fn refused_since(json: &str) -> Option<i64> {
    serde_json::from_str::<StoredReason>(json).ok()?.refused_since
}

pub(crate) fn to_reason(json: &str) -> Option<Reason> {
    let StoredReason { code, message, remedy, missing_scopes, .. } = serde_json::from_str(json).ok()?;
    let reason = Reason::new(DisplayText::from(code).as_str().to_owned(), message).missing_scopes(&missing_scopes);
    Some(match remedy {
        Some(remedy) => reason.remedy(remedy),
        None => reason,
    })
}

/// Returns the ids as a JSON array, because no type for a list of ids exists on both engines.
pub(crate) fn ids(ids: &[ConnectionId]) -> String {
    text(&ids.iter().map(|id| id.as_uuid().simple().to_string()).collect::<Vec<_>>())
}

pub(crate) fn config(config: &[(Text, String)]) -> String {
    text(&config.iter().map(|(name, value)| (&**name, value.as_str())).collect::<Vec<_>>())
}

pub(crate) fn to_config(json: &str) -> Vec<(String, String)> {
    serde_json::from_str(json).unwrap_or_default()
}

pub(crate) fn texts(texts: &Vec<String>) -> String {
    text(texts)
}

pub(crate) fn to_texts(json: &str) -> Option<Vec<String>> {
    serde_json::from_str(json).ok()
}

fn text(value: &impl Serialize) -> String {
    // Text, lists of text and structs of text always serialize.
    serde_json::to_string(value).unwrap_or_default()
}
