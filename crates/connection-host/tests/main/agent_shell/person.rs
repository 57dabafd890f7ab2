//! A person who answers the requests of the agent with a token that only answers approvals, while the agent attacks.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::serve::ask;

/// The body of the requests that the person approves.
const BODY: &str = r#"{"lock_reason":"resolved"}"#;
/// The number of requests that the person approves: the ones about the issues 1, 2 and 3, once each.
const APPROVED: u32 = 3;

/// Returns the requests that the person approves, in the form in which the provider lists what was written.
pub(super) fn approved() -> Vec<String> {
    (1..=APPROVED).map(|number| format!("PUT /repos/acme/site/issues/{number}/lock {BODY}")).collect()
}

/// Answers the requests of the agent `deploy` until it has ended. Returns those that were approved.
pub(super) fn answers(address: SocketAddr, token: &str, has_ended: &AtomicBool) -> BTreeSet<String> {
    let mut given = BTreeSet::new();
    while !has_ended.load(Ordering::Acquire) {
        let waiting = called(address, token, "GET", "/approvals?state=waiting&agent=deploy", None);
        for approval in waiting["items"].as_array().unwrap() {
            let id = approval["id"].as_str().unwrap();
            let path = format!("/approvals/{id}");
            let shown = called(address, token, "GET", &path, None);
            let request = &shown["request"];
            let text = |name: &str| request[name].as_str().unwrap_or_default();
            let shown_path = text("address").strip_prefix("https://api.github.com").unwrap_or_default();
            let line = format!("{} {shown_path} {}", text("method"), text("body"));
            // The agent may take an answer, and the same request is then asked again.
            if approved().contains(&line) && given.insert(line) {
                let digest = json!({ "digest": approval["digest"] });
                called(address, token, "POST", &format!("{path}/approve"), Some(digest));
            } else {
                let reason = json!({ "reason": "Nobody asked for this." });
                called(address, token, "POST", &format!("{path}/refuse"), Some(reason));
            }
            if has_ended.load(Ordering::Acquire) {
                break;
            }
        }
        thread::park_timeout(Duration::from_millis(50));
    }
    given
}

fn called(address: SocketAddr, token: &str, method: &str, path: &str, body: Option<Value>) -> Value {
    let headers = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let path = format!("/api/v1{path}");
    let answer = ask(address, &address.to_string(), method, &path, &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{method} {path}: {answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}
