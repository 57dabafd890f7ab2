//! The addresses to which a browser returns with a code.

use axum::http::{Uri, uri::Scheme};
use connection_contract::encode;

/// The maximum length of an address in bytes.
const MAX_LENGTH: usize = 2048;

/// An address of a client: `https`, or `http` on this machine. It has no fragment and names no user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RedirectAddress {
    text: String,
    is_secure: bool,
    host: String,
    port: Option<u16>,
    path_and_query: String,
}

impl RedirectAddress {
    /// Reads an address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH || text.contains(['#', '@', '\\']) {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let host = uri.host().filter(|host| !host.is_empty())?;
        let port = uri.port_u16();
        // Nothing else stands before the path, so that a browser reads the same host and port.
        let authority = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        let address = Self {
            text: text.to_owned(),
            is_secure,
            host: host.to_ascii_lowercase(),
            port,
            path_and_query: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        };
        let is_allowed = is_secure || uri.scheme() == Some(&Scheme::HTTP) && address.is_local();
        (is_allowed && uri.authority()?.as_str() == authority).then_some(address)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns `true` if the host is the machine of the browser.
    pub(super) fn is_local(&self) -> bool {
        matches!(&*self.host, "127.0.0.1" | "[::1]" | "localhost")
    }

    /// Returns the host without its port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the host as a person reads it, with its port.
    pub(super) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Returns `true` if a client that stated `stated` may use this address. On this machine, the port may be another
    /// one, because a program takes whichever is free (RFC 8252, section 7.3).
    pub(super) fn is_stated(&self, stated: &Self) -> bool {
        let parts = |of: &Self| (of.is_secure, of.host.clone(), of.path_and_query.clone());
        parts(self) == parts(stated) && (self.is_local() || self.port == stated.port)
    }

    /// Returns the address with these parameters after those that it has.
    pub(super) fn with<'a>(&self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let separator = if self.text.contains('?') { '&' } else { '?' };
        format!("{}{separator}{}", self.text, encode::form(parameters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_secure_or_on_this_machine() {
        for text in ["https://app.example/cb", "http://127.0.0.1:8080/cb", "http://localhost/cb?a=b", "http://[::1]:1/"]
        {
            assert_eq!(RedirectAddress::parse(text).map(|address| address.text).as_deref(), Some(text));
        }
        for text in [
            "http://app.example/cb",
            "https://user@app.example/",
            "https://app.example/#a",
            "javascript:alert(1)",
            "cursor://cb",
            "/cb",
            "https://",
            "",
            "http://127.0.0.1.example/",
            "https://app.example\\@evil.example/",
            "http://localhost\n.example/",
            "data:text/html,x",
            "http://[::1].evil.example/",
            "http://127.0.0.1:080/a",
            "http://127.0.0.1:/a",
            "https://app.example:99999/",
            "https://app.example:443x/",
        ] {
            assert_eq!(RedirectAddress::parse(text), None, "{text}");
        }
        assert_eq!(RedirectAddress::parse(&format!("https://app.example/{}", "a".repeat(MAX_LENGTH))), None);
    }

    #[test]
    fn a_program_on_this_machine_takes_any_port() {
        let address = |text| RedirectAddress::parse(text).unwrap();
        let stated = address("http://127.0.0.1/cb");
        assert!(address("http://127.0.0.1:4711/cb").is_stated(&stated));
        for other in ["http://127.0.0.1:4711/other", "http://localhost:4711/cb", "http://127.0.0.1/cb?x=1"] {
            assert!(!address(other).is_stated(&stated), "{other}");
        }
        let remote = address("https://app.example/cb");
        assert!(remote.is_stated(&remote) && !address("https://app.example:8443/cb").is_stated(&remote));
        assert!(address("http://[::1]:1").is_stated(&address("http://[::1]/")));
        assert_eq!(address("https://a.example/?x=1").with([("code", "a b")]), "https://a.example/?x=1&code=a%20b");
        assert_eq!(address("http://localhost:1/cb").authority(), "localhost:1");
    }
}
