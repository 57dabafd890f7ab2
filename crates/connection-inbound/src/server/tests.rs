//! The time and size limits of a connection. The time is that of the runtime, which advances only when no task can run.
#![cfg(feature = "workspace-tests")]

use std::{
    convert::Infallible,
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Extension, Router, body::Body, http::StatusCode, routing::get};
use connection_faults::certificates::Certificate;
use futures_core::Stream;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Handle,
    sync::{Notify, watch},
    time::{Instant, Sleep},
};
use tokio_rustls::TlsConnector;

use super::{
    LIMITS, Server,
    capacity::Capacity,
    connection::{HEAD_TIMEOUT, MAX_REQUEST_TIME, Stopping, connection, secured},
    place::RequestPlace,
    tls::ServerTls,
};

/// Sends the parts with a pause after each, then waits for the end of the connection; returns the response and the
/// elapsed time.
async fn served(routes: Router, parts: &[&str], pause: Duration) -> (String, Duration) {
    let places = Capacity::new(LIMITS, Vec::new());
    let seat = places.seat([127, 0, 0, 1].into()).unwrap();
    let (_over, stopping) = watch::channel(Stopping::No);
    let (mut ours, theirs) = tokio::io::duplex(64 << 10);
    let began = Instant::now();
    let client = async move {
        for part in parts {
            if ours.write_all(part.as_bytes()).await.is_err() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        let mut answer = String::new();
        ours.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (answer, ()) = tokio::join!(client, connection(theirs, routes, seat, stopping));
    assert!(places.is_empty(), "its place is free again");
    (answer, began.elapsed())
}

fn routes() -> Router {
    Router::new().route("/", get(|| async { "here" }))
}

/// T27: the head has five seconds, whether it arrives in pieces or not at all.
#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let second = Duration::from_secs(1);
    let silent: &[&str] = &[];
    let slow: &[&str] = &["G", "E", "T", " ", "/", " ", "H", "T", "T", "P", "/", "1", ".", "1"];
    for parts in [silent, slow, &["GET / HTTP/1.1\r\nHost: x\r\n"]] {
        let (answer, took) = served(routes(), parts, second).await;
        assert!(!answer.contains("here"), "{answer}");
        assert!(took < HEAD_TIMEOUT + 15 * second, "{took:?}");
    }
    let (answer, _) = served(routes(), &["GET / HTTP/1.1\r\n", "Host: x\r\n\r\n"], second).await;
    assert!(answer.ends_with("here"), "the control: {answer}");
}

#[tokio::test(start_paused = true)]
async fn a_head_of_more_than_64_kib_is_refused() {
    for (length, is_answered) in [(60 << 10, true), (64 << 10, false), (90 << 10, false), (500 << 10, false)] {
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(length));
        let (answer, _) = served(routes(), &[&head], Duration::ZERO).await;
        assert_eq!(answer.ends_with("here"), is_answered, "{length}: {answer}");
        let plain = !answer.contains("strict-transport-security");
        assert!(plain, "a server without TLS says nothing about it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_after_one_answer_or_a_minute() {
    let twice = "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let (answer, _) = served(routes(), &[twice], Duration::ZERO).await;
    assert_eq!(answer.matches("here").count(), 1, "{answer}");
    let stuck = Router::new().route("/", get(std::future::pending::<&str>));
    let (answer, took) = served(stuck, &["GET / HTTP/1.1\r\nHost: x\r\n\r\n"], Duration::ZERO).await;
    assert_eq!((answer.as_str(), took), ("", MAX_REQUEST_TIME));
}

/// Routes with a door at `/use`, which answers with a body of one piece.
fn with_door() -> Router {
    let door = |Extension(place): Extension<RequestPlace>| async move {
        let passed = place.pass_door().expect("there is a place");
        Body::from_stream(Once(Some((passed, "passed"))))
    };
    routes().route("/use", get(door)).route("/stuck", get(std::future::pending::<&str>))
}

/// A body of one piece, with what lives until its end.
struct Once<T>(Option<(T, &'static str)>);

impl<T: Unpin> Stream for Once<T> {
    type Item = Result<&'static str, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(|(_, piece)| Ok(piece)))
    }
}

const USE: &str = "GET /use HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_connection_whose_request_a_door_passed_on_is_kept_for_the_next_one() {
    let second = Duration::from_secs(1);
    // It ends five seconds after the last answer.
    let (answer, took) = served(with_door(), &[USE, USE, USE], second).await;
    assert_eq!(answer.matches("passed").count(), 3, "{answer}");
    assert!(took >= 2 * second + HEAD_TIMEOUT && took < 4 * second + HEAD_TIMEOUT, "{took:?}");
    // For longer than a request may take.
    let (answer, _) = served(with_door(), &[USE; 50], 2 * second).await;
    assert_eq!(answer.matches("passed").count(), 50);
    // Any other request ends it, and has its minute.
    let (answer, _) = served(with_door(), &[USE, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", USE], second).await;
    assert_eq!((answer.matches("passed").count(), answer.matches("here").count()), (1, 1), "{answer}");
    assert_eq!(answer.matches("connection: close").count(), 1, "{answer}");
    let mut parts = vec![USE; 40];
    parts.push("GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n");
    let (_, took) = served(with_door(), &parts, 2 * second).await;
    assert_eq!(took, 80 * second + MAX_REQUEST_TIME);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_answer_of_a_door_waits_for_a_slow_reader() {
    const LENGTH: usize = 16 << 10;
    let door = |Extension(place): Extension<RequestPlace>| async move {
        let passed = place.pass_door().expect("there is a place");
        // The answer ends just before the first minute of the connection does.
        tokio::time::sleep(MAX_REQUEST_TIME - Duration::from_secs(1)).await;
        let text: &'static str = "a".repeat(LENGTH).leak();
        Body::from_stream(Once(Some((passed, text))))
    };
    let places = Capacity::new(LIMITS, Vec::new());
    let seat = places.seat([127, 0, 0, 1].into()).unwrap();
    let (_running, stopping) = watch::channel(Stopping::No);
    let (mut ours, theirs) = tokio::io::duplex(1 << 10);
    let client = async move {
        ours.write_all(USE.as_bytes()).await.unwrap();
        tokio::time::sleep(MAX_REQUEST_TIME + Duration::from_secs(5)).await;
        let mut answer = String::new();
        ours.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let routes = Router::new().route("/use", get(door));
    let (answer, ()) = tokio::join!(client, connection(theirs, routes, seat, stopping));
    assert!(answer.matches('a').count() >= LENGTH, "{} bytes", answer.len());
}

#[tokio::test(start_paused = true)]
async fn the_server_says_nothing_about_a_connection_that_is_upgraded() {
    let upgrades =
        || async { (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "websocket")]) };
    let asks = "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let (answer, _) = served(Router::new().route("/upgrade", get(upgrades)), &[asks], Duration::ZERO).await;
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("connection: upgrade\r\n"), "{answer}");
    assert!(!answer.contains("close") && !answer.contains("keep-alive"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_keeps_no_connection() {
    let places = Capacity::new(LIMITS, Vec::new());
    let seat = places.seat([127, 0, 0, 1].into()).unwrap();
    let (over, stopping) = watch::channel(Stopping::No);
    let (mut ours, theirs) = tokio::io::duplex(64 << 10);
    let client = async move {
        let mut answer = [0; 1024];
        ours.write_all(USE.as_bytes()).await.unwrap();
        let length = ours.read(&mut answer).await.unwrap();
        assert!(!String::from_utf8_lossy(&answer[..length]).contains("connection: close"), "the control");
        over.send_replace(Stopping::Drains);
        ours.write_all(USE.as_bytes()).await.unwrap();
        let mut rest = String::new();
        ours.read_to_string(&mut rest).await.unwrap();
        rest
    };
    let (rest, ()) = tokio::join!(client, connection(theirs, with_door(), seat, stopping));
    assert!(rest.contains("passed") && rest.contains("connection: close"), "{rest}");
}

/// T27: a client that is slow in the handshake has no more time for the head than one without TLS.
#[tokio::test(start_paused = true)]
async fn a_handshake_takes_its_time_from_that_of_the_head() {
    let certificate = Certificate::self_signed(&["host.example"]);
    let key = certificate.key.as_str().into();
    let tls = ServerTls::from_pem(certificate.pem.as_bytes(), &key).unwrap();
    let second = Duration::from_secs(1);
    // The time before the handshake, the head, and the time after which the connection is closed.
    let answered = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (silence, head, closed) in [
        (60 * second, "", HEAD_TIMEOUT),
        (3 * second, "GET / HTTP/1.1\r\n", HEAD_TIMEOUT),
        (3 * second, answered, 3 * second),
    ] {
        let places = Capacity::new(LIMITS, Vec::new());
        let seat = places.seat([127, 0, 0, 1].into()).unwrap();
        let (_over, stopping) = watch::channel(Stopping::No);
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let began = Instant::now();
        let trusted = certificate.der();
        let client = async move {
            tokio::time::sleep(silence).await;
            let mut answer = Vec::new();
            if let Ok(mut stream) = connector(trusted).connect("host.example".try_into().unwrap(), ours).await {
                stream.write_all(head.as_bytes()).await.unwrap();
                // A connection that is cut has no orderly end.
                drop(stream.read_to_end(&mut answer).await);
            }
            String::from_utf8(answer).unwrap()
        };
        let server = async {
            secured(theirs, tls.clone(), routes(), seat, stopping).await;
            began.elapsed()
        };
        let (answer, took) = tokio::join!(client, server);
        assert!(places.is_empty(), "its place is free again");
        assert_eq!(answer.ends_with("here"), head == answered, "{answer}");
        assert!(took >= closed && took < closed + second / 2, "{head:?} after {silence:?}: {took:?}");
    }
}

fn connector(trusted: CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// A body that says something after each pause, a number of times.
struct Says {
    pause: Pin<Box<Sleep>>,
    times: usize,
}

impl Stream for Says {
    type Item = Result<&'static str, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.pause.as_mut().poll(cx));
        let Some(left) = self.times.checked_sub(1) else { return Poll::Ready(None) };
        self.times = left;
        self.pause = Box::pin(tokio::time::sleep(Duration::from_secs(15)));
        Poll::Ready(Some(Ok("still here\n")))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_events_goes_on_after_a_minute_and_another_answer_does_not() {
    for (kind, whole) in [("text/event-stream", true), ("text/plain", false)] {
        let says = move || async move {
            let pause = Box::pin(tokio::time::sleep(Duration::ZERO));
            ([("content-type", kind)], Body::from_stream(Says { pause, times: 40 }))
        };
        let routes = Router::new().route("/", get(says));
        let (answer, took) = served(routes, &[&request("/")], Duration::ZERO).await;
        assert_eq!(answer.matches("still here").count() == 40, whole, "{kind}: {answer}");
        assert_eq!(took > MAX_REQUEST_TIME, whole, "{kind}: {took:?}");
    }
}

/// Opens a connection and sends the text.
async fn knocks(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Returns everything that arrives until the connection ends.
async fn heard(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_string(&mut answer)).await;
    read.expect("an answer in time").unwrap();
    answer
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// Clients that send nothing and clients whose requests take long do not block the reserved path.
#[tokio::test]
async fn three_hundred_strangers_do_not_keep_healthz_waiting() {
    let came = Arc::new(AtomicUsize::new(0));
    let go = Arc::new(Notify::new());
    let entered = came.clone();
    let may = go.clone();
    let slow = move || {
        let entered = entered.clone();
        let may = may.clone();
        async move {
            entered.fetch_add(1, Ordering::SeqCst);
            may.notified().await;
            "at last"
        }
    };
    let other = Arc::new(AtomicUsize::new(0));
    let others = other.clone();
    let usual = move || {
        others.fetch_add(1, Ordering::SeqCst);
        async { "here" }
    };
    let routes =
        Router::new().route("/slow", get(slow)).route("/other", get(usual)).route("/healthz", get(async || "well"));
    let mut server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap().reserve("/healthz");
    // No connection is closed for being slow.
    server.limits.head_time = Duration::from_secs(3600);
    let address = server.address();
    let url = "https://host.example".parse().unwrap();
    let serving = Handle::current().spawn(async move { server.serve(routes, &url, std::future::pending()).await });
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(knocks(address, "").await);
    }
    assert!(heard(knocks(address, &request("/healthz")).await).await.ends_with("well"));
    let mut slow = Vec::new();
    for _ in 0..LIMITS.requests {
        slow.push(knocks(address, &request("/slow")).await);
    }
    while came.load(Ordering::SeqCst) < LIMITS.requests {
        tokio::task::yield_now().await;
    }
    let waits = knocks(address, &request("/other")).await;
    for _ in 0..3 {
        assert!(heard(knocks(address, &request("/healthz")).await).await.ends_with("well"));
    }
    assert_eq!(other.load(Ordering::SeqCst), 0, "the control: what has no places of its own waits");
    go.notify_one();
    assert!(heard(waits).await.ends_with("here"));
    serving.abort();
    drop((silent, slow));
}

/// A proxy that already holds the maximum number of connections can open another one.
#[tokio::test]
async fn a_newcomer_takes_the_place_of_the_connection_that_has_waited_longest() {
    let mut server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    server.limits.head_time = Duration::from_secs(3600);
    server.limits.connections = 3;
    server.limits.requests = 1;
    let address = server.address();
    let url = "https://host.example".parse().unwrap();
    let serving = Handle::current().spawn(async move { server.serve(routes(), &url, std::future::pending()).await });
    let first = knocks(address, "").await;
    let second = knocks(address, "GET / HT").await;
    let third = knocks(address, "").await;
    assert!(heard(knocks(address, &request("/")).await).await.ends_with("here"));
    assert_eq!(heard(first).await, "");
    // The control: the other connections are still open and can send a request.
    for (mut there, text) in [(second, "TP/1.1\r\nHost: x\r\n\r\n".to_owned()), (third, request("/"))] {
        there.write_all(text.as_bytes()).await.unwrap();
        assert!(heard(there).await.ends_with("here"));
    }
    serving.abort();
}

/// Another user of the machine could listen at `[::1]`, to which `localhost` may lead.
#[tokio::test]
async fn a_server_on_loopback_has_its_port_at_both_addresses() {
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, six) = (server.address(), SocketAddr::from((Ipv6Addr::LOCALHOST, server.address().port())));
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        // The machine has no IPv6, so nobody can listen there.
        return;
    }
    let taken = std::net::TcpListener::bind(six).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AddrInUse);
    let url = format!("http://{address}").parse().unwrap();
    let serving = Handle::current().spawn(async move { server.serve(routes(), &url, std::future::pending()).await });
    for at in [address, six] {
        let request = format!("GET / HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", address.port());
        assert!(heard(knocks(at, &request).await).await.ends_with("here"), "{at}");
    }
    serving.abort();
    let of_six = Server::bind("[::1]:0".parse().unwrap()).await.unwrap();
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, of_six.address().port())).unwrap_err();
    assert_eq!((of_six.address().ip(), taken.kind()), (Ipv6Addr::LOCALHOST.into(), ErrorKind::AddrInUse));

    let other = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    let refused = Server::bind((Ipv4Addr::LOCALHOST, port).into()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AddrInUse);
}
