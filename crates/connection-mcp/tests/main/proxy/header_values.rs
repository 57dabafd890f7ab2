//! The encoding of texts for headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connection_mcp::proxy::encode_header_value;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

/// Decodes a header as a server does.
fn decode(value: &str) -> String {
    match value.strip_prefix("=?base64?").and_then(|value| value.strip_suffix("?=")) {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap(),
        None => value.to_owned(),
    }
}

#[test]
fn the_examples_of_the_specification_are_encoded_as_it_says() {
    for (text, expected) in [
        ("us-west1", "us-west1"),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
    ] {
        assert_eq!(encode_header_value(text), expected);
    }
}

#[test]
fn text_that_is_safe_in_a_header_stays_as_it_is() {
    for text in ["", "a b\tc", "~!\"#", "=?base64?half", "half?=", "file:///projects/config.json"] {
        assert_eq!(encode_header_value(text), text);
    }
}

proptest! {
    #[test]
    fn a_header_decodes_to_its_text(text in "\\PC{0,20}|[ \t\r\n\0a=?]{0,12}|(=\\?base64\\?)?[a-z]{0,4}(\\?=)?") {
        let value = encode_header_value(&text);
        prop_assert!(value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')));
        prop_assert_eq!(value.trim_matches([' ', '\t']), value.as_str());
        prop_assert_eq!(decode(&value), text);
    }
}
