//! A small HTTP/1.1 server on loopback for tests. It records every request and sends the configured bytes
//! unchanged.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// What the server does with a request.
#[derive(Debug)]
pub struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Debug)]
enum Then {
    Close,
    /// Waits for the next request on the same connection.
    Keep,
    /// Sends this number of mebibytes, while the client reads them.
    Flood(usize),
}

impl Reply {
    /// These bytes, then the end of the connection.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), then: Then::Close }
    }
    /// A whole answer; the connection stays open.
    pub fn whole(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!("HTTP/1.1 {status} Told\r\n{headers}content-length: {length}\r\n\r\n{body}");
        Self { bytes: text.into(), then: Then::Keep }
    }
    /// `200` with a body.
    pub fn ok(body: &str) -> Self {
        Self::whole(200, "", body)
    }
    /// An answer that leads elsewhere.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::whole(status, &format!("location: {location}\r\n"), "")
    }
    /// Nothing, for ever.
    pub fn silence() -> Self {
        Self { bytes: Vec::new(), then: Then::Keep }
    }
    /// These bytes, then nothing, for ever.
    pub fn silence_after(bytes: &str) -> Self {
        Self { bytes: bytes.into(), then: Then::Keep }
    }
    /// These bytes, then so many mebibytes.
    pub fn flood(head: &str, mebibytes: usize) -> Self {
        Self { bytes: head.into(), then: Then::Flood(mebibytes) }
    }
}

#[derive(Clone, Debug, Default)]
struct Seen {
    requests: Arc<Mutex<Vec<String>>>,
    count: Arc<watch::Sender<usize>>,
    /// The mebibytes of floods that clients have read.
    flooded: Arc<watch::Sender<usize>>,
}

/// Serves until it is dropped.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    seen: Seen,
    _tasks: JoinSet<()>,
}

impl TestServer {
    /// Starts a server that answers each request with the result of `reply`, which gets head and body as one text.
    pub async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (seen, reply) = (Seen::default(), Arc::new(reply));
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let seen = seen.clone();
            async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(serve(stream, Arc::clone(&reply), seen.clone()));
                }
            }
        });
        Self { address, seen, _tasks: tasks }
    }
    /// `http://127.0.0.1:1234`
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
    /// What came so far.
    pub fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Resolves when so many requests came.
    pub async fn until_asked(&self, requests: usize) {
        drop(self.seen.count.subscribe().wait_for(|count| *count >= requests).await.expect("the server counts"));
    }
    /// How many mebibytes of floods were taken.
    pub fn flooded(&self) -> usize {
        *self.seen.flooded.borrow()
    }
}

async fn serve(mut stream: TcpStream, reply: Arc<impl Fn(&str) -> Reply>, seen: Seen) {
    let mut received = Vec::new();
    while let Some(request) = request(&mut stream, &mut received).await {
        let Reply { bytes, then } = reply(&request);
        seen.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        seen.count.send_modify(|count| *count += 1);
        // Some tests close the connection early.
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
        match then {
            Then::Keep => {}
            Then::Close => return,
            Then::Flood(mebibytes) => {
                let mebibyte = vec![b'x'; 1024 * 1024];
                for _ in 0..mebibytes {
                    if stream.write_all(&mebibyte).await.is_err() {
                        return;
                    }
                    seen.flooded.send_modify(|count| *count += 1);
                }
                return;
            }
        }
    }
}

async fn request(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<String> {
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                received.clear();
                return Some(text);
            }
        }
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        received.extend_from_slice(piece.get(..read)?);
    }
}
