//! The conformance suite, which also checks that no token is shown.

use connection_plugin_gmail::gmail;
use connection_testkit::{Expected, Reply, conformance::Suite};

use crate::{ACCESS, CALLBACK, ID, REFRESH, SECRET, back, known, profile, redeem, renew, tokens};

fn revoke(token: &str, hint: &str) -> Expected {
    let form = [("token", token), ("token_type_hint", hint), ("client_id", ID), ("client_secret", SECRET)];
    Expected::post("https://oauth2.googleapis.com/revoke").form(&form)
}

#[test]
fn every_sentence_of_the_contract_holds() {
    let fresh = format!(r#"{{"access_token": "{ACCESS}", "expires_in": 3599}}"#);
    Suite::new(gmail)
        .host(|host| known(host.inbound_http(CALLBACK)))
        .setup([back()], [redeem().answer(tokens("")), profile()])
        .verify([profile()])
        .refresh([renew().answer(Reply::json(200, &fresh))])
        .teardown([revoke(REFRESH, "refresh_token"), revoke(ACCESS, "access_token")])
        .recorded("tests/fixtures/credential")
        .check();
}
