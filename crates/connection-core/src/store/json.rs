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
}

pub(crate) fn reason(reason: &Reason) -> String {
    let stored = StoredReason {
        code: reason.code.to_string(),
        message: reason.message.as_str().to_owned(),
        remedy: reason.remedy.as_ref().map(|remedy| remedy.as_str().to_owned()),
    };
    text(&stored)
}

pub(crate) fn to_reason(json: &str) -> Option<Reason> {
    let StoredReason { code, message, remedy } = serde_json::from_str(json).ok()?;
    let reason = Reason::new(DisplayText::from(code).as_str().to_owned(), message);
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
