//! The conformance suite, which also checks that the token is shown nowhere.

use connection_contract::prelude::*;
use connection_plugin_github::GitHub;
use connection_testkit::{Input, Reply, conformance::Suite};

use crate::{TOKEN, get_user, octocat, removal::revoke, token};

#[test]
fn every_sentence_of_the_contract_holds() {
    Suite::new(|| GitHub)
        .setup([token()], [get_user().answer(octocat())])
        .verify([get_user().answer(octocat())])
        .revoke([revoke(), get_user().answer(Reply::status(401))])
        .recorded("tests/fixtures/credential")
        .check();
}

#[test]
fn every_sentence_of_the_contract_holds_for_an_enterprise_server() {
    let api = "https://github.acme.example/api/v3";
    let user = || connection_testkit::Expected::get("https://github.acme.example/api/v3/user").answer(octocat());
    let input = Input::answers(&[("accessToken", TOKEN), ("apiBaseUrl", api)]);
    Suite::new(|| GitHub).setup([input], [user()]).verify([user()]).check();
}

#[test]
fn no_bytes_are_no_token() {
    assert!(GitHub.parse_credential(b"").is_err());
}
