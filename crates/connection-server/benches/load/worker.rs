//! The other processes of the measurement of doors: the provider, and the clients. Each is this program once more.

use std::{
    convert::Infallible,
    future::poll_fn,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    pin::Pin,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody as _},
    http::{Uri, header},
    routing::get,
};
use http_body::{Frame, SizeHint};
use tokio::{net::TcpListener, runtime::Runtime, sync::Barrier, task::JoinSet};

use crate::client::Client;

const PROVIDER: &str = "--as-provider";
const CLIENTS: &str = "--as-clients";
const STREAM: &str = "--as-stream";
/// The bytes of a piece of a stream.
static PIECE: [u8; 64 << 10] = [b'x'; 64 << 10];

/// Does the work of another process, if these are the arguments of one.
pub(crate) fn is_one(arguments: &[String]) -> bool {
    match arguments {
        [first] if first == PROVIDER => provide(),
        [first, port, path, requests, pace, tokens] if first == CLIENTS => {
            let pace = Duration::from_millis(pace.parse().unwrap());
            request(port.parse().unwrap(), path, requests.parse().unwrap(), pace, tokens);
        }
        [first, port, path, token, bytes, direction] if first == STREAM => {
            let direction =
                [Direction::Up, Direction::Down].into_iter().find(|known| known.word() == direction).unwrap();
            let (path, token) = (path.clone(), token.clone());
            Stream { port: port.parse().unwrap(), path, token, bytes: bytes.parse().unwrap(), direction }.run();
        }
        _ => return false,
    }
    true
}

/// Starts this program once more. It ends when its input ends.
fn start(arguments: &[&str]) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    (child, input, BufReader::new(output))
}

fn line(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// The provider, which answers each request with the same kilobyte.
pub(crate) struct Provider {
    pub(crate) origin: String,
    _input: ChildStdin,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let (_, input, mut output) = start(&[PROVIDER]);
        Self { origin: format!("http://127.0.0.1:{}", line(&mut output)), _input: input }
    }
}

fn provide() {
    let runtime = Runtime::new().unwrap();
    let answer = async || ([(header::CONTENT_TYPE, "application/json")], format!("\"{}\"", "x".repeat(1022)));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let routes: Router = Router::new().route("/issues/large", get(large).put(taken)).fallback(answer);
    runtime.spawn(async move { axum::serve(listener, routes.into_make_service()).await });
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Answers with as many bytes as the query says.
async fn large(uri: Uri) -> Body {
    let bytes = uri.query().and_then(|query| query.strip_prefix("bytes=")).unwrap().parse().unwrap();
    Body::new(Pieces(bytes))
}

/// Reads a body to its end, and answers with its length.
async fn taken(body: Body) -> String {
    let mut body = body;
    let mut taken = 0;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        taken += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    taken.to_string()
}

/// A body with this number of bytes.
struct Pieces(usize);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.0.min(PIECE.len());
        self.0 -= length;
        Poll::Ready((length > 0).then(|| Ok(Frame::data(Bytes::from_static(&PIECE[..length])))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0 as u64)
    }
}

/// The direction of a body, seen from the client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

impl Direction {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A request whose body, or whose answer, has many bytes.
pub(crate) struct Stream {
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) bytes: usize,
    pub(crate) direction: Direction,
}

impl Stream {
    /// Has another process send the request and read its answer.
    pub(crate) async fn pass(self) {
        let pass = move || {
            let (port, bytes) = (self.port.to_string(), self.bytes.to_string());
            let arguments = [STREAM, &port, &self.path, &self.token, &bytes, self.direction.word()];
            let (mut child, _input, mut output) = start(&arguments);
            assert_eq!(line(&mut output), "done");
            child.wait().unwrap();
        };
        tokio::task::spawn_blocking(pass).await.unwrap();
    }

    fn run(&self) {
        let Self { port, path, token, bytes, direction } = self;
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", *port)).unwrap();
        let (method, length) = if *direction == Direction::Up { ("PUT", *bytes) } else { ("GET", 0) };
        let head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {token}\r\n");
        write!(stream, "{head}connection: close\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n")
            .unwrap();
        let mut left = length;
        while left > 0 {
            let piece = &PIECE[..left.min(PIECE.len())];
            stream.write_all(piece).unwrap();
            left -= piece.len();
        }
        let mut answered = 0;
        let mut last = Vec::new();
        let mut piece = vec![0; PIECE.len()];
        loop {
            let read = stream.read(&mut piece).unwrap();
            if read == 0 {
                break;
            }
            answered += read;
            last = piece[..read].to_vec();
        }
        match direction {
            Direction::Up => {
                assert!(last.ends_with(bytes.to_string().as_bytes()), "{}", String::from_utf8_lossy(&last))
            }
            Direction::Down => assert!(answered > *bytes, "{answered} bytes: {}", String::from_utf8_lossy(&last)),
        }
        println!("done");
    }
}

/// Clients that keep their connections, and send their requests on demand.
pub(crate) struct Clients(Arc<Mutex<(ChildStdin, BufReader<ChildStdout>)>>);

impl Clients {
    /// Starts a client for each token. Together, they send that many requests at a time, and each of them sends the next
    /// one no sooner than `pace` after the one before.
    pub(crate) fn start(port: u16, path: &str, tokens: &[String], requests: usize, pace: Duration) -> Self {
        let (port, requests, pace) = (port.to_string(), requests.to_string(), pace.as_millis().to_string());
        let (_, input, mut output) = start(&[CLIENTS, &port, path, &requests, &pace, &tokens.join(",")]);
        assert_eq!(line(&mut output), "ready");
        Self(Arc::new(Mutex::new((input, output))))
    }

    /// Has the requests sent, and waits until all of them are answered.
    pub(crate) async fn run(&self) {
        let clients = self.0.clone();
        let run = move || {
            let mut clients = clients.lock().unwrap();
            clients.0.write_all(b"go\n").unwrap();
            assert_eq!(line(&mut clients.1), "done");
        };
        tokio::task::spawn_blocking(run).await.unwrap();
    }
}

fn request(port: u16, path: &str, requests: usize, pace: Duration, tokens: &str) {
    let runtime = Runtime::new().unwrap();
    let mut clients = Vec::new();
    for token in tokens.split(',') {
        clients.push(runtime.block_on(Client::connect(port, path, token)));
    }
    println!("ready");
    for _ in std::io::stdin().lines() {
        let each = requests.div_ceil(clients.len());
        let barrier = Arc::new(Barrier::new(clients.len()));
        let mut running = JoinSet::new();
        for mut client in clients.drain(..) {
            let barrier = barrier.clone();
            let work = async move {
                barrier.wait().await;
                let mut paced = tokio::time::interval(pace.max(Duration::from_millis(1)));
                for _ in 0..each {
                    if !pace.is_zero() {
                        paced.tick().await;
                    }
                    client.get().await;
                }
                client
            };
            running.spawn_on(work, runtime.handle());
        }
        clients = runtime.block_on(running.join_all());
        println!("done");
    }
}
