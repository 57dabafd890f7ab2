//! Each failure of an endpoint becomes the right error.

use std::{
    future::{Future, poll_fn},
    net::TcpListener,
    pin::pin,
    task::Poll,
    time::Duration,
};

use connection_contract::{HttpError, HttpRequest, Timestamp, classify};

use super::{ask, base, client, client_with, clock, declared, error, named};
use crate::{Egress, HttpClient, HttpPolicy, tests::Names};
use connection_faults::server::{Reply, TestServer};

#[tokio::test]
async fn a_refused_port_is_no_connection() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(error(ask(&format!("http://127.0.0.1:{port}")).await), HttpError::Connect);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_apart() {
    let there = "https://nobody.invalid";
    let request = || HttpRequest::get(&base(there), "/");
    let client = client_with(HttpPolicy::new(), Names::of(&[]));
    assert_eq!(error(client.send(&declared(there), request()).await), HttpError::Dns);
    assert_eq!(error(client.send(&named(there), request()).await), HttpError::Dns);
}

/// The shorter limit for a connection is not the one of the request, with which a timeout is reported.
#[tokio::test]
async fn a_proxy_that_says_nothing_is_no_connection() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let policy = HttpPolicy::new().proxy(format!("http://{}", proxy.local_addr().unwrap()));
    let client = client_with(policy.connect_timeout(Duration::from_millis(50)), Names::of(&[]));
    let there = "https://api.example.com";
    assert_eq!(error(client.send(&declared(there), HttpRequest::get(&base(there), "/")).await), HttpError::Connect);
}

#[tokio::test]
async fn no_answer_is_a_timeout_when_the_time_is_over() {
    let server = TestServer::start(|_| Reply::silence()).await;
    check_timeout(&server).await;
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_a_timeout_when_the_time_is_over() {
    let server = TestServer::start(|_| Reply::silence_after("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nsome")).await;
    check_timeout(&server).await;
}

async fn check_timeout(server: &TestServer) {
    let clock = clock();
    let policy = HttpPolicy::new().timeout(Duration::from_secs(7));
    let client = HttpClient::with_lookup(policy, clock.clone(), Names::of(&[])).unwrap();
    let egress = named(&server.origin());
    let mut sent = pin!(client.send(&egress, HttpRequest::get(&base(&server.origin()), "/")));
    tokio::select! {
        biased;
        early = &mut sent => panic!("{early:?}"),
        () = server.until_asked(1) => clock.advance(Duration::from_secs(6)),
    }
    // After six of seven seconds, the request still waits.
    assert!(poll_fn(|context| Poll::Ready(sent.as_mut().poll(context).is_pending())).await);
    clock.advance(Duration::from_secs(1));
    assert_eq!(error(sent.await), HttpError::Timeout);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_without_reading_it_all() {
    // The server would send 64 MiB, of which the buffers of the operating system take a few.
    let announced =
        TestServer::start(|_| Reply::flood("HTTP/1.1 200 OK\r\ncontent-length: 67108864\r\n\r\n", 64)).await;
    let silent = TestServer::start(|_| Reply::flood("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", 64)).await;
    for server in [announced, silent] {
        assert_eq!(error(ask(&server.origin()).await), HttpError::TooLarge);
        assert!(server.flooded() < 32, "{} MiB were taken", server.flooded());
    }
}

#[tokio::test]
async fn a_body_of_just_the_limit_is_taken() {
    let server = TestServer::start(|request| {
        let length = if request.starts_with("GET /more") { 11 } else { 10 };
        Reply::raw(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(length)))
    })
    .await;
    let client = client_with(HttpPolicy::new().body_limit(10), Names::of(&[]));
    let (base, egress): (_, Egress) = (base(&server.origin()), named(&server.origin()));
    let taken = client.send(&egress, HttpRequest::get(&base, "/just")).await.unwrap();
    assert_eq!(taken.body().expose(), b"xxxxxxxxxx");
    assert_eq!(error(client.send(&egress, HttpRequest::get(&base, "/more")).await), HttpError::TooLarge);
}

#[tokio::test]
async fn what_is_not_http_or_ends_too_early_is_a_protocol_error() {
    let answers = [
        "220 mail.example.com ESMTP\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a length\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    ];
    for answer in answers {
        let server = TestServer::start(move |_| Reply::raw(answer)).await;
        assert_eq!(error(ask(&server.origin()).await), HttpError::Protocol, "{answer:?}");
    }
}

/// The library reports a connection that was closed without a byte and one that was closed in the head as the same error.
#[tokio::test]
async fn a_connection_that_is_closed_before_an_answer_is_told_as_closed() {
    for answer in ["", "HTTP/1.1 200 OK\r\n"] {
        let server = TestServer::start(move |_| Reply::raw(answer)).await;
        let egress = named(&server.origin());
        let sent = client(HttpPolicy::new()).send(&egress, HttpRequest::get(&base(&server.origin()), "/")).await;
        assert_eq!(error(sent), HttpError::Closed, "{answer:?}");
        let found = classify(Err(HttpError::Closed)).unwrap_err();
        let found = egress.heard.describe_reason(found, Timestamp::from_seconds(0));
        let host = server.origin().replace("http://", "");
        assert_eq!(found.reason.message.as_str(), format!("{host} closed the connection before it had answered"));
    }
}

#[tokio::test]
async fn what_follows_the_announced_length_is_not_part_of_the_answer() {
    let server = TestServer::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more")).await;
    assert_eq!(ask(&server.origin()).await.unwrap().body().expose(), b"hello");
}

#[tokio::test]
async fn every_status_is_an_answer() {
    for status in [204, 304, 400, 401, 403, 404, 408, 429, 500, 503] {
        let server =
            TestServer::start(move |_| Reply::raw(format!("HTTP/1.1 {status} Told\r\nretry-after: 7\r\n\r\n"))).await;
        let response = ask(&server.origin()).await.unwrap();
        assert_eq!((response.status(), response.retry_after()), (status, Some(Duration::from_secs(7))));
        assert_eq!(response.received_at().seconds(), 1_700_000_000);
    }
}
