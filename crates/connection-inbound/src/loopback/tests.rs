//! Time and room that one connection gets; time is the runtime's, and stands until nothing else is to be done.

use std::sync::Arc;

use axum::{Router, routing::get};
use connection_core::{ConnectionRegistry, KeyFile};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Semaphore,
    time::Instant,
};

use super::{
    LoopbackOptions, LoopbackServer,
    serve::{HEAD_TIMEOUT, LONGEST, MOST_CONNECTIONS, connection},
};

/// Sends this, slowly or not at all on, and waits for the end; what came back, and after how long.
async fn served(routes: Router, parts: &[&str], pause: std::time::Duration) -> (String, std::time::Duration) {
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let permit = permits.clone().acquire_owned().await.unwrap();
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
    let (answer, ()) = tokio::join!(client, connection(theirs, routes, permit));
    assert_eq!(permits.available_permits(), MOST_CONNECTIONS, "its place is free again");
    (answer, began.elapsed())
}

fn routes() -> Router {
    Router::new().route("/", get(|| async { "here" }))
}

/// T27: slow by pieces or silent, the head has five seconds.
#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let second = std::time::Duration::from_secs(1);
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
async fn a_connection_ends_after_one_answer_or_a_minute() {
    let twice = "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let (answer, _) = served(routes(), &[twice], std::time::Duration::ZERO).await;
    assert_eq!(answer.matches("here").count(), 1, "{answer}");
    let stuck = Router::new().route("/", get(std::future::pending::<&str>));
    let (answer, took) = served(stuck, &["GET / HTTP/1.1\r\nHost: x\r\n\r\n"], std::time::Duration::ZERO).await;
    assert_eq!((answer.as_str(), took), ("", LONGEST));
}

/// What serves has ended while somebody came: it is not asked again, and the port is free for the next one.
#[tokio::test]
async fn a_port_whose_serving_has_ended_is_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let server = LoopbackServer::new(tokio::runtime::Handle::current(), LoopbackOptions::new());
    let registry = ConnectionRegistry::builder()
        .store(directory.path().join("connections.db").display().to_string())
        .key(KeyFile::at(directory.path().join("root.key")))
        .open()
        .await
        .unwrap();
    let comes = || {
        let mut listening = server.0.lock();
        listening.ports.insert(1, Arc::default());
        listening.current = Some(1);
    };
    comes();
    server.while_needed(1, &registry.downgrade(), async { comes() }).await;
    assert!(server.ports().is_empty() && server.0.lock().current.is_none());
}
