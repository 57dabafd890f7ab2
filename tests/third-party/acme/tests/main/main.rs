//! The plugin against a fake host; nothing leaves the process.

use connection_contract::prelude::*;
use connection_plugin_acme::Acme;
use connection_testkit::{Expected, FakeHost, Input, Reply, conformance::Suite};

const KEY: &str = "canary-5f2c9be1a7d34e60";

fn key() -> Input {
    Input::answers(&[("apiKey", KEY)])
}

/// The one request that the plugin knows, and its answer, as the provider documents them.
fn get_me() -> Expected {
    Expected::get("https://api.acme.example/me")
        .header("authorization", &format!("Bearer {KEY}"))
        .answer(Reply::json(200, r#"{"id": "42", "name": "Ada"}"#))
}

#[test]
fn every_sentence_of_the_contract_holds() {
    Suite::new(|| Acme).setup([key()], [get_me()]).verify([get_me()]).check();
}

#[test]
fn a_key_becomes_a_connection_of_its_account() {
    let host = FakeHost::new(Acme).expect(get_me());
    let made = host.setup([key()]).run().unwrap();
    assert_eq!(made.identity, Identity::new("42", "Ada"));
}

#[test]
fn a_refused_key_connects_nothing() {
    let host = FakeHost::new(Acme).expect(get_me().answer(Reply::status(401)));
    assert_eq!(host.setup([key()]).run().unwrap_err().code, reason::UNAUTHORIZED);
}
