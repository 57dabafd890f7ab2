//! The encoding of values of a message for HTTP headers, of revision 2026-07-28.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// Encodes a text for the headers `Mcp-Name` and `Mcp-Param-…`.
///
/// Text that is safe in a header stays as it is. Other text is encoded in Base64 with the markers `=?base64?` and `?=`,
/// and so is text that has these markers itself.
///
/// ```
/// use connection_mcp::proxy::encode_header_value;
///
/// assert_eq!(encode_header_value("us-west1"), "us-west1");
/// assert_eq!(encode_header_value("Hello, 世界"), "=?base64?SGVsbG8sIOS4lueVjA==?=");
/// ```
pub fn encode_header_value(text: &str) -> String {
    let padded = text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
    let marked = text.starts_with(PREFIX) && text.ends_with(SUFFIX);
    if is_safe(text) && !padded && !marked {
        return text.to_owned();
    }
    format!("{PREFIX}{}{SUFFIX}", STANDARD.encode(text))
}

/// Returns `true` if all characters of a text may appear in the value of a header.
fn is_safe(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
}

/// Returns `true` for a text of at least one visible ASCII character and no other, such as the id of a session.
pub(crate) fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns `true` for a text that may be the name of a header (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let is_sign = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
}
