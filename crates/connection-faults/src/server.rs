//! A small HTTP/1.1 server on loopback for tests. It records every request and sends the configured bytes unchanged.

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

/// The server's response to a request.
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
    /// Sends this number of mebibytes while the client reads them, and then closes the connection.
    Flood(usize),
}

impl Reply {
    /// Sends these bytes and closes the connection.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), then: Then::Close }
    }

    /// Sends a complete response with a `content-length` and keeps the connection open.
    ///
    /// Each of the `headers` ends with `\r\n`.
    pub fn whole(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!("HTTP/1.1 {status} Told\r\n{headers}content-length: {length}\r\n\r\n{body}");
        Self { bytes: text.into(), then: Then::Keep }
    }

    /// Sends a complete response with status 200 and this body.
    pub fn ok(body: &str) -> Self {
        Self::whole(200, "", body)
    }

    /// Sends a redirect to `location`.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::whole(status, &format!("location: {location}\r\n"), "")
    }

    /// Sends nothing and keeps the connection open.
    pub fn silence() -> Self {
        Self { bytes: Vec::new(), then: Then::Keep }
    }

    /// Sends these bytes and then nothing, and keeps the connection open.
    pub fn silence_after(bytes: &str) -> Self {
        Self { bytes: bytes.into(), then: Then::Keep }
    }

    /// Sends these bytes and then this number of mebibytes.
    pub fn flood(head: &str, mebibytes: usize) -> Self {
        Self { bytes: head.into(), then: Then::Flood(mebibytes) }
    }
}

#[derive(Clone, Debug, Default)]
struct Received {
    requests: Arc<Mutex<Vec<String>>>,
    count: Arc<watch::Sender<usize>>,
    /// Number of mebibytes that floods have written to clients.
    flooded: Arc<watch::Sender<usize>>,
}

/// A running server, which stops when this value is dropped.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    seen: Received,
    _tasks: JoinSet<()>,
}

impl TestServer {
    /// Starts a server that answers each request with the result of `reply`, which receives head and body as one text.
    pub async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let seen = Received::default();
        let reply = Arc::new(reply);
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

    /// Returns the origin of the server, such as `http://127.0.0.1:1234`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the port on which the server listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the requests that were answered so far, each with head and body.
    pub fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the server has received at least this number of requests.
    pub async fn until_asked(&self, requests: usize) {
        drop(self.seen.count.subscribe().wait_for(|count| *count >= requests).await.expect("the server counts"));
    }

    /// Returns the number of mebibytes that floods have written to clients.
    pub fn flooded(&self) -> usize {
        *self.seen.flooded.borrow()
    }
}

async fn serve(mut stream: TcpStream, reply: Arc<impl Fn(&str) -> Reply>, seen: Received) {
    let mut received = Vec::new();
    while let Some(request) = request(&mut stream, &mut received).await {
        let Reply { bytes, then } = reply(&request);
        seen.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        seen.count.send_modify(|count| *count += 1);
        // Some tests close the connection early, so a failed write only ends this connection.
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
