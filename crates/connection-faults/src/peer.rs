//! A server on loopback whose side of each connection a test plays by hand, piece by piece.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server that waits for connections.
#[derive(Debug)]
pub struct PeerServer(TcpListener);

impl PeerServer {
    /// Starts a server.
    pub async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port"))
    }

    /// Returns the origin of the server, such as `http://127.0.0.1:1234`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("a listener has an address"))
    }

    /// Waits for the next connection.
    pub async fn accept(&self) -> Peer {
        let (stream, _) = self.0.accept().await.expect("the listener works");
        Peer { stream, received: Vec::new() }
    }
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    /// What was received and not read yet.
    received: Vec<u8>,
}

impl Peer {
    /// Reads the head of a request.
    pub async fn head(&mut self) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.received);
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let head = head.to_owned();
                self.received.drain(..head.len() + 4);
                return head;
            }
            assert!(self.receive().await, "the connection was closed in the head of a request");
        }
    }

    /// Reads exactly this number of bytes.
    pub async fn bytes(&mut self, length: usize) -> Vec<u8> {
        while self.received.len() < length {
            assert!(self.receive().await, "the connection was closed before {length} bytes");
        }
        self.received.drain(..length).collect()
    }

    /// Reads the next piece of a body in chunks; empty for the last one.
    pub async fn chunk(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.bytes(1).await);
        }
        let line = String::from_utf8(line).expect("the length of a chunk is text");
        let length = usize::from_str_radix(line.trim_end(), 16).expect("a chunk has a length");
        let chunk = self.bytes(length).await;
        assert_eq!(self.bytes(2).await, b"\r\n");
        chunk
    }

    /// Reads a whole body in chunks.
    pub async fn chunks(&mut self) -> Vec<u8> {
        let mut whole = Vec::new();
        loop {
            match self.chunk().await {
                end if end.is_empty() => return whole,
                chunk => whole.extend(chunk),
            }
        }
    }

    /// Writes these bytes.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the client reads");
    }

    /// Answers with this status and body. The client does not send its next request on the same connection.
    pub async fn answer(&mut self, status: u16, body: &str) {
        let length = body.len();
        self.write(format!("HTTP/1.1 {status} Told\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"))
            .await;
    }

    /// Begins an answer in chunks.
    pub async fn begin(&mut self, status: u16, headers: &str) {
        self.write(format!("HTTP/1.1 {status} Told\r\n{headers}transfer-encoding: chunked\r\n\r\n")).await;
    }

    /// Writes the next piece of an answer in chunks; the end if it is empty.
    pub async fn piece(&mut self, piece: &str) {
        self.write(format!("{:x}\r\n{piece}\r\n", piece.len())).await;
    }

    /// Reads until the client closes the connection, and returns the number of bytes.
    pub async fn until_closed(&mut self) -> usize {
        let mut count = 0;
        loop {
            count += self.received.len();
            self.received.clear();
            if !self.receive().await {
                return count;
            }
        }
    }

    /// Reads what comes next. Returns `false` if the client closed the connection.
    async fn receive(&mut self) -> bool {
        let mut piece = vec![0; 64 * 1024];
        let read = self.stream.read(&mut piece).await.unwrap_or(0);
        self.received.extend_from_slice(piece.get(..read).unwrap_or_default());
        read > 0
    }
}
