//! An HTTP server on loopback for tests, which answers with a closure and records the requests. It needs no runtime.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path, with the query.
    pub path: String,
    /// The headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
}

/// A server, which ends with the process of the test.
#[derive(Clone, Debug)]
pub struct Double {
    origin: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Double {
    /// Starts a server on a free port. `answer` gets the origin of the server, and returns the closure that answers each
    /// request with a status, further lines of the head, and a body.
    ///
    /// # Panics
    ///
    /// Panics if no port can be bound.
    pub fn start<F, B>(answer: impl FnOnce(&str) -> F) -> Self
    where
        F: Fn(&Seen) -> (u16, String, B) + Send + Sync + 'static,
        B: AsRef<[u8]>,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let origin = format!("http://{}", listener.local_addr().expect("a listener has an address"));
        let answer = Arc::new(answer(&origin));
        let double = Self { origin, seen: Arc::default() };
        let serving = double.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (serving, answer) = (serving.clone(), answer.clone());
                // A client that hangs up does not affect the others.
                thread::spawn(move || serving.serve(stream, &*answer).unwrap_or_default());
            }
        });
        double
    }

    /// Returns the origin of the server, such as `http://127.0.0.1:1234`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the requests since the last call, and forgets them.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn serve<B: AsRef<[u8]>>(&self, stream: TcpStream, answer: &impl Fn(&Seen) -> (u16, String, B)) -> io::Result<()> {
        let Some((seen, stream)) = read(stream)? else { return Ok(()) };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen.clone());
        let (status, headers, body) = answer(&seen);
        write(stream, status, &headers, body)
    }
}

/// Reads a request, and returns it with the stream for the answer; `None` if the client sends none.
///
/// # Errors
///
/// The client closed the connection before the end of the request.
pub fn read(stream: TcpStream) -> io::Result<Option<(Seen, TcpStream)>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some((Seen { method, path, headers, body }, reader.into_inner())))
}

/// Writes an answer, after which the connection is closed.
///
/// # Errors
///
/// The client closed the connection.
pub fn write(mut stream: TcpStream, status: u16, more: &str, body: impl AsRef<[u8]>) -> io::Result<()> {
    let body = body.as_ref();
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} Told\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n")?;
    stream.write_all(body)?;
    stream.flush()
}
