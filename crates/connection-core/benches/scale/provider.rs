//! A provider on loopback, on a separate thread. It answers at once, or after ten milliseconds for `/slow` and
//! `/token`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    task::JoinSet,
};

const DELAY: Duration = Duration::from_millis(10);

/// A provider that answers until the program ends.
pub(crate) struct Provider {
    pub(crate) origin: String,
    tokens: Arc<AtomicUsize>,
}

impl Provider {
    /// Returns the number of tokens that were requested.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens.load(SeqCst)
    }
}

pub(crate) fn start() -> Provider {
    let (sender, address) = mpsc::channel();
    let tokens = Arc::new(AtomicUsize::new(0));
    let counted = tokens.clone();
    thread::spawn(move || {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, counted.clone()));
            }
        });
    });
    Provider { origin: format!("http://{}", address.recv().unwrap()), tokens }
}

async fn serve(mut stream: TcpStream, tokens: Arc<AtomicUsize>) -> Option<()> {
    let mut received = Vec::new();
    loop {
        let (request, length) = loop {
            if let Some(found) = whole(&received) {
                break found;
            }
            stream.read_buf(&mut received).await.ok().filter(|read| *read > 0)?;
        };
        received.drain(..length);
        // The id in `key-ID`, or in `key-ID.NUMBER` after a refresh.
        let id = request.split("key-").nth(1)?.split(['.', '\r']).next()?.to_owned();
        let body = match request.starts_with("POST /token") {
            true => format!(r#"{{"key":"key-{id}.{}"}}"#, tokens.fetch_add(1, SeqCst)),
            false => format!(r#"{{"id":"{id}"}}"#),
        };
        if !request.starts_with("GET /now") {
            tokio::time::sleep(DELAY).await;
        }
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// Returns the first request and its length in bytes, once it is complete.
fn whole(received: &[u8]) -> Option<(String, usize)> {
    let text = str::from_utf8(received).ok()?;
    let head = text.find("\r\n\r\n")? + 4;
    let named = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok();
    let length = head + text[..head].lines().find_map(named).unwrap_or(0);
    Some((text.get(..length)?.to_owned(), length))
}
