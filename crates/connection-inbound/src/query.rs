//! A strict parser for the query of a callback, which refuses anything that two parsers could read differently.

use connection_contract::{Secret, encode};

const MAX_BYTES: usize = 8 << 10;
const MAX_PARAMETERS: usize = 32;

/// The reason why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The query has a broken escape or bytes that are not text.
    Encoding,
    /// The query is longer than any provider's.
    TooLong,
}

/// Returns the decoded parameters in order (WHATWG URL, section 5.1, without its leniency).
pub(crate) fn parameters(query: &str) -> Result<Vec<(String, Secret)>, Malformed> {
    if query.len() > MAX_BYTES {
        return Err(Malformed::TooLong);
    }
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs: Vec<_> = parts.map(pair).collect::<Option<_>>().ok_or(Malformed::Encoding)?;
    if pairs.len() > MAX_PARAMETERS { Err(Malformed::TooLong) } else { Ok(pairs) }
}

fn pair(part: &str) -> Option<(String, Secret)> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let decoded = |text: &str| encode::from_percent(&text.replace('+', " ")).filter(|text| !text.contains('\0'));
    Some((decoded(name)?, Secret::from(decoded(value)?)))
}
