//! The loopback server: it runs while a setup waits, on the same port after a restart, and answers only its own
//! requests.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use connection_core::{ConnectionRegistry, SetupSession, SetupStep};
use connection_inbound::{LoopbackOptions, LoopbackServer};
use tokio::runtime::Handle;

use crate::{
    login::LOGIN,
    test_host::{World, end, outlasted, sent_to, state},
};

fn server() -> LoopbackServer {
    LoopbackServer::new(Handle::current(), LoopbackOptions::new())
}

/// Returns a setup that has sent a browser to the provider, its `state`, and the port of its redirect address.
async fn begun(registry: &ConnectionRegistry) -> (SetupSession, String, u16) {
    let session = registry.setups().begin(&LOGIN).again().await.unwrap();
    let link = sent_to(&session).await;
    let (uri, state) = link.split_once("redirect_uri=").unwrap().1.split_once("&state=").unwrap();
    let uri = connection_contract::encode::from_percent(uri).unwrap();
    let port = uri.strip_prefix("http://127.0.0.1:").unwrap().strip_suffix("/callback/login").unwrap();
    (session, state.to_owned(), port.parse().unwrap())
}

/// Sends the bytes and reads everything that arrives, on a separate thread; returns the status and the whole answer.
pub(crate) async fn sent(address: SocketAddr, bytes: String) -> (u16, String) {
    let exchange = move || {
        let Ok(mut stream) = TcpStream::connect(address) else { return (0, String::new()) };
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The server does not read the rest of a refused request.
        drop(stream.write_all(bytes.as_bytes()));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
        (status, answer)
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

pub(crate) async fn get(port: u16, path: &str) -> (u16, String) {
    sent(local(port), format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")).await
}

/// Sends a GET with a cookie.
pub(crate) async fn get_with(port: u16, path: &str, cookie: &str) -> (u16, String) {
    sent(local(port), format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n")).await
}

/// R-INSEAM-086, S17
#[tokio::test]
async fn the_server_listens_while_a_setup_waits() {
    let world = World::new().await;
    let server = server();
    let registry = world.with(server.clone()).await;
    assert!(server.ports().is_empty());
    let (session, state, port) = begun(&registry).await;
    assert_eq!(server.ports(), [port]);
    let (second, other, same) = begun(&registry).await;
    assert_eq!(same, port, "one server serves them all");
    let (status, answer) = get(port, &format!("/callback/login?code=x&state={state}")).await;
    assert_eq!(status, 303, "{answer}");
    let done = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let path = done.strip_prefix(&format!("http://127.0.0.1:{port}")).unwrap();
    assert!(get(port, path).await.1.contains("Connected"));
    assert_eq!(end(&session).await, "done ada");
    for _ in 0..60 {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(server.ports(), [port], "the other one still waits");
    assert_eq!(get(port, &format!("/callback/login?code=x&state={other}")).await.0, 303);
    assert_eq!(end(&second).await, "done ada");
    let closed = async {
        while !server.ports().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    outlasted(&world, &registry, closed).await;
    assert!(TcpStream::connect(local(port)).is_err());
}

#[tokio::test]
async fn a_setup_of_a_process_that_is_gone_is_called_back_at_the_same_port() {
    let world = World::new().await;
    let first = server();
    let registry = world.with(first.clone()).await;
    let (session, state, port) = begun(&registry).await;
    let id = session.id();
    drop(session);
    registry.close().await;
    drop(registry);
    let gone = async {
        while !first.ports().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let second = server();
    let world = &world;
    let registry = world.with(second.clone()).await;
    outlasted(world, &registry, gone).await;
    let session = registry.setups().resume(id).await.unwrap();
    assert_eq!(self::state(&session).await, state);
    assert_eq!(second.ports(), [port]);
    assert_eq!(get(port, &format!("/callback/login?code=x&state={state}")).await.0, 303);
    assert_eq!(end(&session).await, "done ada");
}

/// S17
#[tokio::test]
async fn two_programs_have_two_ports_and_a_fixed_one_that_is_taken_is_told() {
    let world = World::new().await;
    let one = world.with(server()).await;
    let two = world.with(server()).await;
    let (_a, _, first) = begun(&one).await;
    let (_b, _, second) = begun(&two).await;
    assert_ne!(first, second);
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let fixed = || LoopbackServer::new(Handle::current(), LoopbackOptions::new().port(port));
    let registry = world.with(fixed()).await;
    let session = registry.setups().begin(&LOGIN).await.unwrap();
    assert_eq!(end(&session).await, "no_callback");
    drop(taken);
    let registry = world.with(fixed()).await;
    assert_eq!(begun(&registry).await.2, port);
}

#[tokio::test]
async fn a_callback_with_a_long_code_is_taken() {
    let world = World::new().await;
    let registry = world.with(server()).await;
    let (session, state, port) = begun(&registry).await;
    let code = "x".repeat(31 << 10);
    let (status, answer) = get(port, &format!("/callback/login?code={code}&state={state}")).await;
    assert_eq!(status, 303, "{answer}");
    assert_eq!(end(&session).await, "done ada");
}

/// T09, T16, T27, R-INSEAM-086
#[tokio::test]
async fn what_is_not_meant_for_it_is_refused_and_the_right_callback_is_good_afterwards() {
    let world = World::new().await;
    let registry = world.with(server()).await;
    let (session, state, port) = begun(&registry).await;
    let callback = format!("/callback/login?code=x&state={state}");
    let request = |path: &str, rest: &str| format!("GET {path} HTTP/1.1\r\n{rest}\r\n\r\n");
    let ours = format!("Host: 127.0.0.1:{port}");
    let table = [
        (request(&callback, "Host: evil.example"), 421),
        (request(&callback, &format!("Host: localhost:{port}")), 421),
        (request(&callback, &format!("Host: evil.example:{port}")), 421),
        (request(&callback, "Host: 127.0.0.1"), 421),
        (request(&callback, &format!("Host: 127.0.0.1:{port}@evil.example")), 421),
        (request(&callback, &format!("Host: 127.0.0.2:{port}")), 421),
        (request(&callback, &format!("{ours}\r\nHost: evil.example")), 421),
        (request(&callback, "X-Host: none"), 421),
        (request(&callback, "Host:"), 421),
        (request(&format!("http://evil.example{callback}"), &ours), 421),
        (request(&format!("http://127.0.0.1:{port}{callback}"), &ours), 421),
        (format!("GET {callback} HTTP/1.0\r\n\r\n"), 421),
        (format!("POST {callback} HTTP/1.1\r\n{ours}\r\nContent-Length: 0\r\n\r\n"), 405),
        (format!("HEAD {callback} HTTP/1.1\r\n{ours}\r\n\r\n"), 405),
        (format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n{ours}\r\n\r\n"), 421),
        (request("/favicon.ico", &ours), 404),
        (request("/", &ours), 404),
        (request("/setups", &ours), 404),
        (request("/callback", &ours), 404),
        (request(&callback, &format!("{ours}\r\nX: {}", "x".repeat(200 << 10))), 431),
        (request(&callback, &format!("{ours}{}", "\r\nX: y".repeat(100))), 431),
        (request(&format!("/callback/login?{}", "x".repeat(200 << 10)), &ours), 431),
        ("GET\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), 400),
    ];
    for (bytes, expected) in table {
        let head: String = bytes.chars().take(120).collect();
        let (status, answer) = sent(local(port), bytes).await;
        assert_eq!(status, expected, "{head}: {answer}");
        let is_problem = answer.contains("application/problem+json") && answer.contains("\"code\":\"other_host\"");
        assert_eq!(is_problem, status == 421, "{head}: {answer}");
        assert!(matches!(session.current_step(), Some((_, SetupStep::Redirect { .. }))), "{head}");
    }
    // A connection that is closed at once is not an error.
    drop(TcpStream::connect(local(port)).unwrap());
    assert!(world.provider.request_bodies().is_empty());
    assert_eq!(get(port, &callback).await.0, 303, "the control");
    assert_eq!(end(&session).await, "done ada");
}

/// A program that ends with its setup waits for the browser.
#[tokio::test]
async fn a_browser_that_was_sent_on_is_waited_for() {
    let world = World::new().await;
    let server = server();
    let registry = world.with(server.clone()).await;
    let (session, state, port) = begun(&registry).await;
    let long = Duration::from_secs(600);
    // The control: no browser has come.
    tokio::time::timeout(long, server.wait_for_browsers(long)).await.unwrap();
    let (status, answer) = get(port, &format!("/callback/login?code=x&state={state}")).await;
    assert_eq!(status, 303, "{answer}");
    assert_eq!(end(&session).await, "done ada");
    let mut waiting = std::pin::pin!(server.wait_for_browsers(long));
    tokio::select! {
        biased;
        () = &mut waiting => panic!("the browser has seen nothing yet"),
        () = std::future::ready(()) => {}
    }
    let done = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let path = done.strip_prefix(&format!("http://127.0.0.1:{port}")).unwrap();
    let (seen, ()) = tokio::join!(get(port, path), &mut waiting);
    assert!(seen.1.contains("Connected"));
    // A browser that does not come is not waited for any longer.
    server.wait_for_browsers(Duration::ZERO).await;
    registry.close().await;
}

#[tokio::test]
async fn the_server_listens_on_ipv4_and_ipv6() {
    let world = World::new().await;
    let registry = world.with(server()).await;
    let (session, state, port) = begun(&registry).await;
    let six: SocketAddr = (std::net::Ipv6Addr::LOCALHOST, port).into();
    if TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, 0)).is_err() {
        // A machine without IPv6 cannot show this.
        return;
    }
    let path = format!("/callback/login?code=x&state={state}");
    assert_eq!(sent(six, format!("GET {path} HTTP/1.1\r\nHost: [::1]:{port}\r\n\r\n")).await.0, 303);
    assert_eq!(end(&session).await, "done ada");
}

#[tokio::test]
async fn the_server_does_not_keep_a_dropped_registry() {
    let world = World::new().await;
    let server = server();
    let registry = world.with(server.clone()).await;
    let (session, _, port) = begun(&registry).await;
    let weak = registry.downgrade();
    drop((session, registry));
    // The session's last run ends together with its task.
    while weak.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(port, "/callback/login?code=x&state=y").await.0, 410);
}
