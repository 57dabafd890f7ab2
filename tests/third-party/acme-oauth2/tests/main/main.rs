//! The kind against a fake host; nothing leaves the process.

use connection_contract::prelude::*;
use connection_oauth2::{CLIENT_KEY, OAuth2, client_value};
use connection_plugin_acme::kind;
use connection_testkit::{Expected, FakeHost, Reply, conformance::Suite, oauth2};

const TOKEN: &str = "https://id.acme.example/token";
const REVOKE: &str = "https://id.acme.example/revoke";

/// A host that knows the application, as after the first setup.
fn known(host: FakeHost<OAuth2>) -> FakeHost<OAuth2> {
    let secret = Secret::from(oauth2::CLIENT_SECRET);
    oauth2::host(host).secret_value(CLIENT_KEY, client_value(oauth2::CLIENT_ID, Some(&secret)))
}

/// The request that tells whose token it is, and its answer, as the provider documents them.
fn get_me() -> Expected {
    let request = oauth2::with_token(Expected::get("https://api.acme.example/me"));
    request.answer(Reply::json(200, r#"{"id": "42", "name": "Ada"}"#))
}

#[test]
fn every_sentence_of_the_contract_holds() {
    Suite::new(kind)
        .host(known)
        .setup([oauth2::back()], [oauth2::redeem(TOKEN), get_me()])
        .verify([get_me()])
        .refresh([oauth2::renew(TOKEN)])
        .teardown(oauth2::revoke(REVOKE))
        .check();
}

#[test]
fn the_first_setup_asks_for_the_application_and_makes_a_connection_of_its_account() {
    let host = oauth2::host(FakeHost::new(kind())).expect(oauth2::redeem(TOKEN)).expect(get_me());
    let made = host.setup([oauth2::application_answers(), oauth2::back()]).run().unwrap();
    assert_eq!(made.identity, Identity::new("42", "Ada"));
}

#[test]
fn a_refused_token_is_failing() {
    let host = known(FakeHost::new(kind()));
    let host = host.expect(oauth2::redeem(TOKEN)).expect(get_me()).expect(get_me().answer(Reply::status(401)));
    let made = host.setup([oauth2::back()]).run().unwrap();
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!((found.liveness, &*found.reason.unwrap().code), (Liveness::Failing, reason::UNAUTHORIZED));
}
