//! Reads a key in the forms that people and programs write: base64 of either alphabet, or hexadecimal.

use connection_contract::encode;
use secrecy::{SecretBox, zeroize::Zeroizing};

use super::key_id::KEY_LEN;

/// Returns a text without what editors, shells and copies add around it: a byte order mark, white space, and the
/// characters with which old programs end a file.
///
/// ```
/// assert_eq!(connection_seal::bare_text("\u{feff}postgres://db/connections\r\n\n"), "postgres://db/connections");
/// ```
pub fn bare_text(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{1a}' | '\0'))
}

/// Returns a text without what [`bare_text`] removes, and without the quotation marks that some readers of files with
/// variables keep.
pub(super) fn unquoted(text: &str) -> &str {
    let text = bare_text(text);
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

/// Returns the text of a file. PowerShell writes UTF-16, with a byte order mark that is no UTF-8.
pub(super) fn text_of_file(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).filter_map(|pair| Some(unit(pair.try_into().ok()?)));
        let units: Zeroizing<Vec<u16>> = Zeroizing::new(units.collect());
        String::from_utf16(&units).ok()
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(str::to_owned),
    };
    text.map(Zeroizing::new)
}

/// Reads a key from text, ignoring what [`unquoted`] removes, and the prefixes `0x` and `base64:`. Returns `None` for
/// anything but 32 bytes.
pub(super) fn key_of_text(text: &[u8]) -> Option<SecretBox<[u8; KEY_LEN]>> {
    let text = text_of_file(text)?;
    let text = unquoted(&text);
    // Base64 can begin with `0x`, too.
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 64);
    let text = digits.or_else(|| text.strip_prefix("base64:")).unwrap_or(text);
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
