//! Webhooks: the examples from Twilio's documentation and libraries, ports, and rejected deliveries.

use connection_contract::prelude::*;
use connection_plugin_twilio::{Login, Twilio};

use crate::{ACCOUNT, KEY, SECRET, host};

/// These values are from <https://www.twilio.com/docs/usage/webhooks/webhooks-security> and from the tests of Twilio's
/// libraries.
const TOKEN: &str = "12345";
const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const FORM: &str = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
const FORM_SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
const JSON: &str = r#"{"property": "value", "boolean": true}"#;
const JSON_HASH: &str = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const JSON_SIGNATURE: &str = "a9nBmqA0ju/hNViExpshrM61xv4=";

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

fn login(proof: &[(&str, &str)]) -> Login {
    let record = Record::new().with("accountSid", ACCOUNT);
    let record = proof.iter().fold(record, |record, (name, value)| record.with(name, *value));
    Twilio.parse_credential(record.encode().expose()).expect("it is a login")
}

fn receive(url: &str, content_type: &str, signature: &str, body: &str) -> Result<WebhookEvent, NotAuthentic> {
    let headers = vec![
        ("Content-Type".to_owned(), content_type.to_owned()),
        ("X-Twilio-Signature".to_owned(), signature.to_owned()),
    ];
    let delivery = Delivery::new("POST", url, headers, body, Timestamp::from_seconds(0));
    host().receive(&login(&[("authToken", TOKEN)]), &[], &delivery)
}

/// Computes a signature as Twilio documents it, independently of the plugin.
fn signature(address: &str, pairs: &str) -> String {
    encode::base64(&connection_testkit::hmac_sha1(TOKEN.as_bytes(), format!("{address}{pairs}").as_bytes()))
}

fn json_url() -> String {
    format!("{URL}&bodySHA256={JSON_HASH}")
}

#[test]
fn the_documented_form_is_authentic() {
    let event = receive(URL, FORM_TYPE, FORM_SIGNATURE, FORM).unwrap();
    assert_eq!(event.name.as_str(), "form");
    let covered = "CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212";
    assert_eq!(event.signed.expose_str(), Some(&*format!("{URL}{covered}")));
    assert!(receive(URL, "application/x-www-form-urlencoded; charset=UTF-8", FORM_SIGNATURE, FORM).is_ok());
    // The order of the pairs in a form is not signed.
    let turned: Vec<_> = FORM.split('&').rev().collect();
    assert!(receive(URL, FORM_TYPE, FORM_SIGNATURE, &turned.join("&")).is_ok());
}

#[test]
fn a_json_body_is_authentic_by_its_hash_in_the_address() {
    let event = receive(&json_url(), "application/json", JSON_SIGNATURE, JSON).unwrap();
    assert_eq!((event.name.as_str(), event.signed.expose_str()), ("json", Some(&*json_url())));
    for (url, body) in [
        (json_url(), r#"{"property": "value", "boolean": false}"#),
        (json_url(), ""),
        (URL.to_owned(), JSON),
        (json_url().replace("0a1f", "0a1e"), JSON),
    ] {
        assert_eq!(receive(&url, "application/json", JSON_SIGNATURE, body).unwrap_err(), NotAuthentic::Signature);
    }
    // A body that the signature does not cover is rejected even if the address alone is signed.
    assert!(receive(URL, "application/json", &signature(URL, ""), JSON).is_err());
    assert!(receive(URL, "", &signature(URL, ""), "").is_ok(), "the control");
}

/// Twilio signs the address sometimes with and sometimes without its port, and the host passes it in either form.
#[test]
fn the_usual_port_may_be_there_or_not_and_another_one_too() {
    let pairs = "CallSid1";
    for (given, signed, is_it) in [
        ("https://host.example/a?b=c", "https://host.example:443/a?b=c", true),
        ("https://host.example:443/a?b=c", "https://host.example/a?b=c", true),
        ("https://host.example:8443/a?b=c", "https://host.example:8443/a?b=c", true),
        ("https://host.example:8443/a?b=c", "https://host.example/a?b=c", true),
        ("https://host.example/a?b=c", "https://host.example:8443/a?b=c", false),
        ("https://host.example/a", "https://host.example:80/a", false),
        ("http://host.example/a", "http://host.example:80/a", true),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]:443/a", true),
        ("https://u:p@host.example/a", "https://u:p@host.example:443/a", true),
        ("https://host.example?b=http://x:1", "https://host.example:443?b=http://x:1", true),
        ("https://host.example/a", "https://evil.example/a", false),
        ("https://host.example/a", "http://host.example/a", false),
    ] {
        let found = receive(given, FORM_TYPE, &signature(signed, pairs), "CallSid=1");
        assert_eq!(found.is_ok(), is_it, "{given} {signed}");
    }
    let found = |signed| receive("https://host.example/a", FORM_TYPE, &signature(signed, pairs), "CallSid=1").unwrap();
    let (with, without) = (found("https://host.example:443/a"), found("https://host.example/a"));
    assert_eq!(with.signed.expose(), without.signed.expose(), "one event, whichever was signed");
}

#[test]
fn a_name_with_several_values_is_signed_as_any_of_twilios_libraries_does() {
    // The values of one name are signed in the order in which they arrived, or sorted. Each value is signed once.
    for pairs in ["A2A1", "A1A2"] {
        assert!(receive(URL, FORM_TYPE, &signature(URL, pairs), "A=2&A=1&A=2").is_ok(), "{pairs}");
    }
    assert!(receive(URL, FORM_TYPE, &signature(URL, "A2A1A2"), "A=2&A=1&A=2").is_err());
}

#[test]
fn a_form_of_more_than_a_thousand_pairs_is_refused_whoever_signed_it() {
    let form = |count: usize| (0..count).map(|n| format!("A{n:04}={n}")).collect::<Vec<_>>();
    let found = |count: usize| {
        let signed: String = form(count).iter().map(|pair| pair.replace('=', "")).collect();
        receive(URL, FORM_TYPE, &signature(URL, &signed), &form(count).join("&"))
    };
    assert!(found(1_000).is_ok(), "the control");
    assert_eq!(found(1_001).unwrap_err(), NotAuthentic::Signature);
}

#[test]
fn a_form_that_cannot_be_read_whole_is_refused() {
    assert!(receive(URL, FORM_TYPE, &signature(URL, "A1"), "A=1").is_ok(), "the control");
    for odd in ["A=1&%ff=2", "A=1&B=%z", "A=%31&B=%c3"] {
        assert!(receive(URL, FORM_TYPE, &signature(URL, "A1"), odd).is_err(), "{odd}");
    }
    let delivery = |body: &[u8]| {
        let headers =
            vec![("content-type".into(), FORM_TYPE.into()), ("x-twilio-signature".into(), signature(URL, "A1"))];
        Delivery::new("POST", URL, headers, Secret::new(body), Timestamp::from_seconds(0))
    };
    let login = login(&[("authToken", TOKEN)]);
    assert!(host().receive(&login, &[], &delivery(b"A=1")).is_ok());
    assert!(host().receive(&login, &[], &delivery(b"A=1\xff")).is_err());
}

#[test]
fn an_api_key_checks_nothing_and_says_why() {
    let login = login(&[("apiKeySid", KEY), ("apiKeySecret", SECRET)]);
    let refused = host().sign_webhook(&login, None, URL).unwrap_err();
    assert!(refused.to_string().contains("this connection has an API key: authorize it with the token"), "{refused}");
    let headers = vec![("x-twilio-signature".to_owned(), FORM_SIGNATURE.to_owned())];
    let delivery = Delivery::new("POST", URL, headers, "", Timestamp::from_seconds(0));
    // Neither an empty list of keys nor a key of the host makes the delivery authentic.
    for keys in [vec![], vec![Secret::from(TOKEN)]] {
        assert!(matches!(host().receive(&login, &keys, &delivery), Err(NotAuthentic::NoKey(_))));
    }
}
