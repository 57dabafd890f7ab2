//! Servers that are not there, or are something else.

use connection_client::{Client, ConnectionFilter, Error, SendRequest};
use connection_faults::server::{Reply, TestServer};
use tokio::net::TcpListener;

const TOKEN: &str = "cn_a-token-that-nobody-may-see";

pub(crate) fn client_of(server: &TestServer) -> Client {
    Client::new(server.origin(), TOKEN.into()).unwrap()
}

/// Returns the error of a list at a server that answers in this way. It never holds the token.
async fn refused(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Error {
    let server = TestServer::start(reply).await;
    let error = client_of(&server).connections(&ConnectionFilter::new()).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
    assert_eq!(server.requests().len(), 1, "no request is repeated");
    error
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_cause() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let client = Client::builder(format!("http://127.0.0.1:{port}/"), TOKEN.into()).owner("canary").build().unwrap();
    let error = client.connection("canary").await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot reach http://127.0.0.1:{port}: ")), "{text}");
    assert!(text.to_lowercase().contains("refused") && !text.contains("canary"), "{text}");
    assert!(error.is_temporary() && error.remedy().is_some());
}

#[tokio::test]
async fn an_answer_that_is_not_of_the_api_is_no_answer() {
    let error = refused(|_| Reply::ok("<html></html>")).await;
    assert!(matches!(error, Error::UnexpectedAnswer { status: 200, .. }), "{error:?}");
    let error = refused(|_| Reply::whole(502, "", "bad gateway")).await;
    assert!(matches!(error, Error::UnexpectedAnswer { status: 502, .. }) && error.is_temporary(), "{error:?}");
    let error = refused(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")).await;
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = TestServer::start(|_| Reply::ok("{}")).await;
    let location = elsewhere.origin();
    let error = refused(move |_| Reply::redirect(307, &location)).await;
    assert!(matches!(error, Error::UnexpectedAnswer { status: 307, .. }), "{error:?}");
    assert!(elsewhere.requests().is_empty(), "the token goes to no other server");
}

#[tokio::test]
async fn an_answer_without_an_end_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let error = refused(move |_| Reply::flood(head, 64)).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    let error = refused(|_| Reply::flood("HTTP/1.1 500 Oh\r\nconnection: close\r\n\r\n", 64)).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refusal_says_when_to_ask_again() {
    let problem = r#"{"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "too many",
        "code": "too_many_requests", "remedy": "wait", "field": null, "problems": [], "made": null, "later": 1}"#;
    let error = refused(move |_| Reply::whole(429, "retry-after: 7\r\n", problem)).await;
    assert_eq!((error.code(), error.retry_after()), ("too_many_requests", Some(7)));
    assert!(error.is_temporary());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let server = TestServer::start(|_| Reply::silence()).await;
    let client = Client::builder(server.origin(), TOKEN.into()).timeout(std::time::Duration::from_millis(1));
    let error = client.build().unwrap().connections(&ConnectionFilter::new()).await.unwrap_err();
    assert!(error.to_string().ends_with(": no answer in time"), "{error}");
}

#[tokio::test]
async fn the_token_is_in_the_header_alone() {
    let server = TestServer::start(|_| Reply::ok("{}")).await;
    let client = client_of(&server);
    drop(client.send("7", &SendRequest::new("GET", "/")).await);
    let seen = server.requests().pop().unwrap();
    assert!(seen.contains(&format!("authorization: Bearer {TOKEN}")), "{seen}");
    assert_eq!(seen.matches(TOKEN).count(), 1, "{seen}");
    assert!(!format!("{client:?}").contains(TOKEN));
}

#[test]
fn a_token_that_no_header_can_hold_is_refused() {
    for token in ["", "cn_line\nbreak", "cn_white space", "cn_ü"] {
        let error = Client::new("https://connections.example", token.into()).unwrap_err();
        assert!(matches!(error, Error::Token), "{error:?}");
    }
}
