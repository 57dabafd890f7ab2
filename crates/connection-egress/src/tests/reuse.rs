//! A request that only reads survives that its connection had been closed, and no other request is sent twice.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use connection_contract::{HttpError, HttpRequest, Secret};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{Names, base, client_with, named, open::channel};
use crate::{Egress, HttpClient, HttpPolicy, SendOnceOutcome, StreamedBody};

/// A server that answers the first request of each connection, and closes the connection when the second one arrives.
struct Closing {
    address: SocketAddr,
    /// The first lines of the requests that it answered.
    processed: Arc<Mutex<Vec<String>>>,
    /// The number of requests that arrived.
    arrived: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Closing {
    async fn start() -> Self {
        Self::with(usize::MAX, "").await
    }

    /// Starts a server that also closes each connection at once after the first `limit`.
    async fn answering(limit: usize) -> Self {
        Self::with(limit, "").await
    }

    /// Starts such a server, which writes this beginning of an answer before it closes a connection for its second request.
    async fn with(limit: usize, beginning: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (processed, arrived) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let connections = Arc::<AtomicUsize>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let (processed, arrived, connections) = (processed.clone(), arrived.clone(), connections.clone());
            async move {
                let mut each = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    let answers = connections.fetch_add(1, Ordering::SeqCst) < limit;
                    each.spawn(serve(stream, answers, beginning, processed.clone(), arrived.clone()));
                }
            }
        });
        Self { address, processed, arrived, connections, _tasks: tasks }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn processed(&self) -> Vec<String> {
        self.processed.lock().unwrap().clone()
    }

    fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: TcpStream,
    answers: bool,
    beginning: &'static str,
    processed: Arc<Mutex<Vec<String>>>,
    arrived: Arc<AtomicUsize>,
) {
    let Some(head) = head(&mut stream).await else { return };
    arrived.fetch_add(1, Ordering::SeqCst);
    if !answers {
        return;
    }
    let body = if head.starts_with("HEAD ") { "" } else { "ok" };
    processed.lock().unwrap().push(head);
    stream.write_all(format!("HTTP/1.1 200 Told\r\ncontent-length: 2\r\n\r\n{body}").as_bytes()).await.unwrap();
    if head_of_next(&mut stream).await {
        arrived.fetch_add(1, Ordering::SeqCst);
        stream.write_all(beginning.as_bytes()).await.unwrap();
    }
}

async fn head_of_next(stream: &mut TcpStream) -> bool {
    head(stream).await.is_some()
}

/// Returns the first line of a request, after its body if it has one.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    let mut piece = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return head.lines().next().map(str::to_owned);
            }
        }
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        text.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
}

fn client() -> HttpClient {
    client_with(HttpPolicy::new(), Names::of(&[]))
}

/// Reads an answer to its end, so that its connection is kept.
async fn opened(client: &HttpClient, egress: &Egress, request: HttpRequest) -> Result<Vec<u8>, HttpError> {
    let mut answer = client.open(egress, request, None).await.map_err(|error| match error {
        crate::NotAnswered::Http(error) => error,
        other => panic!("{other:?}"),
    })?;
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        body.extend(piece);
    }
    settle().await;
    Ok(body)
}

/// Lets the task of a connection run, which keeps the connection for the next request.
async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

/// Sends a request whose connection is kept.
async fn sent(client: &HttpClient, egress: &Egress, request: HttpRequest) -> Result<u16, HttpError> {
    let answer = client.send(egress, request).await;
    settle().await;
    answer.map(|answer| answer.status())
}

#[tokio::test]
async fn every_probe_is_answered_although_the_server_closes_its_connections() {
    for method in ["GET", "HEAD"] {
        let server = Closing::start().await;
        let (client, egress) = (client(), named(&server.origin()));
        for number in 0..12 {
            let request = HttpRequest::new(method, &base(&server.origin()), &format!("/{number}"));
            assert_eq!(sent(&client, &egress, request).await, Ok(200), "{method} {number}");
        }
        let expected: Vec<_> = (0..12).map(|number| format!("{method} /{number} HTTP/1.1")).collect();
        assert_eq!(server.processed(), expected, "each was processed once");
        assert!(server.arrived() > 12, "the control: connections were reused, and were closed");
    }
}

#[tokio::test]
async fn a_use_that_only_reads_is_answered_and_another_one_is_not_repeated() {
    let server = Closing::start().await;
    let client = client();
    let egress = named(&server.origin());
    let reads = Egress { repeats_reads: true, ..egress.clone() };
    for number in 0..12 {
        let request = HttpRequest::get(&base(&server.origin()), &format!("/{number}"));
        assert_eq!(opened(&client, &reads, request).await.unwrap(), b"ok", "{number}");
    }
    assert_eq!(server.processed().len(), 12);
    let server = Closing::start().await;
    let egress = named(&server.origin());
    let mut failed = 0;
    for _ in 0..12 {
        let request = HttpRequest::get(&base(&server.origin()), "/");
        failed += usize::from(opened(&client, &egress, request).await.is_err());
    }
    assert_eq!((failed, server.processed().len()), (6, 6), "the control: nothing says that a GET only reads");
}

#[tokio::test]
async fn a_request_that_may_change_something_is_sent_once() {
    let server = Closing::start().await;
    let client = client();
    let egress = Egress { repeats_reads: true, ..named(&server.origin()) };
    for method in ["POST", "PUT", "DELETE"] {
        let request = |path: &str| HttpRequest::new(method, &base(&server.origin()), path);
        sent(&client, &egress, request("/first")).await.unwrap();
        sent(&client, &egress, request("/second")).await.unwrap_err();
    }
    let with_body = |path| HttpRequest::get(&base(&server.origin()), path).form("a", "b");
    sent(&client, &egress, with_body("/first")).await.unwrap();
    sent(&client, &egress, with_body("/second")).await.unwrap_err();
    assert!(server.processed().iter().all(|line| line.contains("/first")), "{:?}", server.processed());
}

#[tokio::test]
async fn neither_a_streamed_body_nor_an_upgrade_is_sent_again() {
    let server = Closing::start().await;
    let client = client();
    let egress = Egress { repeats_reads: true, ..named(&server.origin()) };
    let get = |path: &str| HttpRequest::get(&base(&server.origin()), path);
    opened(&client, &egress, get("/first")).await.unwrap();
    let body = StreamedBody::whole(Secret::from("a"));
    assert!(client.open(&egress, get("/streamed"), body).await.is_err());
    opened(&client, &egress, get("/first")).await.unwrap();
    let (_sender, body) = channel(None);
    assert!(client.upgrade(&egress, get("/socket"), body).await.is_err());
    assert!(server.processed().iter().all(|line| line.contains("/first")), "{:?}", server.processed());
    assert_eq!((server.processed().len(), server.arrived()), (2, 4), "the control: both connections were reused");
}

/// The library does not tell an answer that ended within its head from one that never began, and no caller has got a part
/// of either.
#[tokio::test]
async fn an_answer_that_ends_within_its_head_is_repeated_and_one_that_ends_within_its_body_is_not() {
    for (beginning, expected) in [
        ("HTTP/1.1 200 Told\r\ncontent-le", Ok(200)),
        ("HTTP/1.1 200 Told\r\ncontent-length: 9\r\n\r\nhalf", Err(HttpError::Protocol)),
    ] {
        let server = Closing::with(usize::MAX, beginning).await;
        let (client, egress) = (client(), named(&server.origin()));
        let get = |path: &str| HttpRequest::get(&base(&server.origin()), path);
        sent(&client, &egress, get("/first")).await.unwrap();
        assert_eq!(sent(&client, &egress, get("/second")).await, expected, "{beginning:?}");
        let processed = server.processed().iter().filter(|line| line.contains("/second")).count();
        assert_eq!(processed, usize::from(expected.is_ok()), "{beginning:?}");
    }
}

#[tokio::test]
async fn a_request_on_a_new_connection_is_sent_once_and_a_repetition_too() {
    let server = Closing::answering(0).await;
    let client = client();
    let egress = named(&server.origin());
    let get = || HttpRequest::get(&base(&server.origin()), "/");
    assert_eq!(sent(&client, &egress, get()).await, Err(HttpError::Closed));
    assert_eq!(server.arrived(), 1, "the connection was new");
    let server = Closing::answering(1).await;
    let egress = named(&server.origin());
    let get = || HttpRequest::get(&base(&server.origin()), "/");
    sent(&client, &egress, get()).await.unwrap();
    assert_eq!(sent(&client, &egress, get()).await, Err(HttpError::Closed));
    assert_eq!(server.arrived(), 3, "once on the connection that was open, and once on a new one");
}

#[tokio::test]
async fn what_spends_a_secret_goes_over_a_new_connection() {
    let server = Closing::start().await;
    let client = client();
    let egress = named(&server.origin());
    let base = base(&server.origin());
    for number in 1..=6 {
        sent(&client, &egress, HttpRequest::get(&base, "/probe")).await.unwrap();
        let request = HttpRequest::post(&base, "/token").form("refresh_token", "old");
        let outcome = client.send_once(&egress, request, None, None).await;
        assert!(matches!(outcome, SendOnceOutcome::Answered(_)), "{number}: {outcome:?}");
    }
    let tokens = server.processed().iter().filter(|line| line.contains("/token")).count();
    assert_eq!(tokens, 6);
    assert!(server.connections.load(Ordering::SeqCst) > 6);
}
