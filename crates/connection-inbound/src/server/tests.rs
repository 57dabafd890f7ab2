//! Time and room that one connection gets; time is the runtime's, and stands until nothing else is to be done.

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Semaphore, watch},
    time::Instant,
};

use super::{
    LIMITS,
    connection::{HEAD_TIMEOUT, LONGEST, connection},
};

/// Sends this, slowly or not at all on, and waits for the end; what came back, and after how long.
async fn served(routes: Router, parts: &[&str], pause: Duration) -> (String, Duration) {
    let permits = Arc::new(Semaphore::new(LIMITS.connections));
    let permit = permits.clone().acquire_owned().await.unwrap();
    let (_ending, ended) = watch::channel(false);
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
    let (answer, ()) = tokio::join!(client, connection(theirs, routes, permit, LIMITS, ended));
    assert_eq!(permits.available_permits(), LIMITS.connections, "its place is free again");
    (answer, began.elapsed())
}

fn routes() -> Router {
    Router::new().route("/", get(|| async { "here" }))
}

/// T27: slow by pieces or silent, the head has five seconds.
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
async fn a_connection_ends_after_one_answer_or_a_minute() {
    let twice = "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let (answer, _) = served(routes(), &[twice], Duration::ZERO).await;
    assert_eq!(answer.matches("here").count(), 1, "{answer}");
    let stuck = Router::new().route("/", get(std::future::pending::<&str>));
    let (answer, took) = served(stuck, &["GET / HTTP/1.1\r\nHost: x\r\n\r\n"], Duration::ZERO).await;
    assert_eq!((answer.as_str(), took), ("", LONGEST));
}
