//! The conformance suite for each kind, with an API key, with a token and with the tool's own login.

use connection_testkit::{Input, conformance::Suite};

use crate::{ADMIN, KEY, TOKEN, equipped, kinds, models, signed_in};

#[test]
fn every_sentence_of_the_contract_holds_with_an_api_key() {
    for (kind, make) in kinds() {
        let inputs = [Input::answers(&[("how", "apiKey")]), Input::answers(&[("apiKey", KEY)])];
        let suite = Suite::new(make).setup(inputs, [models(kind)]).verify([models(kind)]);
        suite.recorded("tests/fixtures/api-key").check();
    }
}

#[test]
fn every_sentence_of_the_contract_holds_with_an_admin_key_too() {
    for (kind, make) in kinds().into_iter().take(2) {
        let inputs = [Input::answers(&[("how", "apiKey")]), Input::answers(&[("apiKey", KEY), ("adminKey", ADMIN)])];
        let suite = Suite::new(make).setup(inputs, [models(kind)]).verify([models(kind)]);
        suite.recorded("tests/fixtures/admin-key").check();
    }
}

#[test]
fn every_sentence_of_the_contract_holds_with_a_token() {
    let (_, claude) = kinds()[0];
    let inputs = [Input::answers(&[("how", "setupToken")]), Input::answers(&[("setupToken", TOKEN)])];
    let suite = Suite::new(claude).host(|host| equipped(host, &[])).setup(inputs, []);
    // The token is for the tool alone, and is attached to no request.
    suite.seats([]).recorded("tests/fixtures/setup-token").check();
}

#[test]
fn every_sentence_of_the_contract_holds_with_the_tools_own_login() {
    for (kind, make) in kinds() {
        let suite = || {
            let suite = Suite::new(make).setup([Input::answers(&[("how", "own")])], []);
            suite.recorded(&format!("tests/fixtures/own-{kind}"))
        };
        suite().host(move |host| equipped(host, &signed_in(kind))).check();
        suite().host(move |host| equipped(host, &signed_in(kind)).without_file_cache()).check();
    }
}

#[test]
fn every_sentence_of_the_contract_holds_where_nothing_tells_the_account() {
    for (_, make) in kinds() {
        Suite::new(make)
            .host(|host| equipped(host, &[("settings.json", "{}".to_owned()), ("config.toml", String::new())]))
            .setup([Input::answers(&[("how", "own")])], [])
            .recorded("tests/fixtures/own")
            .check();
    }
}
