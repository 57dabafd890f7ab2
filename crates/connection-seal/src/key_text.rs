//! Reads a key in the forms that people and programs write: base64 of either alphabet, or hexadecimal.

use connection_contract::encode;
use secrecy::{SecretBox, zeroize::Zeroizing};

use super::key_id::KEY_LEN;

/// Returns a text without a byte order mark and white space around it, which editors, shells and copies add.
///
/// ```
/// assert_eq!(connection_seal::bare_text("\u{feff}postgres://db/connections\r\n\n"), "postgres://db/connections");
/// ```
pub fn bare_text(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Reads a key from text, ignoring what [`bare_text`] removes. Returns `None` for anything but 32 bytes.
pub(super) fn key_of_text(text: &[u8]) -> Option<SecretBox<[u8; KEY_LEN]>> {
    let text = bare_text(std::str::from_utf8(text).ok()?);
    let decoded = match text.len() {
        64 => encode::from_hex(text),
        // The padding is optional. The digits show which alphabet was used.
        43 | 44 => {
            let digits = text.strip_suffix('=').unwrap_or(text);
            let padded = Zeroizing::new(format!("{digits}="));
            encode::from_base64(&padded).or_else(|| encode::from_base64url(digits))
        }
        _ => None,
    };
    boxed(&Zeroizing::new(decoded?))
}

/// Reads a key that a program printed: 32 bytes as they are, or as text.
pub(super) fn key_of_output(bytes: &[u8]) -> Option<SecretBox<[u8; KEY_LEN]>> {
    boxed(bytes).or_else(|| key_of_text(bytes))
}

/// Copies a key; `None` for bytes of another length.
pub(super) fn boxed(bytes: &[u8]) -> Option<SecretBox<[u8; KEY_LEN]>> {
    let exact: &[u8; KEY_LEN] = bytes.try_into().ok()?;
    Some(SecretBox::init_with_mut(|key: &mut [u8; KEY_LEN]| key.copy_from_slice(exact)))
}
