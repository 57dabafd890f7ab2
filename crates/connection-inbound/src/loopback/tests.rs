//! The ports of a loopback server, as its host sees them.

use std::{
    io::{Read as _, Write as _},
    sync::Arc,
};

use connection_core::{ConnectionRegistry, KeyFile};
use tokio::io::AsyncReadExt as _;

use super::{
    LoopbackOptions, LoopbackServer,
    browsers::Browsers,
    serve::{LIMITS, serve},
};
use crate::sockets::Sockets;

/// T27: 64 connections at once are accepted even if they send nothing; the next one replaces the connection that has
/// been silent longest.
#[tokio::test]
async fn a_full_server_replaces_the_longest_silent_connection() {
    let directory = tempfile::tempdir().unwrap();
    let registry = opened(&directory).await;
    for (held, leaves) in [(LIMITS.connections - 1, false), (LIMITS.connections, true)] {
        let sockets = Sockets::bind(0).unwrap();
        let local = ("127.0.0.1", sockets.port());
        // All of them connect before the first is accepted.
        let silent: Vec<_> = (0..held).map(|_| std::net::TcpStream::connect(local).unwrap()).collect();
        let mut last = std::net::TcpStream::connect(local).unwrap();
        write!(last, "GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", local.1).unwrap();
        last.set_nonblocking(true).unwrap();
        let mut last = tokio::net::TcpStream::from_std(last).unwrap();
        let mut answer = String::new();
        let has_left = async {
            last.read_to_string(&mut answer).await.unwrap();
            let mut first = silent.into_iter().next().unwrap();
            first.set_nonblocking(true).unwrap();
            !matches!(first.read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
        };
        tokio::select! {
            () = serve(sockets, registry.downgrade(), Browsers::default()) => panic!("it serves until it is dropped"),
            left = has_left => assert_eq!(left, leaves, "{held} were silent"),
        }
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
}

async fn opened(directory: &tempfile::TempDir) -> ConnectionRegistry {
    ConnectionRegistry::builder()
        .store(directory.path().join("connections.db").display().to_string())
        .key(KeyFile::at(directory.path().join("root.key")))
        .open()
        .await
        .unwrap()
}

/// A server that ended while a request arrived is not polled again, and its port is free for the next server.
#[tokio::test]
async fn a_port_whose_serving_has_ended_is_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let server = LoopbackServer::new(tokio::runtime::Handle::current(), LoopbackOptions::new());
    let registry = opened(&directory).await;
    let comes = || {
        let mut listening = server.0.lock();
        listening.ports.insert(1, Arc::default());
        listening.current = Some(1);
    };
    comes();
    server.while_needed(1, &registry.downgrade(), async { comes() }).await;
    assert!(server.ports().is_empty() && server.0.lock().current.is_none());
}
