//! The record that the authorization servers of tests keep of their requests.

use connection_contract::Value;

use crate::user_agent::UserAgent;

/// A request that an authorization server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// The HTTP method, such as `POST`.
    pub method: String,
    /// The path, such as `/token`.
    pub path: String,
    /// The `grant_type` of a token request.
    pub grant: Option<String>,
    /// The hash of the refresh token that the request spent.
    pub spent: Option<String>,
    /// The HTTP status of the response.
    pub status: i64,
}

/// Returns the requests that the server at this address has answered.
pub(crate) fn of(server: &str) -> Vec<LoggedRequest> {
    let answer = UserAgent::new().get(&format!("{server}/ledger")).expect("the server answers");
    let ledger = Value::parse(answer.body.as_bytes()).expect("the ledger is JSON");
    let text = |entry: &Value, name: &str| entry[name].as_str().map(str::to_owned);
    let entries = ledger.items().iter();
    entries
        .map(|entry| LoggedRequest {
            method: text(entry, "method").unwrap_or_default(),
            path: text(entry, "path").unwrap_or_default(),
            grant: text(entry, "grant"),
            spent: text(entry, "spent"),
            status: entry["status"].as_i64().unwrap_or_default(),
        })
        .collect()
}
