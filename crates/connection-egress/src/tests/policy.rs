//! The settings that a host may make for HTTP, and the errors for those that it may not.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::{HttpError, HttpRequest, Secret};
use connection_faults::server::{Reply, TestServer};

use super::{base, granted};
use crate::{HttpObserver, HttpPolicy, tests::client};

#[test]
fn endpoints_are_listed_as_they_are_in_force() {
    let policy = HttpPolicy::new()
        .endpoint("https://api.github.com/", "http://127.0.0.1:9001")
        .and_then(|policy| policy.endpoint("https://api.notion.com:443", "https://gateway.example.com"))
        .and_then(|policy| policy.endpoint("https://a.example.com", "http://localhost:1"))
        .and_then(|policy| policy.endpoint("https://b.example.com", "http://[::1]:1"))
        .unwrap();
    let listed: Vec<_> = policy.endpoints().collect();
    assert_eq!(listed[0], ("https://api.github.com", "http://127.0.0.1:9001"));
    assert_eq!(listed[1], ("https://api.notion.com", "https://gateway.example.com"));
    assert_eq!(listed.len(), 4);
}

#[test]
fn an_endpoint_that_is_no_origin_is_refused_by_name() {
    check(
        "api.github.com",
        "'api.github.com' is not an origin: write only the scheme, host and port, as in https://api.example.com",
    );
    for bad in
        ["", "ftp://a", "https://", "https://a/path", "https://a?q", "https://a#f", "https://a b", "http://127.1"]
    {
        assert!(HttpPolicy::new().endpoint("https://a.example.com", bad).is_err(), "{bad}");
        assert!(HttpPolicy::new().endpoint(bad, "https://a.example.com").is_err(), "{bad}");
    }
}

#[test]
fn a_password_in_a_bad_endpoint_is_not_repeated() {
    check(
        "https://u:pw@a/?k=s",
        "'a/' is not an origin: write only the scheme, host and port, as in https://api.example.com",
    );
}

#[test]
fn a_port_that_does_not_exist_is_named() {
    for port in ["65536", "99999", "0", "123456789012345678901"] {
        let bad = format!("https://a.example.com:{port}");
        check(&bad, &format!("'{bad}' has a port that does not exist: a port is a number from 1 to 65535"));
        assert!(HttpPolicy::new().only_endpoint(&bad).is_err());
    }
    // The other parts of a bad address are named as before.
    check(
        "https://a.example.com:port",
        "'https://a.example.com:port' is not an origin: write only the scheme, host and port, as in \
         https://api.example.com",
    );
}

#[track_caller]
fn check(bad: &str, expected: &str) {
    assert_eq!(HttpPolicy::new().endpoint("https://a.example.com", bad).unwrap_err().to_string(), expected);
}

#[test]
fn https_becomes_http_on_loopback_only() {
    let refused = HttpPolicy::new().endpoint("https://a.example.com", "http://10.0.0.1").unwrap_err().to_string();
    assert!(refused.contains("https://a.example.com") && refused.contains("http://10.0.0.1"), "{refused}");
    assert!(HttpPolicy::new().endpoint("https://a.example.com", "http://localhost.example.com").is_err());
    assert!(HttpPolicy::new().endpoint("https://a.example.com", "https://10.0.0.1").is_ok());
    assert!(HttpPolicy::new().endpoint("http://a.example.com", "http://b.example.com").is_ok());
}

#[test]
fn one_origin_has_one_endpoint() {
    let once = HttpPolicy::new().endpoint("https://a.example.com", "https://b.example.com").unwrap();
    let twice = once.endpoint("https://A.example.com:443", "https://c.example.com").unwrap_err();
    assert_eq!(twice.to_string(), "https://a.example.com has two endpoints; remove one of them");
}

#[tokio::test]
async fn what_cannot_be_followed_is_said_when_the_client_is_made() {
    let make = |policy| {
        let clock = crate::tests::clock();
        crate::HttpClient::new(policy, clock).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(make(HttpPolicy::new()), Ok(()));
    assert!(make(HttpPolicy::new().user_agent("a\r\nb")).unwrap_err().contains("user agent"));
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(make(HttpPolicy::new().root_certificate_pem(pem)).unwrap_err().contains("root certificate"), "{pem}");
    }
    for text in ["http://user:hunter2@", "user:hunter2@host", "hunter2", "ftp://hunter2:21", "hunter2:3128"] {
        let proxy = make(HttpPolicy::new().proxy(text)).unwrap_err();
        assert!(proxy.contains("proxy") && !proxy.contains("hunter2"), "{proxy}");
    }
    assert_eq!(make(HttpPolicy::new().proxy("http://user:hunter2@proxy.example.com:3128")), Ok(()));
}

#[tokio::test]
async fn debug_shows_no_password_of_a_proxy() {
    let policy = HttpPolicy::new().proxy("http://user:hunter2@proxy.example.com:3128");
    let shown = format!("{policy:?} {:?}", client(policy.clone()));
    assert!(shown.contains("proxy: true") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_request_has_fifteen_seconds_and_one_that_spends_something_keeps_twenty() {
    let seconds = Duration::from_secs;
    let usual = HttpPolicy::new();
    let quick = HttpPolicy::new().timeout(seconds(7));
    let patient = HttpPolicy::new().timeout(seconds(60));
    for (policy, any, spending, refreshing) in [(usual, 15, 20, 20), (quick, 7, 7, 7), (patient, 60, 60, 20)] {
        assert_eq!(policy.deadline(), seconds(any));
        assert_eq!(policy.spending_deadline(None), seconds(spending));
        assert_eq!(policy.spending_deadline(Some(seconds(20))), seconds(refreshing));
    }
}

/// A listener that keeps the method, the address and the answer of each request.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl HttpObserver for Seen {
    fn answered(&self, request: &HttpRequest, answer: Result<(u16, Option<&Secret>), HttpError>) {
        let answer = answer.map(|(status, body)| (status, body.and_then(Secret::expose_str).unwrap_or_default()));
        self.0.lock().unwrap().push(format!("{} {} {answer:?}", request.method, request.url()));
    }
}

#[tokio::test]
async fn all_origins_go_to_the_only_endpoint_and_the_listener_sees_each_request() {
    let server = TestServer::start(|_| Reply::ok("hello")).await;
    let seen = Arc::new(Seen::default());
    let policy = HttpPolicy::new().endpoint("https://a.example.com", "http://127.0.0.1:1").unwrap();
    let client = client(policy.only_endpoint(&server.origin()).unwrap().observer(seen.clone()));
    let egress = granted([("https://a.example.com", false), ("https://b.example.com", false)]);
    client.send(&egress, HttpRequest::get(&base("https://a.example.com"), "/1")).await.unwrap();
    client.send_once(&egress, HttpRequest::post(&base("https://b.example.com"), "/2"), None, None).await;
    client.start(&egress, HttpRequest::get(&base("https://b.example.com"), "/3"), 100).await.unwrap();
    assert_eq!(
        *seen.0.lock().unwrap(),
        [
            "GET https://a.example.com/1 Ok((200, \"hello\"))",
            "POST https://b.example.com/2 Ok((200, \"hello\"))",
            "GET https://b.example.com/3 Ok((200, \"\"))",
        ]
    );
    assert_eq!(server.requests().len(), 3);
    // The origins that a request may go to stay the same.
    let other = client.send(&egress, HttpRequest::get(&base("https://c.example.com"), "/")).await;
    assert_eq!(other.unwrap_err(), HttpError::Denied);
}

#[test]
fn the_only_endpoint_is_encrypted_or_on_loopback() {
    for to in ["https://test.example.com", "http://127.0.0.1:9001", "http://localhost:1"] {
        assert!(HttpPolicy::new().only_endpoint(to).is_ok(), "{to}");
    }
    let refused = HttpPolicy::new().only_endpoint("http://test.example.com").unwrap_err().to_string();
    assert!(refused.starts_with("http://test.example.com is not encrypted: use https"), "{refused}");
    assert!(HttpPolicy::new().only_endpoint("https://test.example.com/path").is_err());
}
