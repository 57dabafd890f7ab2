//! Requests of a browser, with the headers that went out: what it decides to send is not what a page sees.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Whole, with its query.
    pub url: String,
    /// Who is named as the one who led here.
    pub referer: Option<String>,
    /// The names of the cookies that went along.
    pub cookies: Vec<String>,
}

/// Of a log of the network. A request and the headers that went out are told apart from each other, in any order; of one
/// that is sent on, each part in turn.
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
