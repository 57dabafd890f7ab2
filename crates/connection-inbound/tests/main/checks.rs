//! A host checks its own callbacks over the network, through any proxy, and reports what is wrong.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use axum::Router;
use connection_core::ConnectionRegistry;
use connection_inbound::{CallbackCheck, PublicUrl, callback_routes, check_callback};
use tokio::runtime::Handle;

use crate::{
    requests,
    test_host::{PUBLIC, World},
};

/// A proxy in front of a host: for a path, it passes on another path to these routes, or answers by itself.
type Proxy = Arc<dyn Fn(&str) -> Passed + Send + Sync>;

enum Passed {
    On(String),
    Answer(String),
    Nothing,
}

/// Starts a proxy and returns its port.
fn proxy(routes: Router, rule: Proxy) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let handle = Handle::current();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let routes = routes.clone();
            let rule = rule.clone();
            let handle = handle.clone();
            thread::spawn(move || passed(&stream, &routes, &rule, &handle).unwrap_or_default());
        }
    });
    port
}

fn passed(stream: &TcpStream, routes: &Router, rule: &Proxy, handle: &Handle) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    let mut line = String::new();
    // A client that begins with TLS is answered without TLS, as servers do.
    if reader.fill_buf()?.first() == Some(&0x16) {
        let length = reader.buffer().len();
        reader.consume(length);
        return (&mut &*stream)
            .write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    }
    reader.read_line(&mut first)?;
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let answer = match rule(path) {
        Passed::On(path) => {
            let answer = handle.block_on(requests::get(routes, &path));
            format!(
                "HTTP/1.1 {} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{}",
                answer.status,
                answer.body.len(),
                answer.body
            )
        }
        Passed::Answer(answer) => answer,
        Passed::Nothing => return Ok(()),
    };
    (&mut &*stream).write_all(answer.as_bytes())
}

async fn checked(
    registry: &ConnectionRegistry,
    at: &str,
    rule: impl Fn(&str) -> Passed + Send + Sync + 'static,
) -> CallbackCheck {
    let routes: Router = callback_routes(registry.clone(), PUBLIC.parse().unwrap());
    let port = proxy(routes, Arc::new(rule));
    let url: PublicUrl = at.replace("PORT", &port.to_string()).parse().unwrap();
    check_callback(registry, &url).await
}

fn code(check: &CallbackCheck) -> &'static str {
    check.problem.as_ref().map_or("none", |problem| problem.code)
}

fn on(path: &str) -> Passed {
    Passed::On(path.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_is_right_is_found_right() {
    let world = World::new().await;
    let registry = world.public().await;
    let bare = checked(&registry, "http://127.0.0.1:PORT", on).await;
    assert_eq!(code(&bare), "none", "{bare:?}");
    let stripped = |path: &str| path.strip_prefix("/a/b").map_or(Passed::Nothing, on);
    assert_eq!(code(&checked(&registry, "http://127.0.0.1:PORT/a/b", stripped).await), "none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_on_the_way_is_named_with_the_way_out() {
    let world = World::new().await;
    let registry = world.public().await;
    let elsewhere = World::new().await;
    let other = elsewhere.public().await;
    let status = |status: u16| {
        move |_: &str| Passed::Answer(format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"))
    };
    let to = |place: &'static str| {
        move |_: &str| {
            Passed::Answer(format!(
                "HTTP/1.1 301 X\r\nlocation: {place}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            ))
        }
    };
    let at = "http://127.0.0.1:PORT";
    let found = [
        (
            "callback_prefix",
            checked(&registry, "http://127.0.0.1:PORT/app", |path| {
                if path.starts_with("/app") { Passed::On("/x".into()) } else { on(path) }
            })
            .await,
        ),
        ("callback_path", checked(&registry, at, status(404)).await),
        ("callback_proxy", checked(&registry, at, status(502)).await),
        ("callback_proxy", checked(&registry, at, status(503)).await),
        ("callback_sign_in", checked(&registry, at, status(401)).await),
        ("callback_sign_in", checked(&registry, at, status(403)).await),
        ("callback_other", checked(&registry, at, status(200)).await),
        ("callback_other", checked(&registry, at, status(418)).await),
        ("callback_redirected", checked(&registry, at, to("https://other.example/")).await),
        ("callback_scheme", checked(&registry, at, |_| Passed::Nothing).await),
        ("callback_scheme", checked(&registry, at, |_| Passed::Answer("SSH-2.0-x\r\n".into())).await),
        ("callback_tls", checked(&registry, "https://127.0.0.1:PORT", on).await),
        // Another host with the same software answers, which is not the host that checks.
        ("callback_other", {
            let routes: Router = callback_routes(other.clone(), PUBLIC.parse().unwrap());
            let port = proxy(routes, Arc::new(on));
            check_callback(&registry, &format!("http://127.0.0.1:{port}").parse().unwrap()).await
        }),
        ("callback_port", {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            check_callback(&registry, &format!("http://127.0.0.1:{free}").parse().unwrap()).await
        }),
        ("callback_host", check_callback(&registry, &"https://no-such-host.invalid".parse().unwrap()).await),
    ];
    for (expected, check) in &found {
        assert_eq!(code(check), *expected, "{check:?}");
        let problem = check.problem.as_ref().unwrap();
        assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
    }
}
