//! Requests that are sent and answered in pieces: what they wait for, and what ends them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use connection_contract::{HttpError, HttpRequest, Secret};
use connection_faults::peer::PeerServer;
use tokio::sync::mpsc;

use super::{Names, base, clock, named};
use crate::{
    BodyFault, BrokenBody, Egress, HttpClient, HttpPolicy, ManualClock, NotAnswered, Pieces, StreamedBody, Streaming,
};

const LIMIT: Duration = Duration::from_secs(300);
const ALMOST: Duration = Duration::from_secs(299);
const SECOND: Duration = Duration::from_secs(1);

/// A client, its clock and the other side.
pub(super) struct Line {
    pub(super) clock: Arc<ManualClock>,
    pub(super) client: HttpClient,
    pub(super) server: PeerServer,
    pub(super) egress: Egress,
}

impl Line {
    pub(super) async fn new() -> Self {
        Self::of(HttpPolicy::new()).await
    }

    async fn of(policy: HttpPolicy) -> Self {
        let clock = clock();
        let client = HttpClient::with_lookup(policy, clock.clone(), Names::of(&[])).unwrap();
        let server = PeerServer::start().await;
        let egress = named(&server.origin());
        Self { clock, client, server, egress }
    }

    pub(super) fn request(&self, method: &'static str) -> HttpRequest {
        HttpRequest::new(method, &base(&self.server.origin()), "/x")
    }

    async fn get(&self) -> Result<Streaming, NotAnswered> {
        self.client.open(&self.egress, self.request("GET"), None).await
    }

    async fn post(&self, body: StreamedBody) -> Result<Streaming, NotAnswered> {
        self.client.open(&self.egress, self.request("POST"), Some(body)).await
    }
}

/// A body whose pieces a test sends.
struct Channel(mpsc::UnboundedReceiver<Result<Vec<u8>, BrokenBody>>);

impl Pieces for Channel {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, BrokenBody>>> {
        self.0.poll_recv(cx)
    }
}

pub(super) type Sender = mpsc::UnboundedSender<Result<Vec<u8>, BrokenBody>>;

pub(super) fn channel(length: Option<u64>) -> (Sender, StreamedBody) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, StreamedBody { length, pieces: Box::new(Channel(receiver)) })
}

#[tokio::test]
async fn a_quiet_stream_of_minutes_passes() {
    let line = Line::new().await;
    let begins = async {
        let mut peer = line.server.accept().await;
        peer.head().await;
        line.clock.advance(ALMOST);
        peer.begin(200, "content-type: text/event-stream\r\n").await;
        peer
    };
    let (answer, mut peer) = tokio::join!(line.get(), begins);
    let mut answer = answer.unwrap();
    for piece in ["a", "b", "c"] {
        let goes_on = async {
            line.clock.until_asleep(1).await;
            line.clock.advance(ALMOST);
            peer.piece(piece).await;
        };
        let (received, ()) = tokio::join!(answer.chunk(), goes_on);
        assert_eq!(received, Ok(Some(piece.into())));
    }
    peer.piece("").await;
    assert_eq!(answer.chunk().await, Ok(None));
}

#[tokio::test]
async fn a_request_without_a_first_byte_ends_after_its_limit() {
    for policy in [HttpPolicy::new(), HttpPolicy::new().first_byte(LIMIT / 2).idle(LIMIT * 2)] {
        let limit = policy.first_byte;
        let line = Line::of(policy).await;
        let provider = async {
            let mut peer = line.server.accept().await;
            peer.head().await;
            line.clock.advance(limit);
            peer.until_closed().await
        };
        let (answer, rest) = tokio::join!(line.get(), provider);
        assert_eq!((answer.err(), rest), (Some(NotAnswered::Http(HttpError::Timeout)), 0));
    }
}

#[tokio::test]
async fn an_answer_that_stops_ends_after_the_idle_limit() {
    let line = Line::of(HttpPolicy::new().idle(SECOND * 7)).await;
    let provider = async {
        let mut peer = line.server.accept().await;
        peer.head().await;
        peer.begin(200, "").await;
        peer.piece("a").await;
        peer
    };
    let (answer, mut peer) = tokio::join!(line.get(), provider);
    let mut answer = answer.unwrap();
    assert_eq!(answer.chunk().await, Ok(Some(b"a".to_vec())));
    // The time in which nobody reads does not count.
    line.clock.advance(SECOND * 60);
    let passes = async {
        line.clock.until_asleep(1).await;
        line.clock.advance(SECOND * 7);
    };
    assert_eq!(tokio::join!(answer.chunk(), passes).0, Err(HttpError::Timeout));
    drop(answer);
    assert_eq!(peer.until_closed().await, 0);
}

#[tokio::test]
async fn a_slow_upload_passes_and_its_time_is_not_that_of_the_answer() {
    let line = Line::new().await;
    let (sender, body) = channel(None);
    let provider = async {
        let mut peer = line.server.accept().await;
        assert!(peer.head().await.contains("transfer-encoding: chunked"));
        for piece in ["one", "two", "three"] {
            line.clock.advance(ALMOST);
            sender.send(Ok(piece.into())).unwrap();
            assert_eq!(peer.chunk().await, piece.as_bytes());
        }
        drop(sender);
        assert_eq!(peer.chunk().await, b"");
        line.clock.advance(ALMOST);
        peer.answer(201, "").await;
        peer
    };
    let (answer, _peer) = tokio::join!(line.post(body), provider);
    assert_eq!(answer.unwrap().status, 201);
}

#[tokio::test]
async fn an_upload_whose_source_stops_is_the_fault_of_its_body() {
    let line = Line::new().await;
    let (sender, body) = channel(Some(9));
    let provider = async {
        let mut peer = line.server.accept().await;
        assert!(peer.head().await.contains("content-length: 9"));
        sender.send(Ok(b"some".to_vec())).unwrap();
        assert_eq!(peer.bytes(4).await, b"some");
        line.clock.until_asleep(1).await;
        line.clock.advance(LIMIT);
        peer.until_closed().await
    };
    let (answer, rest) = tokio::join!(line.post(body), provider);
    assert_eq!((answer.err(), rest), (Some(NotAnswered::Body(BodyFault::Quiet)), 0));
}

#[tokio::test]
async fn a_body_that_breaks_off_or_has_another_length_is_not_sent_to_its_end() {
    let broken = || Err(BrokenBody);
    let cases = [
        (Some(9), vec![Ok(b"some".to_vec()), broken()], BodyFault::Broken),
        (None, vec![Ok(b"some".to_vec()), broken()], BodyFault::Broken),
        (Some(9), vec![Ok(b"some".to_vec())], BodyFault::Length),
        (Some(2), vec![Ok(b"some".to_vec())], BodyFault::Length),
    ];
    for (length, pieces, fault) in cases {
        let line = Line::new().await;
        let (sender, body) = channel(length);
        for piece in pieces {
            sender.send(piece).unwrap();
        }
        drop(sender);
        let provider = async { line.server.accept().await.until_closed().await };
        let (answer, _) = tokio::join!(line.post(body), provider);
        assert_eq!(answer.err(), Some(NotAnswered::Body(fault)), "{length:?}");
    }
}

#[tokio::test]
async fn a_fault_of_a_body_is_no_outage_of_its_provider() {
    let line = Line::new().await;
    let (sender, body) = channel(None);
    sender.send(Err(BrokenBody)).unwrap();
    let provider = async { line.server.accept().await.until_closed().await };
    let (answer, _) = tokio::join!(line.post(body), provider);
    assert_eq!(answer.err(), Some(NotAnswered::Body(BodyFault::Broken)));
    assert_eq!(line.egress.heard.origin(), None);
    // The control: a provider that is silent was heard of.
    let provider = async {
        let mut peer = line.server.accept().await;
        peer.head().await;
        line.clock.advance(LIMIT);
        peer.until_closed().await
    };
    tokio::join!(line.get(), provider).0.unwrap_err();
    assert!(line.egress.heard.is_outage());
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let line = Line::new().await;
    for location in ["/elsewhere", "https://evil.example/"] {
        let provider = async {
            let mut peer = line.server.accept().await;
            peer.head().await;
            let head = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\nconnection: close\r\n");
            peer.write(format!("{head}content-length: 0\r\n\r\n")).await;
            peer
        };
        let (answer, _peer) = tokio::join!(line.get(), provider);
        let answer = answer.unwrap();
        assert_eq!(answer.status, 302);
        assert!(answer.headers.contains(&("location".to_owned(), location.to_owned())));
    }
}

#[tokio::test]
async fn an_origin_out_of_reach_is_denied_and_its_body_is_not_read() {
    let line = Line::new().await;
    let (sender, body) = channel(None);
    let elsewhere = HttpRequest::post(&base("https://evil.example"), "/");
    let denied = line.client.open(&line.egress, elsewhere, Some(body)).await;
    assert_eq!(denied.err(), Some(NotAnswered::Http(HttpError::Denied)));
    assert!(sender.is_closed());
}

#[tokio::test]
async fn a_caller_that_leaves_ends_the_request_before_and_within_the_answer() {
    let line = Line::new().await;
    let (_sender, body) = channel(None);
    let mut sending = Box::pin(line.post(body));
    let mut peer = tokio::select! {
        _ = &mut sending => panic!("nobody has answered"),
        peer = async {
            let mut peer = line.server.accept().await;
            peer.head().await;
            peer
        } => peer,
    };
    drop(sending);
    assert_eq!(peer.until_closed().await, 0);
    let provider = async {
        let mut peer = line.server.accept().await;
        peer.head().await;
        peer.begin(200, "").await;
        peer
    };
    let (answer, mut peer) = tokio::join!(line.get(), provider);
    drop(answer.unwrap());
    assert_eq!(peer.until_closed().await, 0);
}

/// The answer is whole, and the connection could be kept.
#[tokio::test]
async fn a_body_that_nobody_needs_any_longer_is_not_sent_on() {
    let line = Line::new().await;
    let (sender, body) = channel(None);
    let provider = async {
        let mut peer = line.server.accept().await;
        peer.head().await;
        peer.write("HTTP/1.1 413 Told\r\ncontent-length: 2\r\n\r\nno").await;
        peer
    };
    let (answer, mut peer) = tokio::join!(line.post(body), provider);
    let mut answer = answer.unwrap();
    assert_eq!(answer.chunk().await, Ok(Some(b"no".to_vec())));
    sender.send(Ok(b"more".to_vec())).unwrap();
    assert_eq!(peer.chunk().await, b"more");
    assert_eq!(answer.chunk().await, Ok(None));
    drop(answer);
    assert_eq!(peer.until_closed().await, 0);
    sender.closed().await;
}

#[tokio::test]
async fn a_body_that_is_given_whole_is_sent_with_its_length_and_an_empty_one_with_none() {
    let line = Line::new().await;
    let whole = Secret::new(vec![b'x'; 200_000]);
    for (method, body, length) in [
        ("POST", whole, Some("content-length: 200000")),
        ("POST", Secret::default(), Some("content-length: 0")),
        ("GET", Secret::default(), None),
    ] {
        let mut request = line.request(method);
        request.body = body.duplicate();
        let provider = async {
            let mut peer = line.server.accept().await;
            let head = peer.head().await;
            assert_eq!(peer.bytes(body.expose().len()).await, body.expose());
            peer.answer(200, "").await;
            head
        };
        let (answer, head) = tokio::join!(line.client.open(&line.egress, request, None), provider);
        assert_eq!(answer.unwrap().status, 200);
        assert_eq!(head.lines().find(|line| line.starts_with("content-length")), length, "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_is_sent_with_every_method() {
    let line = Line::new().await;
    for method in ["GET", "DELETE", "POST"] {
        let (sender, body) = channel(None);
        sender.send(Ok(b"some".to_vec())).unwrap();
        sender.send(Ok(Vec::new())).unwrap();
        sender.send(Ok(b"more".to_vec())).unwrap();
        drop(sender);
        let provider = async {
            let mut peer = line.server.accept().await;
            peer.head().await;
            let body = peer.chunks().await;
            peer.answer(200, "").await;
            body
        };
        let sent = line.client.open(&line.egress, line.request(method), Some(body));
        let (answer, body) = tokio::join!(sent, provider);
        assert_eq!((answer.unwrap().status, body), (200, b"somemore".to_vec()), "{method}");
    }
}

/// A body that counts the bytes that were taken from it.
struct Counted {
    left: usize,
    taken: Arc<AtomicUsize>,
}

impl Pieces for Counted {
    fn poll_piece(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, BrokenBody>>> {
        let piece = vec![b'x'; self.left.min(64 * 1024)];
        self.left -= piece.len();
        self.taken.fetch_add(piece.len(), SeqCst);
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}

#[tokio::test]
async fn a_large_body_is_taken_only_as_fast_as_it_is_read() {
    const SIZE: usize = 64 << 20;
    let line = Line::new().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let pieces = Box::new(Counted { left: SIZE, taken: taken.clone() });
    let body = StreamedBody { length: Some(SIZE as u64), pieces };
    let provider = async {
        let mut peer = line.server.accept().await;
        peer.head().await;
        let (mut received, mut peak) = (0, 0);
        while received < SIZE {
            received += peer.bytes(64 * 1024).await.len();
            peak = peak.max(taken.load(SeqCst) - received);
        }
        peer.answer(200, "").await;
        (peer, peak)
    };
    let (answer, (_peer, peak)) = tokio::join!(line.post(body), provider);
    assert_eq!((answer.unwrap().status, taken.load(SeqCst)), (200, SIZE));
    // The buffers of the system hold a few mebibytes.
    assert!(peak < SIZE / 4, "{peak} bytes were taken and not yet received");
}

#[test]
fn a_limit_is_from_a_second_to_a_day() {
    let day = Duration::from_secs(86_400);
    let make = |policy| HttpClient::new(policy, clock()).map(drop).map_err(|error| error.to_string());
    for timeout in [SECOND, day] {
        assert_eq!(make(HttpPolicy::new().first_byte(timeout).idle(timeout)), Ok(()));
    }
    for timeout in [Duration::ZERO, SECOND - Duration::from_millis(1), day + SECOND, Duration::MAX] {
        let first_byte = make(HttpPolicy::new().first_byte(timeout)).unwrap_err();
        assert_eq!(first_byte, "the time limit first_byte must be from 1 second to 24 hours");
        assert!(make(HttpPolicy::new().idle(timeout)).unwrap_err().contains("idle"));
    }
}
