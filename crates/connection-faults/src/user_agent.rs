//! A browser without a screen: follows redirects on loopback with its cookies, until it is sent to somebody else.

use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// More redirects than that lead nowhere.
const MOST_HOPS: usize = 20;

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// `200`
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As text.
    pub body: String,
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Its cookies, by name; paths are not told apart.
#[derive(Debug, Default)]
pub struct UserAgent {
    cookies: BTreeMap<String, String>,
}

impl UserAgent {
    /// One that has been nowhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes to an address, and on from there while it is sent on within the same server; where it is sent after that, or the
    /// last address when it stays.
    ///
    /// # Errors
    ///
    /// A server does not answer, or sends it round and round.
    pub fn follow(&mut self, url: &str) -> io::Result<String> {
        let home = split(url)?.0.to_owned();
        let mut url = url.to_owned();
        for _ in 0..MOST_HOPS {
            let answer = self.get(&url)?;
            let Some(location) = answer.header("location").filter(|_| (300..400).contains(&answer.status)) else {
                return Ok(url);
            };
            url = if location.starts_with('/') { format!("http://{home}{location}") } else { location.to_owned() };
            if split(&url).map_or(true, |(host, _)| host != home) {
                return Ok(url);
            }
        }
        Err(io::Error::other("it is sent round and round"))
    }

    /// Asks for a page, with its cookies.
    ///
    /// # Errors
    ///
    /// No answer, or none that is HTTP.
    pub fn get(&mut self, url: &str) -> io::Result<Answer> {
        self.request("GET", url, "", "")
    }

    /// Sends a form, with further headers, each with its line end.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn post(&mut self, url: &str, headers: &str, form: &str) -> io::Result<Answer> {
        let length = form.len();
        let form_headers =
            format!("content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n{headers}");
        self.request("POST", url, &form_headers, form)
    }

    fn request(&mut self, method: &str, url: &str, headers: &str, body: &str) -> io::Result<Answer> {
        let (host, path) = split(url)?;
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if cookies.is_empty() { String::new() } else { format!("cookie: {}\r\n", cookies.join("; ")) };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\naccept: */*\r\n{headers}{cookies}connection: close\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(host)?;
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

/// Host with port, and path with query.
fn split(url: &str) -> io::Result<(&str, &str)> {
    let rest = url.strip_prefix("http://").ok_or_else(|| io::Error::other("only loopback is reached, in the clear"))?;
    Ok(match rest.find(['/', '?']) {
        Some(at) if rest[at..].starts_with('/') => rest.split_at(at),
        _ => (rest, "/"),
    })
}
