//! A reader of HTTP/1.1 requests, as far as the responses need them.

use std::io::{self, BufRead as _, BufReader, Read};

/// Maximum size of a request. The program's requests are much smaller.
const MAX_BYTES: u64 = 1 << 20;

/// A request that the program sends to the stand-in for a provider.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path, without its query.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// Returns the value of a header. Names are compared without case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Creates a request for a test of the responses.
    #[cfg(test)]
    pub(crate) fn new(method: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { method: method.to_owned(), path: path.to_owned(), headers }
    }
}

/// Reads a request with its body, which is discarded.
pub(crate) fn read(stream: &mut impl Read) -> io::Result<Request> {
    let mut reader = BufReader::new(stream.take(MAX_BYTES));
    let mut request = Request::default();
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    request.method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    request.path = target.split_once('?').map_or(target, |(path, _)| path).to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        request.headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    io::copy(&mut reader.take(length), &mut io::sink())?;
    Ok(request)
}
