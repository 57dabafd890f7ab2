//! The forms in which a provider may repeat a secret.

use connection_contract::{Secret, encode};

/// Returns the forms of all secrets that have at least `min` bytes, each once.
pub(super) fn all(secrets: &[Secret], min: usize) -> Vec<Secret> {
    let mut forms: Vec<Secret> = Vec::new();
    for form in secrets.iter().filter(|secret| secret.expose().len() >= min).flat_map(of) {
        if !forms.iter().any(|known| known.expose() == form.expose()) {
            forms.push(form);
        }
    }
    forms
}

fn of(secret: &Secret) -> Vec<Secret> {
    let bytes = secret.expose();
    let mut forms = vec![
        secret.duplicate(),
        hex(bytes, b"0123456789abcdef"),
        hex(bytes, b"0123456789ABCDEF"),
        percent(bytes, is_unreserved, b"0123456789ABCDEF"),
        percent(bytes, is_unreserved, b"0123456789abcdef"),
        percent(bytes, is_kept_by_browsers, b"0123456789ABCDEF"),
        percent(bytes, is_kept_by_browsers, b"0123456789abcdef"),
        percent(bytes, |_| false, b"0123456789ABCDEF"),
        percent(bytes, |_| false, b"0123456789abcdef"),
    ];
    for offset in 0..3 {
        forms.push(base64_at(bytes, offset, encode::base64));
        forms.push(base64_at(bytes, offset, encode::base64url));
    }
    if let Some(text) = secret.expose_str() {
        forms.extend(utf16(text));
        let json = json(text);
        forms.push(with_escaped_slashes(json.expose()));
        forms.push(json);
    }
    forms
}

/// Returns a text in UTF-16. A text of ASCII has one form for both orders of the bytes: it begins with the first byte that
/// is not zero, and ends with the last one.
fn utf16(text: &str) -> Vec<Secret> {
    let ordered = |order: fn(u16) -> [u8; 2]| {
        // The buffer does not grow, because that would leave a copy.
        let mut out = Vec::with_capacity(text.len() * 2);
        out.extend(text.encode_utf16().flat_map(order));
        Secret::new(out)
    };
    let little = ordered(u16::to_le_bytes);
    match (text.is_ascii(), little.expose().split_last()) {
        (true, Some((_, both))) => vec![Secret::new(both)],
        _ => vec![little, ordered(u16::to_be_bytes)],
    }
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Secret {
    let mut out = Vec::with_capacity(bytes.len() * 2);
    bytes.iter().for_each(|byte| out.extend(digits_of(*byte, digits)));
    Secret::new(out)
}

fn digits_of(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]
}

fn percent(bytes: &[u8], is_kept: fn(u8) -> bool, digits: &[u8; 16]) -> Secret {
    let mut out = Vec::with_capacity(bytes.len() * 3);
    for byte in bytes {
        match is_kept(*byte) {
            true => out.push(*byte),
            false => {
                out.push(b'%');
                out.extend(digits_of(*byte, digits));
            }
        }
    }
    Secret::new(out)
}

/// Returns `true` for a character that needs no encoding (RFC 3986, section 2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Returns `true` for a character that `encodeURIComponent` leaves as it is (ECMA-262, section 19.2.6).
fn is_kept_by_browsers(byte: u8) -> bool {
    is_unreserved(byte) || b"!*'()".contains(&byte)
}

/// Returns the digits of base64 that depend on the secret alone, if it stands `offset` bytes after the beginning of a
/// group of three bytes.
fn base64_at(bytes: &[u8], offset: usize, encode: fn(&[u8]) -> String) -> Secret {
    let shifted = Secret::concat(&[&[0; 3][..offset], bytes]);
    let digits = Secret::from(encode(shifted.expose()));
    let first = (offset * 8).div_ceil(6);
    let end = shifted.expose().len() * 8 / 6;
    Secret::new(&digits.expose()[first..end])
}

/// Returns the text of a JSON string, without the quotation marks.
fn json(text: &str) -> Secret {
    // The buffer does not grow, because that would leave a copy.
    let mut out = Vec::with_capacity(text.len() * 6 + 2);
    let written = serde_json::to_writer(&mut out, text);
    let quoted = Secret::new(out);
    let inner = quoted.expose().strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    Secret::new(inner.filter(|_| written.is_ok()).unwrap_or(text.as_bytes()))
}

fn with_escaped_slashes(json: &[u8]) -> Secret {
    let mut out = Vec::with_capacity(json.len() * 2);
    for byte in json {
        if *byte == b'/' {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    Secret::new(out)
}
