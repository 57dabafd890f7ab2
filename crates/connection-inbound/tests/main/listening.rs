//! A command asks whether the program that listens at an address is a server of its store.

use std::net::SocketAddr;

use connection_core::ConnectionRegistry;
use connection_inbound::{PublicUrl, Server, check_callback, is_listening};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Handle,
};

use crate::test_host::{World, callbacks};

/// Runs a server of the registry at this address.
async fn server(registry: &ConnectionRegistry, at: &str) -> SocketAddr {
    let server = Server::bind(at.parse().unwrap()).await.unwrap();
    let address = server.address();
    let url: PublicUrl = format!("http://127.0.0.1:{}", address.port()).parse().unwrap();
    let routes = callbacks(registry);
    Handle::current().spawn(async move { server.serve(routes, &url, std::future::pending()).await });
    address
}

/// Runs a program that passes each request on to the server, as that one wants it, with another line in its head.
async fn relay(to: SocketAddr, line: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    Handle::current().spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = client.read(&mut head).await.unwrap();
            let asked = String::from_utf8_lossy(&head[..length]).replace(&address.to_string(), &to.to_string());
            let asked = asked.replacen("\r\n", &format!("\r\n{line}"), 1);
            let mut server = TcpStream::connect(to).await.unwrap();
            server.write_all(asked.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            server.read_to_end(&mut answer).await.unwrap();
            client.write_all(&answer).await.unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_relays_the_proof_of_a_server_is_not_taken_for_it() {
    let world = World::new().await;
    let registry = world.public().await;
    let address = server(&registry, "127.0.0.1:0").await;
    assert!(is_listening(&registry, address).await);
    let relay = relay(address, "").await;
    assert!(!is_listening(&registry, relay).await);
    // The control: without the address, the proof of the server is relayed.
    let url: PublicUrl = format!("http://{relay}").parse().unwrap();
    assert_eq!(check_callback(&registry, &url).await.problem, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_at_every_address_is_found_at_the_one_that_was_asked() {
    let world = World::new().await;
    let registry = world.public().await;
    let port = server(&registry, "0.0.0.0:0").await.port();
    assert!(is_listening(&registry, SocketAddr::from(([127, 0, 0, 1], port))).await);
}

/// A server on another machine may listen at the same address, and is then reached only through a proxy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_address_is_proved_through_a_proxy() {
    let world = World::new().await;
    let registry = world.public().await;
    let address = server(&registry, "127.0.0.1:0").await;
    let asked = |line: &str| {
        let head = format!("Host: {address}\r\n{line}\r\n");
        crate::loopback::sent(address, format!("GET /callback/-/proof?challenge=c&listening HTTP/1.1\r\n{head}"))
    };
    assert_eq!(asked("").await.0, 200, "the control");
    for line in ["Forwarded: for=192.0.2.1\r\n", "Via: 1.1 proxy\r\n", "X-Forwarded-For: 192.0.2.1\r\n"] {
        assert_eq!(asked(line).await.0, 404, "{line}");
    }
}
