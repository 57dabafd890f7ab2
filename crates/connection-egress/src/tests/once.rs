//! A request that is sent once reports reliably whether it was sent.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
    time::Duration,
};

use connection_contract::{HttpError, HttpRequest};

use super::{Names, base, client_with, declared, named};
use crate::{Egress, HttpClient, HttpPolicy, SendOnceOutcome, clock::ManualClock, once::BodyDecision};
use connection_faults::server::{Reply, TestServer};

async fn once(egress: &Egress, url: &str, body: bool) -> SendOnceOutcome {
    let request = HttpRequest::post(&base(url), "/token");
    let request = if body { request.form("refresh_token", "old") } else { request };
    client_with(HttpPolicy::new(), Names::of(&[])).send_once(egress, request, None, None).await
}

#[tokio::test]
async fn what_fails_before_there_is_a_connection_was_not_sent() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (nobody, refused) = ("https://nobody.invalid", format!("http://127.0.0.1:{port}"));
    for body in [true, false] {
        assert!(
            matches!(once(&declared(nobody), nobody, body).await, SendOnceOutcome::NotSent(HttpError::Dns)),
            "{body}"
        );
        assert!(
            matches!(once(&named(&refused), &refused, body).await, SendOnceOutcome::NotSent(HttpError::Connect)),
            "{body}"
        );
        let elsewhere = declared("https://else.example");
        assert!(matches!(once(&elsewhere, nobody, body).await, SendOnceOutcome::NotSent(HttpError::Denied)), "{body}");
    }
}

#[tokio::test]
async fn a_handshake_that_fails_has_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let server = thread::spawn(move || listener.accept().unwrap().0.write_all(b"220 hello, this is no TLS\r\n"));
    assert!(matches!(once(&named(&there), &there, true).await, SendOnceOutcome::NotSent(HttpError::NotTls)));
    server.join().unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_has_sent_nothing() {
    // The server accepts the connection and sends nothing, so the handshake does not end.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let clock = Arc::new(ManualClock::at(connection_contract::Timestamp::from_seconds(0)));
    let client = HttpClient::with_lookup(HttpPolicy::new(), clock.clone(), Names::of(&[])).unwrap();
    let egress = named(&there);
    let request = HttpRequest::post(&base(&there), "/").form("a", "b");
    let sending = client.send_once(&egress, request, None, None);
    let moved = async {
        clock.until_asleep(1).await;
        let held = tokio::task::spawn_blocking(move || listener.accept().unwrap()).await.unwrap();
        clock.advance(Duration::from_secs(3600));
        held
    };
    let (outcome, _held) = tokio::join!(sending, moved);
    assert!(matches!(outcome, SendOnceOutcome::NotSent(HttpError::Timeout)), "{outcome:?}");
}

/// The time may run out at the moment when the client asks for the body.
#[tokio::test]
async fn an_abandoned_request_is_never_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let heard = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut heard = [0; 64];
        client.read(&mut heard).unwrap()
    });
    let taken = BodyDecision::until(super::clock(), None);
    let client = client_with(HttpPolicy::new(), Names::of(&[]));
    assert!(taken.give_up());
    let request = HttpRequest::post(&base(&there), "/").form("refresh_token", "old");
    let egress = named(&there);
    let target = egress.target(client.policy(), request.url()).unwrap();
    let outgoing = crate::outgoing::Outgoing::new(request).unwrap();
    client.send_marked(&egress.heard, &target, outgoing, &taken, Duration::from_secs(30)).await.0.unwrap_err();
    assert_eq!(heard.join().unwrap(), 0, "the connection is closed without a byte");
}

#[test]
fn either_it_is_taken_or_it_is_given_up() {
    for _ in 0..200 {
        let taken = BodyDecision::until(super::clock(), None);
        let other = taken.clone();
        let giving_up = thread::spawn(move || other.give_up());
        let left = taken.take();
        assert_ne!(left, giving_up.join().unwrap());
        assert_eq!((taken.take(), taken.give_up()), (left, !left), "what was decided stays");
    }
}

#[tokio::test]
async fn a_request_that_reached_the_server_is_lost_and_never_unsent() {
    for body in [true, false] {
        for reply in [
            "",
            "HTTP/1.1 200 Told\r\n",
            "no HTTP at all\r\n\r\n",
            "HTTP/1.1 200 Told\r\ncontent-length: 9\r\n\r\nhalf",
        ] {
            let server = TestServer::start(move |_| Reply::raw(reply)).await;
            let outcome = once(&named(&server.origin()), &server.origin(), body).await;
            assert!(matches!(outcome, SendOnceOutcome::Unclear { .. }), "{reply:?}: {outcome:?}");
            assert_eq!(server.requests().len(), 1, "it is not tried again");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_wherever_it_leads() {
    for (status, there) in [(303, "/here"), (307, "/here"), (302, "https://else.example/"), (308, "//else.example")] {
        let server = TestServer::start(move |_| Reply::redirect(status, there)).await;
        match once(&named(&server.origin()), &server.origin(), true).await {
            SendOnceOutcome::Answered(answer) => assert_eq!(answer.status(), status),
            other => panic!("{status}: {other:?}"),
        }
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_self_test_is_sent_like_any_other_request() {
    let server = TestServer::start(|_| Reply::ok("")).await;
    let egress = named(&server.origin());
    let client = client_with(HttpPolicy::new(), Names::of(&[]));
    let request = || HttpRequest::post(&base(&server.origin()), "/token").form("refresh_token", "old");
    drop(client.send(&egress, request()).await.unwrap());
    assert!(matches!(client.send_once(&egress, request(), None, None).await, SendOnceOutcome::Answered(_)));
    let requests = server.requests();
    assert_eq!(requests[0], requests[1]);
    assert!(requests[1].contains("content-length: 17"), "{}", requests[1]);
}
