//! What the authorization servers of tests tell of the requests that they answered.

use connection_contract::Value;

use crate::user_agent::UserAgent;

/// One request that it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `POST`
    pub method: String,
    /// `/token`
    pub path: String,
    /// The `grant_type`, of a token request.
    pub grant: Option<String>,
    /// A hash of the refresh token that was spent.
    pub spent: Option<String>,
    /// What it answered.
    pub status: i64,
}

/// What the server at that address tells.
pub(crate) fn of(server: &str) -> Vec<Asked> {
    let answer = UserAgent::new().get(&format!("{server}/ledger")).expect("the server answers");
    let ledger = Value::parse(answer.body.as_bytes()).expect("the ledger is JSON");
    let text = |entry: &Value, name: &str| entry[name].as_str().map(str::to_owned);
    let entries = ledger.items().iter();
    entries
        .map(|entry| Asked {
            method: text(entry, "method").unwrap_or_default(),
            path: text(entry, "path").unwrap_or_default(),
            grant: text(entry, "grant"),
            spent: text(entry, "spent"),
            status: entry["status"].as_i64().unwrap_or_default(),
        })
        .collect()
}
