//! The stand-ins of signatures, by which two requests with signatures are compared.

use connection_contract::{
    encode::{base64, base64url, hex, percent_encode},
    host::Signatures,
};

/// In base64, this signature contains characters that differ in base64url and that a form encodes.
const SIGNATURE: [u8; 34] = [0xfb; 34];
const OTHER: [u8; 34] = [0xfe; 34];
const STANDS: [u8; 32] = [7; 32];

fn settled(signature: &[u8], text: &str) -> String {
    let mut signatures = Signatures::default();
    signatures.add(signature, &STANDS);
    signatures.with_stand_ins(text.as_bytes()).expose_str().expect("text").to_owned()
}

#[test]
fn two_signatures_of_the_same_are_the_same_in_every_encoding() {
    let encodings: [fn(&[u8]) -> String; 4] = [base64url, base64, |bytes| percent_encode(&base64(bytes)), hex];
    for encoded in encodings {
        let text = |signature: &[u8]| format!("a={0}&b={0}.{1}", encoded(signature), "end");
        let one = settled(&SIGNATURE, &text(&SIGNATURE));
        let other = settled(&OTHER, &text(&OTHER));
        assert_eq!(one, other);
        assert!(one.starts_with("a=") && one.ends_with(".end") && !one.contains(&encoded(&SIGNATURE)), "{one}");
        // As a control, an unknown signature is not replaced.
        assert_ne!(settled(&OTHER, &text(&SIGNATURE)), one);
    }
}

/// Some signatures are the same text in base64 and base64url. They are replaced by the same stand-in as well.
#[test]
fn a_signature_that_looks_the_same_in_two_encodings_is_the_same_too() {
    let plain = [0; 34];
    assert_eq!(base64(&plain).trim_end_matches('='), base64url(&plain), "the control");
    for stands in [[7; 32], [0xfb; 32]] {
        let settled = |signature: &[u8], text: String| {
            let mut signatures = Signatures::default();
            signatures.add(signature, &stands);
            signatures.with_stand_ins(text.as_bytes()).expose().to_vec()
        };
        let query = |signature: &[u8]| percent_encode(base64(signature).trim_end_matches('='));
        assert_eq!(settled(&plain, query(&plain)), settled(&SIGNATURE, query(&SIGNATURE)));
    }
}

#[test]
fn a_stand_in_keeps_the_encoding_of_its_signature() {
    let mut signatures = Signatures::default();
    signatures.add(&SIGNATURE, &STANDS);
    for encoded in [base64url, base64, hex] {
        assert_eq!(
            signatures
                .with_encoded_stand_ins(encoded(&SIGNATURE).as_bytes())
                .expose_str()
                .unwrap()
                .trim_end_matches('='),
            encoded(&STANDS).trim_end_matches('=')
        );
    }
}

#[test]
fn what_is_no_signature_stays() {
    for text in ["", "a=b", "a=%2B%2F", "\u{e4}"] {
        assert_eq!(settled(&SIGNATURE, text), text);
        assert_eq!(settled(b"", text), text, "nothing was signed");
    }
    assert_eq!(settled(b"a=b", "a=b"), "a=b", "too short to be one");
}

#[test]
fn the_newest_signatures_are_known() {
    let mut signatures = Signatures::default();
    let numbered = |n: u8| [n; 64];
    for n in 0..40 {
        signatures.add(&numbered(n), &STANDS);
    }
    let is_known = |n: u8| signatures.with_stand_ins(hex(&numbered(n)).as_bytes()).expose() == hex(&STANDS).as_bytes();
    assert!(!is_known(7) && is_known(8) && is_known(39));
}
