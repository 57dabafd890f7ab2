//! The delivery of a webhook, as it arrived.

use connection_contract::{Delivery, Timestamp};

fn delivery(headers: &[(&str, &str)]) -> Delivery {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Delivery::new("POST", "https://host.example/webhooks/1?a=b", headers, r#"{"a":1}"#, Timestamp::from_seconds(1))
}

#[test]
fn a_header_is_found_in_any_case() {
    assert_eq!(delivery(&[("X-Signature", "abc")]).header("x-signature"), Some("abc"));
    assert_eq!(delivery(&[]).header("x-signature"), None);
}

/// If a header occurs twice, two parsers could each read a different one.
#[test]
fn a_header_that_came_twice_is_none() {
    let twice = delivery(&[("x-signature", "abc"), ("X-Signature", "def")]);
    assert_eq!(twice.header("x-signature"), None);
    assert_eq!(twice.headers().len(), 2);
}

#[test]
fn a_delivery_is_stored_unchanged() {
    let came = delivery(&[]);
    assert_eq!((came.method(), came.url()), ("POST", "https://host.example/webhooks/1?a=b"));
    assert_eq!((came.body().expose(), came.received_at().seconds()), (&b"{\"a\":1}"[..], 1));
    assert_eq!(came.json().unwrap()["a"].as_i64(), Some(1));
}
