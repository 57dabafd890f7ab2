//! The server of a host without another HTTP server, over real sockets, until it is stopped.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, routing::get};
use connection_inbound::{PublicUrl, Server};
use tokio::{
    runtime::Handle,
    sync::{Notify, oneshot},
};

use crate::loopback::sent;

async fn bound() -> Server {
    Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

fn url(text: &str) -> PublicUrl {
    text.parse().unwrap()
}

async fn status_of(address: SocketAddr, host: &str) -> u16 {
    sent(address, format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await.0
}

/// T09: a page whose name resolves to this machine names its own host.
#[tokio::test]
async fn without_tls_it_answers_to_this_machines_names_alone() {
    let routes = Router::new().route("/", get(async || "here"));
    let server = bound().await;
    let address = server.address();
    let port = address.port();
    let serving = {
        let routes = routes.clone();
        let url = url("http://127.0.0.1:9000");
        Handle::current().spawn(async move { server.serve(routes, &url, std::future::pending()).await })
    };
    let own = ["127.0.0.1", "[::1]", "localhost"].map(|host| format!("{host}:{port}"));
    for host in own.into_iter().chain(["127.0.0.1:9000".to_owned()]) {
        assert_eq!(status_of(address, &host).await, 200, "{host}");
    }
    for host in ["evil.example", "localhost", "127.0.0.1", "localhost:9000", "", "127.0.0.1:1", "a.localhost"] {
        assert_eq!(status_of(address, host).await, 421, "{host}");
    }
    serving.abort();
    // With TLS, the proxy checks the names.
    let server = bound().await;
    let address = server.address();
    let serving = Handle::current()
        .spawn(async move { server.serve(routes, &url("https://host.example"), std::future::pending()).await });
    for host in ["host.example", "elsewhere.example"] {
        assert_eq!(status_of(address, host).await, 200, "{host}");
    }
    serving.abort();
}

#[tokio::test]
async fn a_signal_closes_the_listener_and_open_requests_are_answered() {
    let asked_for = std::sync::Arc::new(Notify::new());
    let go = std::sync::Arc::new(Notify::new());
    let came = asked_for.clone();
    let may = go.clone();
    let slow = move || {
        let came = came.clone();
        let may = may.clone();
        async move {
            came.notify_one();
            may.notified().await;
            "here"
        }
    };
    let server = bound().await;
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = Handle::current().spawn(async move {
        let routes = Router::new().route("/", get(slow));
        server.serve(routes, &url("https://host.example"), async { drop(stopped.await) }).await
    });
    let answer = Handle::current().spawn(status_of(address, "host.example"));
    asked_for.notified().await;
    // A connection without a request does not delay the end.
    let silent = tokio::net::TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    let refused = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), refused).await.expect("nobody is let in");
    assert!(!serving.is_finished(), "somebody waits for an answer");
    go.notify_one();
    assert_eq!(answer.await.unwrap(), 200);
    tokio::time::timeout(Duration::from_secs(30), serving).await.expect("it ends").unwrap();
    drop(silent);
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let first = bound().await;
    let error = Server::bind(first.address()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
