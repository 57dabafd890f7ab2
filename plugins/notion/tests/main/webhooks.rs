//! Webhooks: the example from Notion's documentation, the first token, and rejected deliveries.

use connection_contract::prelude::*;
use connection_plugin_notion::{Notion, Token};

use crate::{TOKEN, host};

/// The body, its token and its signature, from <https://developers.notion.com/reference/webhooks>.
const BODY: &str = r#"{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}"#;
const KEY: &str = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";
const SIGNATURE: &str = "sha256=461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735";

fn delivery(headers: &[(&str, &str)], body: &str) -> Delivery {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Delivery::new("POST", "https://host.example/webhooks/1", headers, body, Timestamp::from_seconds(0))
}

fn receive(keys: &[&str], delivery: &Delivery) -> Result<WebhookEvent, NotAuthentic> {
    let credential: Token = Notion.parse_credential(TOKEN.as_bytes()).expect("it is a token");
    let keys: Vec<_> = keys.iter().map(|key| Secret::from(*key)).collect();
    host().receive(&credential, &keys, delivery)
}

#[test]
fn the_documented_example_is_authentic() {
    let signed = delivery(&[("X-Notion-Signature", SIGNATURE)], BODY);
    assert_eq!(receive(&["another key", KEY], &signed).unwrap().signed.expose(), BODY.as_bytes());
    assert_eq!(receive(&["another key"], &signed).unwrap_err(), NotAuthentic::Signature);
    assert!(matches!(receive(&[], &signed).unwrap_err(), NotAuthentic::NoKey(_)));
    assert_eq!(receive(&[KEY], &delivery(&[], BODY)).unwrap_err(), NotAuthentic::Signature);
}

#[test]
fn an_event_is_called_by_its_type_and_may_be_any_bytes() {
    let signed = |body: &str| {
        let mac = connection_testkit::hmac_sha256(KEY.as_bytes(), body.as_bytes());
        delivery(&[("x-notion-signature", &format!("sha256={}", encode::hex(&mac)))], body)
    };
    for (body, name) in
        [(r#"{"id":"1","type":"page.created"}"#, "page.created"), (r#"{"type":7}"#, "unknown"), ("{", "unknown")]
    {
        assert_eq!(receive(&[KEY], &signed(body)).unwrap().name.as_str(), name);
    }
}

/// The token is read whether or not the delivery is signed. Nothing proves the first token, and the host decides
/// whether it waits for one.
#[test]
fn the_token_that_comes_first_is_told_and_an_event_tells_none() {
    for headers in [&[][..], &[("X-Notion-Signature", SIGNATURE)]] {
        assert_eq!(host().handshake(&delivery(headers, BODY)).unwrap().expose_str(), Some(KEY));
    }
    let long = format!(r#"{{"verification_token":"{}"}}"#, "x".repeat(5000));
    for other in [
        r#"{"verification_token":"secret","type":"page.created"}"#,
        r#"{"verification_token":""}"#,
        r#"{"verification_token":7}"#,
        r#"{"type":"page.created"}"#,
        "secret",
        "",
        &long,
    ] {
        assert!(host().handshake(&delivery(&[], other)).is_none(), "{other:.40}");
    }
}
