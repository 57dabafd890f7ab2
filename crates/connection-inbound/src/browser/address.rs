//! Normalization of an address, so that only a browser gives any of it a meaning.

use std::fmt::Write as _;

use url::Url;

use crate::public_url::is_loopback;

const MAX_LENGTH: usize = 8 << 10;

/// Returns the address in letters, digits and the few other characters that addresses need, the rest as `%XX`.
///
/// Returns `None` for an address that must not be opened.
pub(super) fn normalized(text: &str) -> Option<String> {
    // The URL parser ignores these, but later readers may not (WHATWG URL, section 4.4).
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if text.len() > MAX_LENGTH || text.chars().any(odd) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let opened = match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(&url) || url.host_str() == Some("localhost"),
        _ => false,
    };
    if !opened || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let mut out = String::with_capacity(url.as_str().len());
    for byte in url.as_str().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(byte.into()),
            b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'#' | b'[' | b']' | b'@' | b'&' | b'=' | b'+' | b','
            | b'%' => {
                out.push(byte.into());
            }
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    Some(out)
}
