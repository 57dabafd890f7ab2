//! Addresses of the reverse door in the headers of an answer. They are written back as those of the provider, so that
//! the program follows them through this door again.

use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue, LINK, LOCATION},
};

/// The addresses of one connection at the reverse door.
#[derive(Debug)]
pub(crate) struct Links {
    /// The address of the doors with the name of the connection, up to and including the `@`.
    before: String,
    /// The authorities of the connection's origins, as the origins have them.
    authorities: Vec<String>,
}

impl Links {
    pub(crate) fn new(before: String, authorities: Vec<String>) -> Self {
        Self { before, authorities }
    }

    /// Writes the addresses in `Location` and `Link` back.
    pub(crate) fn write_back(&self, headers: &mut HeaderMap) {
        replace(headers, &LOCATION, |value| self.original(value));
        replace(headers, &LINK, |value| Some(self.all(value)));
    }

    /// Returns the address at the provider, or `None` for one that is not of this connection at the reverse door.
    fn original(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(&self.before)?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        self.authorities.iter().any(|ours| ours == authority).then(|| format!("https://{authority}{path}"))
    }

    /// Writes each address in a header `Link` back (RFC 8288, section 3).
    fn all(&self, value: &str) -> String {
        let mut written = String::with_capacity(value.len());
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('<') {
            let Some((url, after)) = after.split_once('>') else { break };
            let url = self.original(url).unwrap_or_else(|| url.to_owned());
            written.extend([before, "<", &url, ">"]);
            rest = after;
        }
        written + rest
    }
}

fn replace(headers: &mut HeaderMap, name: &HeaderName, change: impl Fn(&str) -> Option<String>) {
    for (_, value) in headers.iter_mut().filter(|(found, _)| *found == name) {
        let changed = value.to_str().ok().and_then(&change).and_then(|value| HeaderValue::from_str(&value).ok());
        if let Some(changed) = changed {
            *value = changed;
        }
    }
}
