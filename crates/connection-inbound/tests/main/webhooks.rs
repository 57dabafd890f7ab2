//! Webhooks at the routes that a host mounts: accepted unchanged, once, and answered with a status.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    http::{Request, request::Builder},
};
use connection_contract::Secret;
use connection_core::{Connection, ConnectionRegistry};
use connection_faults::signed_webhooks::SIGNATURE;
use connection_inbound::{PublicUrl, webhook_routes};
use http_body::Frame;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    runtime::Handle,
};

use crate::{
    hooks::{enabled, hooks, signature},
    requests::{self, Answer},
    test_host::{World, outlasted, public},
};

async fn open(world: &World) -> ConnectionRegistry {
    world.builder().kind(hooks()).open().await.unwrap()
}

fn routes(registry: &ConnectionRegistry) -> Router {
    webhook_routes(registry.clone(), public())
}

/// Returns a request to a path, signed by a provider that knows the address as `url`.
fn signed(key: &Secret, path: &str, url: &str, body: &[u8]) -> Builder {
    Request::post(path).header(SIGNATURE, signature(key, "POST", url, body))
}

async fn send(routes: &Router, request: Builder, body: impl Into<Body>) -> Answer {
    requests::send(routes, request.body(body.into()).unwrap()).await
}

async fn waiting(connection: &Connection) -> i64 {
    connection.webhooks().info().await.unwrap().unwrap().waiting.try_into().unwrap()
}

/// Twilio signs the address: the configured one with the received query, whatever `Host` and the proxy say.
#[tokio::test]
async fn a_delivery_is_taken_for_the_configured_address_as_it_came() {
    let world = World::new().await;
    let registry = open(&world).await;
    let (connection, token, key) = enabled(&registry).await;
    let mut taken = 0;
    for base in ["https://host.example", "https://host.example/connections", "https://host.example:8443/a/b"] {
        let url: PublicUrl = base.parse().unwrap();
        assert_eq!(url.webhook(&token), format!("{base}/webhooks/{token}"));
        let routes = webhook_routes(registry.clone(), url.clone());
        for (query, body) in [("", &b"{}"[..]), ("?a=b&c=%20+", b"not \xff text"), ("?", b"")] {
            let path = format!("/webhooks/{token}{query}");
            let request = signed(&key, &path, &format!("{}{query}", url.webhook(&token)), body);
            let answer = send(&routes, request.header("host", "elsewhere.example"), body.to_vec()).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
            taken += 1;
            assert_eq!(waiting(&connection).await, taken);
        }
        // The routes are mounted below the path that a proxy passes on.
        let nested = Router::new().nest("/below", routes);
        let request = signed(&key, &format!("/below/webhooks/{token}"), &url.webhook(&token), b"nested");
        assert_eq!(send(&nested, request, "nested").await.status, 200);
        taken += 1;
    }
    // The control: a delivery that is signed for the address in `Host`.
    let elsewhere = format!("https://elsewhere.example/webhooks/{token}");
    let request = signed(&key, &format!("/webhooks/{token}"), &elsewhere, b"x").header("host", "elsewhere.example");
    assert_eq!(send(&routes(&registry), request, "x").await.status, 401);
    assert_eq!(waiting(&connection).await, taken);
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_one_event_in_any_process_and_after_a_restart() {
    let world = World::new().await;
    let one = open(&world).await;
    let two = open(&world).await;
    let (connection, token, key) = enabled(&one).await;
    let path = format!("/webhooks/{token}");
    let again = async |registry: &ConnectionRegistry| {
        let request = signed(&key, &path, &public().webhook(&token), b"once");
        send(&routes(registry), request, "once").await.status
    };
    let at_once = tokio::join!(again(&one), again(&two), again(&one), again(&two));
    assert_eq!(at_once, (200, 200, 200, 200));
    assert_eq!(waiting(&connection).await, 1);
    drop(connection);
    one.close().await;
    two.close().await;
    let restarted = open(&world).await;
    assert_eq!(again(&restarted).await, 200);
    let info = restarted.list_connections(connection_core::Filter::new()).await.unwrap().items.remove(0);
    assert_eq!(waiting(&restarted.connection(info.id).await.unwrap()).await, 1);
}

/// A body in pieces, as they arrive from the network; then it ends, breaks off or stalls.
struct Pieces(VecDeque<Piece>);

enum Piece {
    Bytes(Bytes),
    Broken,
    Never,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if matches!(self.0.front(), Some(Piece::Never)) {
            return Poll::Pending;
        }
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(Piece::Bytes(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Piece::Never) => Poll::Pending,
            Some(Piece::Broken) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
        }
    }
}

fn pieces(count: usize, end: Option<Piece>) -> Body {
    let whole = (0..count).map(|_| Piece::Bytes(Bytes::from(vec![b'x'; 1 << 16])));
    Body::new(Pieces(whole.chain(end).collect()))
}

/// A refusal is a status and nothing else.
#[tokio::test]
async fn a_refused_sender_gets_only_a_status() {
    let world = World::new().await;
    let registry = open(&world).await;
    let (connection, token, key) = enabled(&registry).await;
    let routes = routes(&registry).fallback(async || axum::http::StatusCode::NOT_FOUND);
    let path = format!("/webhooks/{token}");
    let good = || signed(&key, &path, &public().webhook(&token), &vec![b'x'; 1 << 20]);
    let other = format!("/webhooks/{}", "A".repeat(43));
    let many = (0..101).fold(Request::post(&path), |request, n| request.header(format!("x-{n}"), "x"));
    let refused = [
        (404, send(&routes, Request::post(&other), "x").await),
        (404, send(&routes, Request::post("/webhooks/short"), "x").await),
        (404, send(&routes, Request::post("/webhooks/%FF%2F"), "x").await),
        (401, send(&routes, Request::post(&path), "x").await),
        (401, send(&routes, Request::get(&path), Body::empty()).await),
        (413, send(&routes, good(), vec![b'x'; (1 << 20) + 1]).await),
        (413, send(&routes, good(), pieces(17, None)).await),
        (413, send(&routes, good(), pieces(17, Some(Piece::Never))).await),
        (413, send(&routes, many, "x").await),
        (400, send(&routes, good(), pieces(3, Some(Piece::Broken))).await),
    ];
    let nowhere = send(&routes, Request::post("/nowhere"), "x").await;
    for (status, answer) in &refused {
        assert_eq!((answer.status, answer.body.as_str()), (*status, ""));
        assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
    }
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.body.is_empty(), "an unknown address looks as any other");
    assert_eq!(waiting(&connection).await, 0);
    // The control: a body of the maximum size, in pieces.
    assert_eq!(send(&routes, good(), pieces(16, None)).await.status, 200);
    registry.close().await;
    assert_eq!(send(&routes, good(), pieces(16, None)).await.status, 503);
}

/// The clock stands still, so no one waits for the body.
#[tokio::test]
async fn an_unknown_address_is_answered_before_its_body_comes() {
    let world = World::new().await;
    let registry = open(&world).await;
    let (connection, token, _) = enabled(&registry).await;
    let routes = routes(&registry);
    let answered = async |path: &str| {
        let answer = send(&routes, Request::post(path), pieces(1, Some(Piece::Never)));
        tokio::time::timeout(Duration::from_secs(60), answer).await.expect("it waits for nothing").status
    };
    let path = format!("/webhooks/{token}");
    for unknown in ["/webhooks/x".to_owned(), format!("/webhooks/{}", "A".repeat(43)), path.to_lowercase()] {
        assert_eq!(answered(&unknown).await, 404, "{unknown}");
    }
    connection.webhooks().disable().await.unwrap();
    assert_eq!(answered(&path).await, 404, "one that was switched off");
}

/// 300 connections that announce a body and do not send it.
#[tokio::test]
async fn three_hundred_senders_without_a_body_are_hung_up_on_at_once() {
    let world = World::new().await;
    let registry = open(&world).await;
    let server = connection_inbound::Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.address();
    let routes = routes(&registry);
    let serving = Handle::current().spawn(async move { server.serve(routes, &public(), std::future::pending()).await });
    let head = "POST /webhooks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".to_owned();
    let mut senders = Vec::new();
    for _ in 0..300 {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        senders.push(stream);
    }
    for mut sender in senders {
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(60), sender.read_to_end(&mut answer)).await;
        read.expect("it is hung up on").unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 404 "), "{answer:?}");
    }
    serving.abort();
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let world = World::new().await;
    let registry = open(&world).await;
    let (_, token, _) = enabled(&registry).await;
    let routes = routes(&registry);
    let path = format!("/webhooks/{token}");
    let began = connection_core::Clock::passed(&world.clock);
    let answer = Handle::current()
        .spawn(async move { send(&routes, Request::post(path), pieces(1, Some(Piece::Never))).await.status });
    assert_eq!(outlasted(&world, &registry, answer).await.unwrap(), 408);
    let took = connection_core::Clock::passed(&world.clock) - began;
    assert!(took >= Duration::from_secs(10) && took < Duration::from_secs(60), "{took:?}");
}
