//! Base64, hexadecimal, percent and form encoding, for the formats that providers use.
//!
//! Decoders accept what the standards allow and nothing else. They return `None` if the input has another form.

use alloc::{string::String, vec::Vec};
use core::fmt::Write;

use crate::Value;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Encodes bytes as base64 with padding (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    encode(bytes, STANDARD, true)
}

/// Encodes bytes as URL-safe base64 without padding (RFC 4648, section 5).
pub fn base64url(bytes: &[u8]) -> String {
    encode(bytes, URL_SAFE, false)
}

/// Decodes base64 with padding. Returns `None` if the text is not valid.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    decode(digits, STANDARD)
}

/// Decodes URL-safe base64 without padding.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    decode(text, URL_SAFE)
}

/// Encodes bytes as lower-case hexadecimal (RFC 4648, section 8).
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        _ = write!(out, "{byte:02x}");
    }
    out
}

/// Decodes hexadecimal of any case.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if rest.is_empty() { pairs.iter().map(|[a, b]| Some(digit(a)? << 4 | digit(b)?)).collect() } else { None }
}

/// Percent-encodes all characters except the unreserved ones (RFC 3986, section 2.3).
pub fn percent_encode(text: &str) -> String {
    // The text may be a secret. A buffer that grows leaves a copy that is not wiped, so the size is computed first.
    let size = text.bytes().map(|byte| if is_unreserved(byte) { 1 } else { 3 }).sum();
    let mut out = String::with_capacity(size);
    for byte in text.bytes() {
        match is_unreserved(byte) {
            true => out.push(byte.into()),
            false => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

fn is_unreserved(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~')
}

/// Decodes percent-encoded text. Returns `None` if the result is not UTF-8 or a sequence is incomplete.
pub fn from_percent(text: &str) -> Option<String> {
    unescape(text, false)
}

/// Encodes pairs as `application/x-www-form-urlencoded` (WHATWG URL, section 5), with `%20` for a space.
pub fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&percent_encode(name));
        out.push('=');
        out.push_str(&percent_encode(value));
    }
    out
}

/// Decodes a query or a form body. Pairs that cannot be decoded are skipped.
pub fn from_form(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((unescape(name, true)?, unescape(value, true)?))
    };
    text.split('&').filter(|part| !part.is_empty()).filter_map(pair).collect()
}

/// Decodes the form in the body of an answer as browsers do (WHATWG URL, section 5.1): an incomplete escape stays as it is. A
/// value that is not UTF-8 is [`Value::Damaged`].
pub(crate) fn from_form_of_answer(body: &[u8]) -> Vec<(String, Value)> {
    let field = |part: &[u8]| {
        let mut parts = part.splitn(2, |byte| *byte == b'=').map(unescape_any);
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let value = match String::from_utf8(value) {
            Ok(text) => Value::Text(text),
            Err(error) => Value::Damaged(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        };
        (String::from_utf8_lossy(&name).into_owned(), value)
    };
    body.split(|byte| *byte == b'&').filter(|part| !part.is_empty()).map(field).collect()
}

/// Decodes a name or a value of a query or a form as browsers do (WHATWG URL, section 5.1): `+` is a space, an incomplete
/// escape stays as it is, and the result may be no text.
///
/// ```
/// use connection_contract::encode::unescape_any;
///
/// assert_eq!(unescape_any(b"Jos%E9+100%"), b"Jos\xe9 100%");
/// ```
pub fn unescape_any(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text;
    while let Some((first, rest)) = bytes.split_first() {
        bytes = rest;
        let pair = rest.split_at_checked(2).filter(|_| *first == b'%');
        let escaped = pair.and_then(|(pair, rest)| Some((from_hex(core::str::from_utf8(pair).ok()?)?, rest)));
        match (escaped, first) {
            (Some((byte, rest)), _) => {
                out.extend(byte);
                bytes = rest;
            }
            (None, b'+') => out.push(b' '),
            (None, byte) => out.push(*byte),
        }
    }
    out
}

fn unescape(text: &str, plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((first, rest)) = bytes.split_first() {
        bytes = rest;
        match first {
            b'%' => {
                let (pair, rest) = rest.split_at_checked(2)?;
                out.extend(from_hex(core::str::from_utf8(pair).ok()?)?);
                bytes = rest;
            }
            b'+' if plus_is_space => out.push(b' '),
            byte => out.push(*byte),
        }
    }
    String::from_utf8(out).ok()
}

fn encode(bytes: &[u8], alphabet: &[u8; 64], pad: bool) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            if i <= chunk.len() {
                // Six bits are always below 64.
                out.push(alphabet[(word >> (18 - 6 * i)) as usize & 63].into());
            } else if pad {
                out.push('=');
            }
        }
    }
    out
}

/// Decodes base64 without padding. Unused bits must be zero (RFC 4648, section 3.5), so that exactly one text decodes
/// to the same bytes.
fn decode(digits: &str, alphabet: &[u8; 64]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    for chunk in digits.as_bytes().chunks(4) {
        let mut word = 0_u32;
        for digit in chunk {
            let value = alphabet.iter().position(|c| c == digit)?;
            word = word << 6 | u32::try_from(value).ok()?;
        }
        let spare = match chunk.len() {
            4 => 0,
            3 => 2,
            2 => 4,
            _ => return None,
        };
        if word & ((1 << spare) - 1) != 0 {
            return None;
        }
        let bytes = (word >> spare).to_be_bytes();
        let count = chunk.len() - 1;
        out.extend_from_slice(bytes.get(4 - count..)?);
    }
    Some(out)
}
