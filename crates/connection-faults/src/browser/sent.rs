//! The requests of a browser with the headers that it sent, which a page cannot see.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

/// A request that a browser sent, with headers that a page cannot see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The whole address, with its query.
    pub url: String,
    /// The value of the `Referer` header.
    pub referer: Option<String>,
    /// The names of the cookies that were sent.
    pub cookies: Vec<String>,
}

/// Reads the requests from a network log.
///
/// The log has separate entries for a request and for its headers, in any order. A request that is redirected has one
/// entry of each sort for each of its parts, and these are in order.
pub(super) fn of(log: &[Value]) -> Vec<Sent> {
    let read = |entry: &Value| serde_json::from_str::<Value>(entry["message"].as_str().unwrap_or_default());
    let messages: Vec<Value> = log.iter().filter_map(|entry| read(entry).ok()).collect();
    let called = |name: &'static str| {
        messages.iter().map(|message| &message["message"]).filter(move |message| message["method"] == name)
    };
    let id = |event: &Value| event["requestId"].as_str().unwrap_or_default().to_owned();
    let mut went_out: HashMap<String, VecDeque<&Value>> = HashMap::new();
    for event in called("Network.requestWillBeSentExtraInfo").map(|message| &message["params"]) {
        went_out.entry(id(event)).or_default().push_back(&event["headers"]);
    }
    let over_the_network = called("Network.requestWillBeSent")
        .map(|message| &message["params"])
        .filter(|event| event["request"]["url"].as_str().is_some_and(|url| url.starts_with("http")));
    over_the_network
        .map(|event| {
            let headers = went_out.get_mut(&id(event)).and_then(VecDeque::pop_front);
            let headers = headers.unwrap_or(&event["request"]["headers"]);
            let pairs = headers.as_object().into_iter().flatten();
            let header = |name: &str| {
                let found = pairs.clone().find(|(own, _)| own.eq_ignore_ascii_case(name));
                found.and_then(|(_, value)| value.as_str()).map(str::to_owned)
            };
            let names = header("cookie").unwrap_or_default();
            let names = names.split("; ").filter_map(|pair| pair.split_once('='));
            Sent {
                url: event["request"]["url"].as_str().unwrap_or_default().to_owned(),
                referer: header("referer"),
                cookies: names.map(|(name, _)| name.to_owned()).collect(),
            }
        })
        .collect()
}
