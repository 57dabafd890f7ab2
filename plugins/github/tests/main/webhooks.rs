//! Webhooks: the example from GitHub's documentation, two keys, and rejected deliveries.

use connection_contract::prelude::*;
use connection_plugin_github::{GitHub, Token};
use connection_testkit::FakeHost;

use crate::{TOKEN, host};

/// The example of
/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation>.
const SECRET: &str = "It's a Secret to Everybody";
const BODY: &str = "Hello, World!";
const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn delivery(headers: &[(&str, &str)], body: &str) -> Delivery {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Delivery::new("POST", "https://host.example/webhooks/1", headers, body, Timestamp::from_seconds(0))
}

fn credential() -> Token {
    GitHub.parse_credential(TOKEN.as_bytes()).expect("it is a token")
}

fn receive(host: &FakeHost<GitHub>, keys: &[&str], delivery: &Delivery) -> Result<WebhookEvent, NotAuthentic> {
    let keys: Vec<_> = keys.iter().map(|key| Secret::from(*key)).collect();
    host.receive(&credential(), &keys, delivery)
}

#[test]
fn the_documented_example_is_authentic() {
    let signed = delivery(&[("X-Hub-Signature-256", SIGNATURE), ("X-GitHub-Event", "push")], BODY);
    let event = receive(&host(), &[SECRET], &signed).unwrap();
    assert_eq!((event.name.as_str(), event.signed.expose()), ("push", BODY.as_bytes()));
}

/// Both keys are accepted for as long as the host passes the former one, in any order.
#[test]
fn either_of_two_keys_may_have_signed() {
    let signed = delivery(&[("X-Hub-Signature-256", SIGNATURE)], BODY);
    for keys in [["another key", SECRET], [SECRET, "another key"]] {
        assert!(receive(&host(), &keys, &signed).is_ok());
    }
}

#[test]
fn what_is_not_signed_as_documented_is_refused() {
    let bare = SIGNATURE.trim_start_matches("sha256=");
    let upper = SIGNATURE.to_ascii_uppercase();
    for (headers, body) in [
        (&[][..], BODY),
        (&[("X-Hub-Signature-256", "")], BODY),
        (&[("X-Hub-Signature-256", "sha256=")], BODY),
        (&[("X-Hub-Signature-256", bare)], BODY),
        (&[("X-Hub-Signature-256", &upper)], BODY),
        (&[("X-Hub-Signature", SIGNATURE)], BODY),
        (&[("X-Hub-Signature-256", SIGNATURE)], "Hello, World! "),
        (&[("X-Hub-Signature-256", SIGNATURE)], ""),
        (&[("X-Hub-Signature-256", SIGNATURE), ("x-hub-signature-256", SIGNATURE)], BODY),
    ] {
        let refused = receive(&host(), &[SECRET], &delivery(headers, body)).unwrap_err();
        assert_eq!(refused, NotAuthentic::Signature, "{headers:?}");
    }
    let signed = delivery(&[("X-Hub-Signature-256", SIGNATURE)], BODY);
    assert!(matches!(receive(&host(), &[], &signed).unwrap_err(), NotAuthentic::NoKey(_)));
    assert_eq!(receive(&host(), &["it's a secret to everybody"], &signed).unwrap_err(), NotAuthentic::Signature);
}

/// The name of an event is not signed, so it does not make a different event.
#[test]
fn the_same_body_under_another_name_is_the_same_event() {
    let named = |name| delivery(&[("X-Hub-Signature-256", SIGNATURE), ("X-GitHub-Event", name)], BODY);
    let push = receive(&host(), &[SECRET], &named("push"));
    let star = receive(&host(), &[SECRET], &named("star"));
    assert_eq!(push.unwrap().signed.expose(), star.unwrap().signed.expose());
}
