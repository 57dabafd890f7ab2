//! Text as text.

use std::fmt::Write as _;

/// With every character that means something in HTML as a reference, so that it may stand in an element or a quoted
/// attribute.
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
