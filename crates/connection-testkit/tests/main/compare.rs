//! Compares the encoders and the JSON of the contract with maintained libraries.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use connection_contract::{Value, encode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use proptest::prelude::*;

/// All characters except the unreserved ones (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

proptest! {
    #[test]
    fn base64_is_that_of_the_base64_crate(bytes: Vec<u8>) {
        prop_assert_eq!(encode::base64(&bytes), STANDARD.encode(&bytes));
        prop_assert_eq!(encode::base64url(&bytes), URL_SAFE_NO_PAD.encode(&bytes));
        prop_assert_eq!(encode::from_base64(&STANDARD.encode(&bytes)), Some(bytes.clone()));
        prop_assert_eq!(encode::from_base64url(&URL_SAFE_NO_PAD.encode(&bytes)), Some(bytes));
    }

    #[test]
    fn what_is_no_base64_is_refused_alike(text in "[A-Za-z0-9+/=_-]{0,12}|.{0,8}") {
        prop_assert_eq!(encode::from_base64(&text), STANDARD.decode(&text).ok());
        prop_assert_eq!(encode::from_base64url(&text), URL_SAFE_NO_PAD.decode(&text).ok());
    }

    #[test]
    fn hex_is_that_of_the_hex_crate(bytes: Vec<u8>, text in "[0-9a-fA-F]{0,9}|.{0,6}") {
        prop_assert_eq!(encode::hex(&bytes), hex::encode(&bytes));
        prop_assert_eq!(encode::from_hex(&hex::encode_upper(&bytes)), Some(bytes));
        prop_assert_eq!(encode::from_hex(&text), hex::decode(&text).ok());
    }

    #[test]
    fn percent_encoding_is_that_of_the_percent_encoding_crate(text: String) {
        let encoded = utf8_percent_encode(&text, RESERVED).to_string();
        prop_assert_eq!(encode::percent_encode(&text), encoded.as_str());
        prop_assert_eq!(encode::from_percent(&encoded), Some(text));
    }

    /// The crate keeps a broken `%` and the contract refuses it, so only complete escapes are compared.
    #[test]
    fn percent_decoding_is_that_of_the_percent_encoding_crate(text in "([a-z +]|%[0-9a-fA-F]{2}){0,8}") {
        let decoded = percent_decode_str(&text).decode_utf8().ok().map(|text| text.into_owned());
        prop_assert_eq!(encode::from_percent(&text), decoded);
    }

    #[test]
    fn forms_are_read_by_the_form_urlencoded_crate_and_back(pairs: Vec<(String, String)>) {
        let written = encode::form(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let read: Vec<_> = form_urlencoded::parse(written.as_bytes()).into_owned().collect();
        prop_assert_eq!(&read, &pairs);
        let theirs = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        prop_assert_eq!(encode::from_form(&theirs), pairs);
    }

    #[test]
    fn json_that_serde_writes_is_read(value in json(4)) {
        let written = value.to_string();
        let read = Value::parse(written.as_bytes()).expect("serde writes JSON");
        prop_assert!(same(&read, &value), "{}", written);
        let again: serde_json::Value = serde_json::from_str(&read.to_string()).expect("we write JSON");
        // The comparison is not with `value`, because serde may read a float that differs from the one it wrote.
        prop_assert_eq!(again, serde_json::from_str::<serde_json::Value>(&written).expect("serde writes JSON"));
    }

    #[test]
    fn json_is_accepted_and_refused_as_by_serde(text in r#"[\[\]{}":,0-9eE+.\-a-fulnrtsx\\/ ]{0,12}"#) {
        prop_assert_eq!(Value::parse(text.as_bytes()).is_ok(), accepts(&text), "{}", text);
    }

    #[test]
    fn json_that_was_cut_or_changed_is_accepted_and_refused_as_by_serde(
        value in json(3), at: prop::sample::Index, byte in 0x20_u8..0x7f,
    ) {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            prop_assert_eq!(Value::parse(&bytes).is_ok(), accepts(text), "{}", text);
        }
        let cut = &bytes[..at];
        if let Ok(text) = std::str::from_utf8(cut) {
            prop_assert_eq!(Value::parse(cut).is_ok(), accepts(text), "{}", text);
        }
    }
}

/// Returns `true` if serde reads the text. A number that is too large for a float is valid JSON (RFC 8259, section 6).
fn accepts(text: &str) -> bool {
    let too_large = |error: serde_json::Error| error.to_string().contains("out of range");
    let shape = serde_json::from_str::<serde::de::IgnoredAny>(text);
    shape.is_ok() && serde_json::from_str::<serde_json::Value>(text).map_or_else(too_large, |_| true)
}

fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Number(a), serde_json::Value::Number(b)) => *a == b.to_string(),
        (Value::Text(a), serde_json::Value::String(b)) => a == b,
        (Value::List(a), serde_json::Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

fn json(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(depth, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
