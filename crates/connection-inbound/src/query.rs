//! The parser for the query of a callback, which reads it as browsers do.

use connection_contract::{Secret, encode};

const MAX_BYTES: usize = 32 << 10;
const MAX_PARAMETERS: usize = 1000;

/// Returns the decoded parameters in order (WHATWG URL, section 5.1), or `None` if the query is longer than any provider's.
///
/// A value may be no text, because a provider may add parameters that nobody reads. A parameter whose name is no text is left
/// out.
pub(crate) fn parameters(query: &str) -> Option<Vec<(String, Secret)>> {
    let parts = || query.split('&').filter(|part| !part.is_empty());
    if query.len() > MAX_BYTES || parts().count() > MAX_PARAMETERS {
        return None;
    }
    Some(parts().filter_map(pair).collect())
}

fn pair(part: &str) -> Option<(String, Secret)> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let decoded = |text: &str| encode::unescape_any(text.as_bytes());
    Some((String::from_utf8(decoded(name)).ok()?, Secret::new(decoded(value))))
}
