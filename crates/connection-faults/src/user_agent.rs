//! A small HTTP client that acts as a browser: it keeps cookies, and follows redirects within one server on loopback.

use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Maximum number of redirects to follow.
const MAX_HOPS: usize = 20;

/// A response of a server, which may be a redirect.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status, such as 200.
    pub status: u16,
    /// The headers, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body of the answer, as text.
    pub body: String,
}

impl Answer {
    /// Returns the value of the first header with this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// A client with its cookies, which are kept by name alone: hosts and paths are not distinguished.
#[derive(Debug, Default)]
pub struct UserAgent {
    cookies: BTreeMap<String, String>,
    /// Hosts that are reached at an address of this machine, with `https` in their addresses.
    hosts: BTreeMap<String, SocketAddr>,
}

impl UserAgent {
    /// Creates a client without cookies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reaches `host` at an address of this machine, in the clear, as if a proxy with TLS were before it.
    #[must_use]
    pub fn with_host(mut self, host: &str, address: SocketAddr) -> Self {
        self.hosts.insert(host.to_owned(), address);
        self
    }

    /// Requests an address and follows redirects while they stay on the same host, as a person does who agrees to
    /// continue where a page asks. Returns the first address on another host, or else the address of the last page.
    ///
    /// # Errors
    ///
    /// Returns an error if a server does not answer, or after too many redirects.
    pub fn follow(&mut self, url: &str) -> io::Result<String> {
        let home = origin(url)?.to_owned();
        let mut url = url.to_owned();
        for _ in 0..MAX_HOPS {
            let answer = self.get(&url)?;
            let answer = match question(&answer.body) {
                Some(query) => self.agree(&url, query)?,
                None => answer,
            };
            let Some(location) = answer.header("location").filter(|_| (300..400).contains(&answer.status)) else {
                return Ok(url);
            };
            url = if location.starts_with('/') { format!("{home}{location}") } else { location.to_owned() };
            if origin(&url).map_or(true, |origin| origin != home) {
                return Ok(url);
            }
        }
        Err(io::Error::other("it is sent round and round"))
    }

    /// Presses the button of a page that asks, whose form leads to `query` at the same address.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`get`](Self::get).
    pub fn agree(&mut self, url: &str, query: &str) -> io::Result<Answer> {
        let origin = origin(url)?.to_owned();
        self.post(&format!("{url}{query}"), &format!("origin: {origin}\r\n"), "")
    }

    /// Sends a `GET` request with the cookies.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no response, or if the response is not HTTP.
    pub fn get(&mut self, url: &str) -> io::Result<Answer> {
        self.request("GET", url, "", "")
    }

    /// Sends a form with the cookies and further headers, each of which ends with `\r\n`.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`get`](Self::get).
    pub fn post(&mut self, url: &str, headers: &str, form: &str) -> io::Result<Answer> {
        let length = form.len();
        let form_headers =
            format!("content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n{headers}");
        self.request("POST", url, &form_headers, form)
    }

    fn request(&mut self, method: &str, url: &str, headers: &str, body: &str) -> io::Result<Answer> {
        let (host, path) = split(url)?;
        let known = self.hosts.get(host).copied();
        if known.is_none() && !url.starts_with("http://") {
            return Err(io::Error::other("only loopback is reached, in the clear"));
        }
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if cookies.is_empty() { String::new() } else { format!("cookie: {}\r\n", cookies.join("; ")) };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\naccept: */*\r\n{headers}{cookies}connection: close\r\n\r\n{body}"
        );
        let mut stream = known.map_or_else(|| TcpStream::connect(host), TcpStream::connect)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("the answer is not HTTP"))?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let pairs = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let headers: Vec<_> = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = status.ok_or_else(|| io::Error::other("the answer is not HTTP"))?;
        Ok(Answer { status, headers, body: body.to_owned() })
    }
}

/// Returns the query with which the button of a page agrees to continue, or `None` for a page that asks nothing.
pub fn question(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<form method=\"post\" action=\"")?;
    rest.split('"').next().filter(|query| query.starts_with("?answer="))
}

/// Returns the scheme and the host of an address, with its port.
fn origin(url: &str) -> io::Result<&str> {
    let host = split(url)?.0;
    let length = url.find("://").map_or(0, |at| at + 3) + host.len();
    url.get(..length).ok_or_else(|| io::Error::other("the address has no host"))
}

/// Splits an address into the host with its port, and the path with its query.
fn split(url: &str) -> io::Result<(&str, &str)> {
    let rest = url.split_once("://").ok_or_else(|| io::Error::other("the address has no scheme"))?.1;
    Ok(match rest.find(['/', '?']) {
        Some(at) if rest[at..].starts_with('/') => rest.split_at(at),
        _ => (rest, "/"),
    })
}
