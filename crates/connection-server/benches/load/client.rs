//! A client that keeps its connection and reads each answer to its end.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection for repeated requests to one path.
pub(crate) struct Client {
    stream: TcpStream,
    request: String,
    received: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(port: u16, path: &str, token: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {token}\r\n\r\n");
        Self { stream, request, received: Vec::new() }
    }

    /// Sends the request, and returns the body of the answer, which must be a success.
    pub(crate) async fn get(&mut self) -> Vec<u8> {
        self.stream.write_all(self.request.as_bytes()).await.unwrap();
        loop {
            if let Some((head, length)) = whole(&self.received) {
                assert!(self.received.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&self.received));
                let rest = self.received.split_off(head + length);
                let body = self.received.split_off(head);
                self.received = rest;
                return body;
            }
            assert!(self.stream.read_buf(&mut self.received).await.unwrap() > 0, "the server closed the connection");
        }
    }

    /// Sends the request, and waits until the answer, which does not end, contains a text.
    pub(crate) async fn listen(mut self, text: &str) -> Self {
        self.stream.write_all(self.request.as_bytes()).await.unwrap();
        self.hears(text).await;
        self
    }

    /// Waits until the rest of an answer that does not end contains a text, and forgets the answer up to it.
    pub(crate) async fn hears(&mut self, text: &str) {
        loop {
            let found = self.received.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                self.received.drain(..at + text.len());
                return;
            }
            assert!(self.stream.read_buf(&mut self.received).await.unwrap() > 0, "the server ended the stream");
        }
    }
}

/// Returns the lengths of the head and of the body once the answer has arrived.
fn whole(received: &[u8]) -> Option<(usize, usize)> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = str::from_utf8(&received[..head]).ok()?.to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    (received.len() >= head + length).then_some((head, length))
}
