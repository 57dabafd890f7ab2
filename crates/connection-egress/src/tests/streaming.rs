//! An answer is read in pieces, up to its own limit.

use std::time::Duration;

use connection_contract::{HttpError, HttpRequest};

use super::{Names, base, client, clock, named};
use crate::{HttpClient, HttpPolicy};
use connection_faults::server::{Reply, TestServer};

#[tokio::test]
async fn an_answer_comes_in_pieces_up_to_its_own_limit() {
    let server = TestServer::start(|_| Reply::flood("HTTP/1.1 200 OK\r\nx-a: 1\r\nconnection: close\r\n\r\n", 3)).await;
    let client = client(HttpPolicy::new());
    let start = async |limit| {
        let request = HttpRequest::get(&base(&server.origin()), "/");
        client.start(&named(&server.origin()), request, limit).await.unwrap()
    };
    let mut whole = start(3 << 20).await;
    assert_eq!((whole.status, whole.received_at.seconds()), (200, 1_700_000_000));
    assert!(whole.headers.contains(&("x-a".into(), "1".into())));
    let mut bytes = 0;
    while let Some(chunk) = whole.chunk().await.unwrap() {
        bytes += chunk.len();
    }
    assert_eq!(bytes, 3 << 20);
    let mut cut = start((3 << 20) - 1).await;
    let outcome = loop {
        match cut.chunk().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert_eq!(outcome, Err(HttpError::TooLarge));
}

#[tokio::test]
async fn a_longer_answer_is_refused_by_what_it_announces() {
    let server = TestServer::start(|_| Reply::ok("12345")).await;
    let client = client(HttpPolicy::new());
    for (limit, expected) in [(4, Some(HttpError::TooLarge)), (5, None)] {
        let request = HttpRequest::get(&base(&server.origin()), "/");
        assert_eq!(client.start(&named(&server.origin()), request, limit).await.err(), expected);
    }
}

#[tokio::test]
async fn a_stream_may_outlast_the_time_of_a_request_but_no_pause_may() {
    let server = TestServer::start(|_| Reply::silence_after("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome")).await;
    let clock = clock();
    let policy = HttpPolicy::new().timeout(Duration::from_secs(7));
    let client = HttpClient::with_lookup(policy, clock.clone(), Names::of(&[])).unwrap();
    let request = HttpRequest::get(&base(&server.origin()), "/");
    let mut answer = client.start(&named(&server.origin()), request, 9).await.unwrap();
    clock.advance(Duration::from_secs(8));
    assert_eq!(answer.chunk().await, Ok(Some(b"some".to_vec())));
    let pause = async {
        clock.until_asleep(1).await;
        clock.advance(Duration::from_secs(7));
    };
    assert_eq!(tokio::join!(answer.chunk(), pause).0, Err(HttpError::Timeout));
}
