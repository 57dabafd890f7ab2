//! Redirects within an origin are followed, and others are not.

use connection_contract::{HttpError, HttpRequest, HttpResponse, Secret, SetupFailure, Timestamp, classify, host};

use super::{base, client, declared, error, granted, named};
use crate::HttpPolicy;
use connection_faults::server::{Reply, TestServer};

/// Sends a request to a server that redirects every path but `/there`.
async fn send(method: &'static str, status: u16) -> (Result<HttpResponse, HttpError>, Vec<String>) {
    let server = TestServer::start(move |request| match request.split(' ').nth(1) {
        Some("/there?now=1") => Reply::ok("arrived"),
        _ => Reply::redirect(status, "/there?now=1"),
    })
    .await;
    let request = HttpRequest::new(method, &base(&server.origin()), "/here").header("x-key", Secret::from("k"));
    let request = if method == "POST" { request.form("a", "b") } else { request };
    let result = client(HttpPolicy::new()).send(&named(&server.origin()), request).await;
    (result, server.requests())
}

#[tokio::test]
async fn a_read_follows_within_its_origin_with_its_headers_and_without_a_referer() {
    for status in [301, 302, 303, 307, 308] {
        let (result, requests) = send("GET", status).await;
        assert_eq!(result.unwrap().body().expose(), b"arrived");
        assert!(requests[1].starts_with("GET /there?now=1 HTTP/1.1\r\n") && requests[1].contains("x-key: k\r\n"));
        assert!(!requests[1].to_ascii_lowercase().contains("referer"), "{}", requests[1]);
    }
}

#[tokio::test]
async fn a_body_is_never_sent_again() {
    for status in [301, 302, 307, 308] {
        let (result, requests) = send("POST", status).await;
        assert_eq!((result.unwrap().status(), requests.len()), (status, 1));
    }
    let (result, requests) = send("POST", 303).await;
    assert_eq!((result.unwrap().body().expose(), requests.len()), (&b"arrived"[..], 2));
    assert!(requests[0].ends_with("\r\n\r\na=b"));
    assert!(requests[1].starts_with("GET /there") && requests[1].ends_with("\r\n\r\n"));
    assert!(!requests[1].contains("content-type"));
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_is_the_answer() {
    for (method, status) in [("GET", 301), ("GET", 307), ("POST", 303), ("POST", 307)] {
        for location in ["/there", "https://other.example.com/there"] {
            let server = TestServer::start(move |_| Reply::redirect(status, location)).await;
            let request = HttpRequest::new(method, &base(&server.origin()), "/here").no_redirect();
            // A host copies a request to send it again; the copy is as strict.
            for request in [host::duplicate(&request), request] {
                let answer = client(HttpPolicy::new()).send(&named(&server.origin()), request).await.unwrap();
                assert_eq!(answer.status(), status, "{method} {location}");
            }
            assert_eq!(server.requests().len(), 2, "{method} {status} {location}");
        }
    }
}

#[tokio::test]
async fn another_origin_is_denied_and_hears_nothing_even_when_it_was_granted() {
    for (method, status) in [("GET", 302), ("GET", 307), ("POST", 307), ("POST", 303)] {
        let other = TestServer::start(|_| Reply::ok("leaked")).await;
        let location = format!("{}/there", other.origin());
        let server = TestServer::start(move |_| Reply::redirect(status, &location)).await;
        let egress = granted([(&server.origin(), true), (&other.origin(), true)]);
        let request = HttpRequest::new(method, &base(&server.origin()), "/").bearer(&Secret::from("token"));
        let client = client(HttpPolicy::new());
        assert_eq!(error(client.send(&egress, request).await), HttpError::Denied, "{method} {status}");
        assert_eq!((server.requests().len(), other.requests().len()), (1, 0));
        // The other server answers a direct request, so it was the rule that kept the redirect away.
        assert!(client.send(&egress, HttpRequest::get(&base(&other.origin()), "/there")).await.is_ok());
    }
}

/// The record of an answer has no status, so that an earlier run may have been led elsewhere.
#[tokio::test]
async fn an_answer_that_leads_elsewhere_is_told_from_an_address_that_is_denied() {
    let server = TestServer::start(|_| Reply::redirect(302, "https://other.example.com/")).await;
    let client = client(HttpPolicy::new());
    let egress = named(&server.origin());
    let request = || HttpRequest::get(&base(&server.origin()), "/");
    let denied = classify(client.send(&egress, request()).await).unwrap_err();
    let failure = SetupFailure::from(denied);
    assert!(egress.heard.elsewhere(&failure).is_some());
    assert!(egress.heard.elsewhere(&SetupFailure::new("denied", "another sentence")).is_none());
    egress.heard.forget();
    assert!(egress.heard.elsewhere(&failure).is_none(), "nothing was answered");
    client.recall(&egress.heard, &request(), Err(HttpError::Denied));
    assert!(egress.heard.elsewhere(&failure).is_some());
    let answer = HttpResponse::new(200, Vec::new(), "{}", Timestamp::from_seconds(0));
    client.recall(&egress.heard, &request(), Ok(&answer));
    assert!(egress.heard.elsewhere(&failure).is_none());
}

#[tokio::test]
async fn what_looks_like_the_same_origin_is_not() {
    for location in ["//other.example.com/", "https://127.0.0.1/", "http://user:pw@127.0.0.1/", "file:///etc/passwd"] {
        let server = TestServer::start(move |_| Reply::redirect(302, location)).await;
        let result = client(HttpPolicy::new())
            .send(&named(&server.origin()), HttpRequest::get(&base(&server.origin()), "/"))
            .await;
        assert_eq!(error(result), HttpError::Denied, "{location}");
    }
}

#[tokio::test]
async fn five_redirects_are_followed_and_a_sixth_is_not() {
    for (most, expected) in [(5, Ok(200)), (6, Err(HttpError::Redirects(302)))] {
        let server = TestServer::start(move |request| {
            let at: u32 = request.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
            if at == most { Reply::ok("") } else { Reply::redirect(302, &format!("/{}", at + 1)) }
        })
        .await;
        let request = HttpRequest::get(&base(&server.origin()), "/0");
        let result = client(HttpPolicy::new()).send(&named(&server.origin()), request).await;
        assert_eq!(result.map(|response| response.status()), expected);
        assert_eq!(server.requests().len(), 6);
    }
}

#[tokio::test]
async fn a_redirect_loop_is_told_as_one_with_the_host_and_the_status() {
    for status in [301, 302, 308] {
        let server = TestServer::start(move |_| Reply::redirect(status, "/")).await;
        let egress = named(&server.origin());
        let sent = client(HttpPolicy::new()).send(&egress, HttpRequest::get(&base(&server.origin()), "/")).await;
        assert_eq!(error(sent), HttpError::Redirects(status));
        let found = classify(Err(HttpError::Redirects(status))).unwrap_err();
        let message = egress.heard.describe_reason(found, Timestamp::from_seconds(0)).reason.message;
        let host = server.origin().replace("http://", "");
        assert!(message.as_str().starts_with(&format!("{host} answered {status} ")), "{}", message.as_str());
        assert!(message.as_str().ends_with(": it redirects in a loop, or too many times in a row"));
    }
}

#[tokio::test]
async fn an_endpoint_may_redirect_within_the_origin_that_it_stands_for() {
    let server = TestServer::start(|request| match request.starts_with("GET /there") {
        true => Reply::ok("arrived"),
        false => Reply::redirect(302, "https://api.example.com/there"),
    })
    .await;
    let policy = HttpPolicy::new().endpoint("https://api.example.com", &server.origin()).unwrap();
    let request = HttpRequest::get(&base("https://api.example.com"), "/here");
    let response = client(policy).send(&declared("https://api.example.com"), request).await.unwrap();
    assert_eq!(response.body().expose(), b"arrived");
    assert_eq!(server.requests().len(), 2);
}
