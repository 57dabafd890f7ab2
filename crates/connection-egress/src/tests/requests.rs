//! The bytes of a request on the wire, and requests that are rejected before anything is sent.

use connection_contract::{HttpError, HttpRequest, Secret};

use super::{base, client, error, named};
use crate::{HttpPolicy, outgoing::Outgoing};
use connection_faults::server::{Reply, TestServer};

async fn send(
    policy: HttpPolicy,
    request: impl FnOnce(HttpRequest) -> HttpRequest,
) -> (Option<HttpError>, Vec<String>) {
    let server = TestServer::start(|_| Reply::ok("")).await;
    let request = request(HttpRequest::post(&base(&server.origin()), "/x"));
    let result = client(policy).send(&named(&server.origin()), request).await;
    (result.err(), server.requests())
}

#[tokio::test]
async fn headers_that_frame_or_route_a_request_are_refused_and_nothing_is_sent() {
    for name in ["Host", "content-length", "Transfer-Encoding", "connection", "upgrade", "te", "proxy-authorization"] {
        let refused = send(HttpPolicy::new(), |request| request.header(name, "1")).await;
        assert_eq!(refused, (Some(HttpError::Protocol), Vec::new()), "{name}");
    }
    let (error, requests) = send(HttpPolicy::new(), |request| request.header("x-host", "1")).await;
    assert!(error.is_none() && requests[0].contains("x-host: 1\r\n"));
}

#[tokio::test]
async fn control_characters_in_a_header_are_refused_and_nothing_is_sent() {
    for value in ["a\r\nx-injected: 1", "a\nb", "a\0b", "a\tb", "a\x7fb", "\r"] {
        let secret = send(HttpPolicy::new(), |request| request.bearer(&Secret::from(value))).await;
        assert_eq!(secret, (Some(HttpError::Protocol), Vec::new()), "{value:?}");
        let public = send(HttpPolicy::new(), |request| request.header("x-a", value)).await;
        assert_eq!(public, (Some(HttpError::Protocol), Vec::new()), "{value:?}");
    }
    for name in ["x a", "x\r\na", "", "x:a"] {
        let refused = send(HttpPolicy::new(), |request| request.header(name, "1")).await;
        assert_eq!(refused, (Some(HttpError::Protocol), Vec::new()), "{name:?}");
    }
    let (error, requests) = send(HttpPolicy::new(), |request| request.bearer(&Secret::from("a b"))).await;
    assert!(error.is_none() && requests[0].contains("authorization: Bearer a b\r\n"));
}

#[tokio::test]
async fn methods_that_open_tunnels_or_are_none_are_refused() {
    let server = TestServer::start(|_| Reply::ok("")).await;
    let client = client(HttpPolicy::new());
    for method in ["CONNECT", "TRACE", "", "GET /", "G\r\nET"] {
        let request = HttpRequest::new(method, &base(&server.origin()), "/");
        assert_eq!(error(client.send(&named(&server.origin()), request).await), HttpError::Protocol, "{method:?}");
    }
    assert_eq!(server.requests(), Vec::<String>::new());
    let patch = HttpRequest::new("PATCH", &base(&server.origin()), "/");
    assert_eq!(client.send(&named(&server.origin()), patch).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_request_says_who_asks_and_accepts_nothing_compressed() {
    let (_, requests) = send(HttpPolicy::new(), |request| request.form("a", "b c")).await;
    let version = env!("CARGO_PKG_VERSION");
    assert!(requests[0].contains(&format!("user-agent: connections/{version}\r\n")), "{}", requests[0]);
    assert!(requests[0].contains("accept-encoding: identity\r\n"), "{}", requests[0]);
    assert!(requests[0].ends_with("\r\n\r\na=b%20c"));
    let (_, requests) = send(HttpPolicy::new().user_agent("acme/2"), |request| request).await;
    assert!(requests[0].contains("user-agent: acme/2\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("content-length: 0\r\n"), "{}", requests[0]);
    let (_, requests) = send(HttpPolicy::new(), |request| request.header("user-agent", "own/1")).await;
    assert_eq!(requests[0].matches("user-agent").count(), 1);
    assert!(requests[0].contains("user-agent: own/1\r\n"));
}

#[test]
fn secret_headers_are_marked_and_public_ones_are_not() {
    let request = HttpRequest::get(&base("https://api.example.com"), "/").bearer(&Secret::from("s3cr3t"));
    let outgoing = Outgoing::new(request.header("accept", "text/plain")).unwrap();
    assert!(outgoing.headers["authorization"].is_sensitive() && !outgoing.headers["accept"].is_sensitive());
    assert_eq!(format!("{:?}", outgoing.headers), r#"{"authorization": Sensitive, "accept": "text/plain"}"#);
}
