//! Letter case, percent-encoding and names: the comparisons on which reading and matching are built.

use std::borrow::Cow;

/// The problem with a percent-encoded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EscapeFault {
    /// A `%` without two hexadecimal digits.
    Incomplete,
    /// The decoded bytes are not UTF-8. UTF-8 has no overlong forms, so this includes them.
    NotUtf8,
}

/// Decodes the escapes of a text once.
pub(crate) fn decode(text: &str, is_plus_a_space: bool) -> Result<Cow<'_, str>, EscapeFault> {
    let is_changed = |c| c == '%' || (c == '+' && is_plus_a_space);
    if !text.contains(is_changed) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let (high, low) = (rest.next().and_then(digit), rest.next().and_then(digit));
                let (Some(high), Some(low)) = (high, low) else { return Err(EscapeFault::Incomplete) };
                bytes.push(high * 16 + low);
            }
            b'+' if is_plus_a_space => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| EscapeFault::NotUtf8)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Percent-encodes every byte of a text for which `is_plain` is false.
pub(crate) fn encode(text: &str, is_plain: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte != b'%' && byte.is_ascii() && is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Returns `true` for the characters that stay as they are in a segment that we write.
pub(crate) fn is_plain_in_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

/// Returns `true` for the characters that stay as they are in a parameter that we write.
pub(crate) fn is_plain_in_parameter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Returns the text without a difference of letter case.
///
/// Characters that only some systems treat as a letter of another case, such as the Kelvin sign, become that letter.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect())
}

/// Returns `true` if two texts differ at most in letter case.
pub(crate) fn is_same_folded(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || (!(left.is_ascii() && right.is_ascii()) && fold(left) == fold(right))
}

/// Returns the name of a header or parameter as lenient systems compare it.
///
/// Gateways for CGI pass `-` and `_` as the same character, and PHP replaces `.` and a space by `_` and takes
/// `name[]` for `name`.
pub(crate) fn lenient_name(name: &str) -> String {
    let name = name.split('[').next().unwrap_or_default().trim();
    fold(name).chars().map(|c| if matches!(c, '-' | '.' | ' ') { '_' } else { c }).collect()
}

/// Returns `true` if a text is a token of HTTP (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
