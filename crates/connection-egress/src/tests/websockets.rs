//! Requests that upgrade their connection to a WebSocket: what passes in both directions, and what ends them.

use std::time::Duration;

use connection_contract::HttpError;
use connection_faults::peer::Peer;

use super::open::{Line, Sender, channel};
use crate::{BrokenBody, Streaming};

const SWITCHES: &str = "HTTP/1.1 101 Told\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
const LIMIT: Duration = Duration::from_secs(300);
const ALMOST: Duration = Duration::from_secs(299);

impl Line {
    /// Opens a WebSocket. Returns both ends of it and what the caller sends on it.
    async fn opened(&self) -> (Streaming, Sender, Peer) {
        let (sender, body) = channel(None);
        let provider = async {
            let mut peer = self.server.accept().await;
            let head = peer.head().await.to_ascii_lowercase();
            assert!(head.contains("\r\nconnection: upgrade\r\nupgrade: websocket"), "{head}");
            assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
            peer.write(SWITCHES).await;
            peer
        };
        let (answer, peer) = tokio::join!(self.client.upgrade(&self.egress, self.request("GET"), body), provider);
        (answer.unwrap(), sender, peer)
    }
}

#[tokio::test]
async fn pieces_pass_in_both_directions_until_the_provider_ends() {
    let line = Line::new().await;
    let (mut answer, sender, mut peer) = line.opened().await;
    assert_eq!((answer.status, answer.expected()), (101, None));
    sender.send(Ok(b"ours".to_vec())).unwrap();
    assert_eq!(peer.bytes(4).await, b"ours");
    peer.write("theirs").await;
    assert_eq!(answer.chunk().await, Ok(Some(b"theirs".to_vec())));
    sender.send(Ok(b"again".to_vec())).unwrap();
    assert_eq!(peer.bytes(5).await, b"again");
    drop(peer);
    assert_eq!(answer.chunk().await, Ok(None));
}

#[tokio::test]
async fn the_end_of_what_is_sent_reaches_the_provider_which_may_go_on() {
    let line = Line::new().await;
    let (mut answer, sender, mut peer) = line.opened().await;
    sender.send(Ok(b"last".to_vec())).unwrap();
    drop(sender);
    assert_eq!(peer.until_closed().await, 4);
    peer.write("goodbye").await;
    assert_eq!(answer.chunk().await, Ok(Some(b"goodbye".to_vec())));
}

#[tokio::test]
async fn a_connection_whose_caller_leaves_or_breaks_off_is_closed() {
    let line = Line::new().await;
    let (answer, _sender, mut peer) = line.opened().await;
    drop(answer);
    assert_eq!(peer.until_closed().await, 0);

    let (_answer, sender, mut peer) = line.opened().await;
    sender.send(Err(BrokenBody)).unwrap();
    assert_eq!(peer.until_closed().await, 0);
}

#[tokio::test]
async fn a_provider_that_reads_nothing_does_not_hold_the_connection() {
    let line = Line::new().await;
    let (answer, sender, peer) = line.opened().await;
    // More than the buffers of the system take.
    for _ in 0..1024 {
        sender.send(Ok(vec![0; 64 * 1024])).unwrap();
    }
    // The task that sends goes on until the system does not take the piece that it has begun.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    drop(answer);
    // The system itself gives up after 30 seconds.
    tokio::time::timeout(Duration::from_secs(25), sender.closed()).await.unwrap();
    drop(peer);
}

#[tokio::test]
async fn a_connection_on_which_nothing_passes_ends_after_the_idle_limit() {
    let line = Line::new().await;
    let (mut answer, sender, mut peer) = line.opened().await;
    let goes_on = async {
        line.clock.until_asleep(1).await;
        line.clock.advance(ALMOST);
        // A piece in either direction counts.
        sender.send(Ok(b"ours".to_vec())).unwrap();
        peer.bytes(4).await;
        line.clock.advance(ALMOST);
        peer.write("theirs").await;
    };
    let (received, ()) = tokio::join!(answer.chunk(), goes_on);
    assert_eq!(received, Ok(Some(b"theirs".to_vec())));
    let quiet = async {
        line.clock.until_asleep(1).await;
        line.clock.advance(LIMIT);
    };
    let (received, ()) = tokio::join!(answer.chunk(), quiet);
    assert_eq!(received, Err(HttpError::Timeout));
}

#[tokio::test]
async fn an_answer_that_does_not_upgrade_leaves_what_would_be_sent_alone() {
    let line = Line::new().await;
    let (sender, body) = channel(None);
    sender.send(Ok(b"ours".to_vec())).unwrap();
    let provider = async {
        let mut peer = line.server.accept().await;
        peer.head().await;
        peer.answer(403, "no").await;
        peer
    };
    let (answer, mut peer) = tokio::join!(line.client.upgrade(&line.egress, line.request("GET"), body), provider);
    let mut answer = answer.unwrap();
    assert_eq!((answer.status, answer.chunk().await), (403, Ok(Some(b"no".to_vec()))));
    assert_eq!(peer.until_closed().await, 0);
}
