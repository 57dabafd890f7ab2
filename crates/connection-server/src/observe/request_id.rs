//! The id of a request, by which the log of a proxy and that of the server are put together.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use connection_core::ConnectionRegistry;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header of our id beside one of a provider.
pub(super) const CONNECTIONS_REQUEST_ID: HeaderName = HeaderName::from_static("connections-request-id");

/// The maximum length of an id that a caller sends.
const MAX_LENGTH: usize = 128;
/// The length of an id that is made here, which has six random bits in each character.
const LENGTH: usize = 22;

/// Returns the id that the caller sent, if it is well-formed and the only one, and a new one otherwise.
pub(super) fn of(headers: &HeaderMap, registry: &ConnectionRegistry) -> String {
    let mut sent = headers.get_all(X_REQUEST_ID).iter();
    let first = sent.next().and_then(|value| value.to_str().ok()).filter(|id| is_well_formed(id));
    match first {
        Some(id) if sent.next().is_none() => id.to_owned(),
        _ => fresh(registry),
    }
}

/// Returns the id as a header.
pub(super) fn header(id: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(id).ok()
}

fn is_well_formed(id: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(is_usual)
}

fn fresh(registry: &ConnectionRegistry) -> String {
    // The text is random and opens nothing, so it may be shown.
    let text = registry.receiver().fresh_token();
    String::from_utf8_lossy(text.expose()).chars().take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_short_text_of_letters_digits_and_few_other_characters() {
        for id in ["0", "5f0c2e1a-77d1-4f5e-9a53-0b2d1b0c1d2e", "Root:1.67a_b", &"a".repeat(128)] {
            assert!(is_well_formed(id), "{id}");
        }
        for id in ["", "a b", "a\tb", "é", "a=b", "a/b", "a\"b", &"a".repeat(129)] {
            assert!(!is_well_formed(id), "{id}");
        }
    }
}
