//! Clients that send their bodies slowly, requests that wait for a change, and peers behind a proxy keep nobody out.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Extension,
    http::StatusCode,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Handle,
    sync::Notify,
    task::AbortHandle,
};

use super::{Limits, PerPeer, RequestPlace, Server};

/// A server with few places, and what its routes have seen.
struct Small {
    address: SocketAddr,
    /// The number of requests that were begun.
    begun: Arc<AtomicUsize>,
    /// Lets the requests that wait for a change be answered.
    change: Arc<Notify>,
    serving: AbortHandle,
}

impl Drop for Small {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Small {
    async fn new(limits: impl FnOnce(&mut Limits), proxies: &[&str]) -> Self {
        let begun = Arc::new(AtomicUsize::new(0));
        let change = Arc::new(Notify::new());
        let entered = begun.clone();
        let read = move |body: Body| async move {
            entered.fetch_add(1, Ordering::SeqCst);
            to_bytes(body, 1 << 20).await.map(|bytes| bytes.len().to_string()).map_err(|_| StatusCode::BAD_REQUEST)
        };
        let entered = begun.clone();
        let changed = change.clone();
        let wait = move |Extension(place): Extension<RequestPlace>| async move {
            entered.fetch_add(1, Ordering::SeqCst);
            let Some(waiting) = place.wait() else { return (StatusCode::SERVICE_UNAVAILABLE, "too many") };
            changed.notified().await;
            waiting.end().await;
            (StatusCode::OK, "changed")
        };
        let entered = begun.clone();
        let holds = move || async move {
            entered.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<&str>().await
        };
        let routes = Router::new()
            .route("/", get(async || "here"))
            .route("/healthz", get(async || "well"))
            .route("/read", post(read))
            .route("/wait", get(wait))
            .route("/holds", get(holds));
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let server = server.reserve("/healthz");
        let mut server = server.trusted_proxies(proxies.iter().map(|network| network.parse().unwrap()));
        server.limits.head_time = Duration::from_secs(3600);
        server.limits.requests = 2;
        limits(&mut server.limits);
        let address = server.address();
        let url = "https://host.example".parse().unwrap();
        let serving = async move { server.serve(routes, &url, std::future::pending()).await };
        let serving = Handle::current().spawn(serving).abort_handle();
        Self { address, begun, change, serving }
    }

    async fn knock(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Waits until this number of requests was begun.
    async fn until(&self, begun: usize) {
        while self.begun.load(Ordering::SeqCst) < begun {
            tokio::task::yield_now().await;
        }
    }

    async fn ask(&self, path: &str, line: &str) -> String {
        heard(self.knock(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n{line}\r\n")).await).await
    }
}

async fn heard(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_string(&mut answer)).await;
    // A connection that is closed before its request was read is reset.
    drop(read.expect("an answer in time"));
    answer
}

fn body(length: usize, begin: &str) -> String {
    format!("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{begin}")
}

#[tokio::test]
async fn a_body_that_does_not_arrive_takes_no_place() {
    let small = Small::new(|_| {}, &[]).await;
    let mut slow = Vec::new();
    for number in 1..=20 {
        slow.push(small.knock(&body(3, "a")).await);
        small.until(number).await;
    }
    assert!(small.ask("/", "").await.ends_with("here"));
    assert!(heard(small.knock(&body(2, "ab")).await).await.ends_with('2'), "a whole body beside them");
    // A body that arrives at last is read to its end.
    let mut last = slow.pop().unwrap();
    last.write_all(b"bc").await.unwrap();
    assert!(heard(last).await.ends_with('3'));
}

/// The control of the others: what the server works for has a place, and a further request waits.
#[tokio::test]
async fn a_request_that_is_being_answered_keeps_its_place() {
    let small = Small::new(|_| {}, &[]).await;
    let holds = "GET /holds HTTP/1.1\r\nHost: x\r\n\r\n";
    let held = [small.knock(holds).await, small.knock(holds).await];
    small.until(2).await;
    let waits = small.knock(&body(1, "a")).await;
    for _ in 0..3 {
        assert!(small.ask("/healthz", "").await.ends_with("well"));
    }
    assert_eq!(small.begun.load(Ordering::SeqCst), 2);
    drop(held);
    assert!(heard(waits).await.ends_with('1'));
}

#[tokio::test]
async fn requests_that_wait_for_a_change_have_places_of_their_own() {
    let small = Small::new(|limits| limits.waits = 5, &[]).await;
    let mut waiting = Vec::new();
    for number in 1..=5 {
        waiting.push(small.knock("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await);
        small.until(number).await;
    }
    assert!(small.ask("/", "").await.ends_with("here"));
    let refused = small.ask("/wait", "").await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.ends_with("too many"), "{refused}");
    small.change.notify_waiters();
    for waiting in waiting {
        assert!(heard(waiting).await.ends_with("changed"));
    }
    let again = small.knock("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
    small.until(7).await;
    small.change.notify_one();
    assert!(heard(again).await.ends_with("changed"), "their places are free again");
}

#[tokio::test]
async fn a_peer_behind_a_trusted_proxy_has_few_places_and_others_have_theirs() {
    for (proxies, counts) in [(&["127.0.0.0/8"][..], true), (&[], false)] {
        let small = Small::new(|limits| limits.per_peer = PerPeer::Public(2), proxies).await;
        let of = |peer: &str| format!("X-Forwarded-For: 198.51.100.1, {peer}\r\n");
        let mut slow = Vec::new();
        for number in 1..=2 {
            let head = format!("Host: x\r\n{}Content-Length: 3\r\n\r\na", of("192.0.2.1"));
            slow.push(small.knock(&format!("POST /read HTTP/1.1\r\n{head}")).await);
            small.until(number).await;
        }
        let third = small.ask("/", &of("192.0.2.1")).await;
        assert_eq!(third.starts_with("HTTP/1.1 429"), counts, "{third}");
        assert_eq!(third.ends_with("here"), !counts, "whoever is not trusted is not believed: {third}");
        assert!(small.ask("/", &of("192.0.2.2")).await.ends_with("here"), "another peer");
        assert!(small.ask("/", "").await.ends_with("here"), "the proxy itself");
    }
}
