//! A provider that cannot be reached is logged once, and once when it answers again.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use connection_contract::{HttpError, HttpRequest};

use super::{Names, base, clock, declared, named};
use crate::{Clock as _, HttpClient, HttpPolicy};
use connection_faults::{
    log::TestLog,
    server::{Reply, TestServer},
};

/// Returns the lines of the log that are for operators.
fn operator_lines(log: &TestLog) -> Vec<String> {
    let text = log.text();
    text.lines()
        .filter_map(|line| line.split_once(" connections::operations message="))
        .map(|(level, line)| format!("{level} {line}"))
        .collect()
}

#[tokio::test]
async fn a_provider_that_is_lost_and_comes_back_is_logged_once_each() {
    let log = TestLog::of_this_thread();
    let place = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (there, clock) = (format!("http://{place}"), clock());
    let client = HttpClient::with_lookup(HttpPolicy::new(), clock.clone(), Names::of(&[])).unwrap();
    let send = || async { client.send(&named(&there), HttpRequest::get(&base(&there), "/leak-path")).await };
    for _ in 0..3 {
        assert_eq!(send().await.unwrap_err(), HttpError::Connect);
    }
    clock.advance(Duration::from_secs(42));
    let server = TcpListener::bind(place).unwrap();
    thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    for _ in 0..3 {
        assert_eq!(send().await.unwrap().status(), 401);
    }
    assert_eq!(
        operator_lines(&log),
        [
            format!(
                "WARN cannot reach {place}: no connection could be made; its connections are tried again when they are due"
            ),
            format!("INFO {place} answers again after 42 s"),
        ]
    );
    assert!(clock.passed() > Duration::ZERO && !log.text().contains("leak"));
}

#[tokio::test]
async fn a_gateway_that_finds_no_server_is_an_outage_and_an_error_of_one_request_is_none() {
    let log = TestLog::of_this_thread();
    let count = AtomicUsize::new(0);
    let answers = [500, 404, 503, 503, 500, 200, 200];
    let server = TestServer::start(move |_| Reply::whole(answers[count.fetch_add(1, Ordering::Relaxed)], "", "")).await;
    let client = HttpClient::with_lookup(HttpPolicy::new(), clock(), Names::of(&[])).unwrap();
    let there = server.origin();
    for _ in answers {
        client.send(&named(&there), HttpRequest::get(&base(&there), "/")).await.unwrap();
    }
    let place = there.trim_start_matches("http://");
    assert_eq!(
        operator_lines(&log),
        [
            format!("WARN {place} answered 503 Service Unavailable; its connections are tried again when they are due"),
            format!("INFO {place} answers again after 0 s"),
        ]
    );
}

#[tokio::test]
async fn a_refusal_of_the_proxy_is_not_blamed_on_the_provider_alone() {
    let log = TestLog::of_this_thread();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let policy = HttpPolicy::new().proxy(format!("http://{}", proxy.local_addr().unwrap()));
    thread::spawn(move || {
        let (mut stream, _) = proxy.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let client = HttpClient::with_lookup(policy, clock(), Names::of(&[])).unwrap();
    let there = "https://api.example.com";
    let refused = client.send(&declared(there), HttpRequest::get(&base(there), "/")).await;
    assert_eq!(refused.unwrap_err(), HttpError::Connect);
    let [line] = &operator_lines(&log)[..] else { panic!("{}", log.text()) };
    assert!(line.contains("api.example.com: no connection could be made through the proxy, which may have refused it"));
}
