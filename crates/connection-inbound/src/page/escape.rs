//! Escaping of text for HTML.

use std::fmt::Write as _;

/// Escapes every character with a meaning in HTML, so that the text can stand in an element or a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' | '`' | '=' | '/' => _ = write!(out, "&#{};", u32::from(c)),
            _ => out.push(c),
        }
    }
    out
}
