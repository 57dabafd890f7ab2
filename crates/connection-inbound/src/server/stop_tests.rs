//! A server that stops answers or refuses every request of a connection that the system has accepted.

use std::{future::ready, net::SocketAddr, sync::Arc};

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Handle,
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::{
    LIMITS, Server,
    capacity::Capacity,
    connection::{Stopping, connection},
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// Binds a server, lets these many clients connect, and stops the server before it has accepted any of them.
async fn stopped(clients: usize) -> (Vec<TcpStream>, SocketAddr, JoinHandle<()>) {
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.address();
    let mut queued = Vec::new();
    for _ in 0..clients {
        queued.push(TcpStream::connect(address).await.unwrap());
    }
    let routes = Router::new().route("/", get(async || "here"));
    let url = "https://host.example".parse().unwrap();
    let serving = Handle::current().spawn(async move { server.serve(routes, &url, ready(())).await });
    (queued, address, serving)
}

async fn heard(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the connection ends in order");
    answer
}

#[tokio::test]
async fn the_connections_that_wait_to_be_accepted_are_answered_after_a_stop() {
    let (queued, _, serving) = stopped(100).await;
    for mut stream in queued {
        stream.write_all(REQUEST).await.unwrap();
        let answer = heard(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
    }
    serving.await.unwrap();
}

#[tokio::test]
async fn a_connection_whose_request_comes_after_the_stop_is_answered_and_a_new_one_is_refused() {
    let (mut queued, address, serving) = stopped(1).await;
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let mut stream = queued.remove(0);
    stream.write_all(REQUEST).await.unwrap();
    assert!(heard(stream).await.ends_with("here"));
    serving.await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_not_answered_in_time_is_refused_with_a_problem_document() {
    let places = Capacity::new(LIMITS, Vec::new());
    let seat = places.seat([127, 0, 0, 1].into()).unwrap();
    let (over, ended) = watch::channel(Stopping::No);
    let begun = Arc::new(Notify::new());
    let entered = begun.clone();
    let holds = move || async move {
        entered.notify_one();
        std::future::pending::<&str>().await
    };
    let (mut ours, theirs) = tokio::io::duplex(64 << 10);
    let client = async {
        ours.write_all(REQUEST).await.unwrap();
        begun.notified().await;
        over.send_replace(Stopping::Refuses);
        let mut answer = String::new();
        ours.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let served = connection(theirs, Router::new().route("/", get(holds)), seat, ended);
    let (answer, ()) = tokio::join!(client, served);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
    assert!(answer.contains("application/problem+json") && answer.contains(r#""code":"server_stopping""#), "{answer}");
    assert!(places.is_empty(), "its place is free again");
}
