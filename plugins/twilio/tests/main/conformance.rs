//! The conformance suite for each way to log in, which also checks that no secret is shown.

use connection_plugin_twilio::Twilio;
use connection_testkit::{Reply, conformance::Suite};

use crate::{ACCOUNT, DENIED, KEY, SECRET, TOKEN, get_account, get_messages, with_key, with_token};

#[test]
fn every_sentence_of_the_contract_holds_with_an_auth_token() {
    let account = || get_account(ACCOUNT, TOKEN);
    let suite = Suite::new(|| Twilio).setup(with_token(), [account()]).verify([account()]);
    suite.recorded("tests/fixtures/auth-token").check();
}

#[test]
fn every_sentence_of_the_contract_holds_with_a_main_key() {
    let account = || get_account(KEY, SECRET);
    let suite = Suite::new(|| Twilio).setup(with_key(), [account()]).verify([account()]);
    suite.recorded("tests/fixtures/api-key").check();
}

#[test]
fn every_sentence_of_the_contract_holds_with_a_standard_key() {
    let requests = || [get_account(KEY, SECRET).answer(Reply::json(401, DENIED)), get_messages()];
    Suite::new(|| Twilio).setup(with_key(), requests()).verify(requests()).check();
}
