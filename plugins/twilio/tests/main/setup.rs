//! Setup: with an auth token, with each type of key, and with neither.

use connection_contract::prelude::*;
use connection_plugin_twilio::Twilio;
use connection_testkit::{Input, Reply, offline};

use crate::{ACCOUNT, DENIED, KEY, SECRET, TOKEN, account, get_account, get_messages, host, with_key, with_token};

#[test]
fn an_auth_token_becomes_a_connection_of_its_account() {
    let host = host().expect(get_account(ACCOUNT, TOKEN));
    let made = host.setup(with_token()).run().unwrap();
    assert_eq!(made.identity, Identity::new(ACCOUNT, "Acme Support"));
    assert_eq!(host.secret(&made.credential, "authToken").unwrap().expose_str(), Some(TOKEN));
    assert!(host.secret(&made.credential, "apiKeySecret").is_none());
}

#[test]
fn a_main_key_reads_the_account_itself() {
    let host = host().expect(get_account(KEY, SECRET));
    let made = host.setup(with_key()).run().unwrap();
    assert_eq!(made.identity, Identity::new(ACCOUNT, "Acme Support"));
    assert_eq!(host.secret(&made.credential, "apiKeySecret").unwrap().expose_str(), Some(SECRET));
    assert!(host.secret(&made.credential, "authToken").is_none());
}

#[test]
fn a_standard_key_is_proven_by_reading_messages() {
    let host = host().expect(get_account(KEY, SECRET).answer(Reply::json(401, DENIED))).expect(get_messages());
    let made = host.setup(with_key()).run().unwrap();
    assert_eq!(made.identity, Identity::new(ACCOUNT, ACCOUNT), "it may not read the account's name");
}

#[test]
fn a_wrong_key_is_refused_at_both_and_asked_again() {
    let denied = || Reply::json(401, DENIED);
    let host = host()
        .expect(get_account(KEY, SECRET).answer(denied()))
        .expect(get_messages().answer(denied()))
        .expect(get_account(ACCOUNT, TOKEN));
    let run = host.setup([with_key(), with_token()].into_iter().flatten()).trace();
    assert!(run.result.is_ok());
    let problems = run.steps.iter().filter_map(|step| step.prompt.as_ref()?.problem.clone());
    assert_eq!(problems.collect::<Vec<_>>(), ["Twilio does not accept this login".into()]);
}

#[test]
fn a_wrong_auth_token_is_asked_again_at_most_three_times() {
    let refused = || get_account(ACCOUNT, TOKEN).answer(Reply::json(401, DENIED));
    let host = host().expect(refused()).expect(refused()).expect(refused());
    let failure = host.setup([with_token(), with_token(), with_token()].into_iter().flatten()).run().unwrap_err();
    assert_eq!(failure.code, reason::UNAUTHORIZED);
}

#[test]
fn an_empty_secret_is_asked_for_again_and_nothing_is_sent() {
    for first in [&[("accountSid", ACCOUNT)][..], &[("accountSid", ACCOUNT), ("apiKeySid", KEY)]] {
        let host = host().expect(get_account(ACCOUNT, TOKEN));
        let incomplete = [Input::answers(first), Input::answers(&[])];
        let run = host.setup(incomplete.into_iter().chain(with_token())).trace();
        assert!(run.result.is_ok(), "nothing is sent for an incomplete login");
        let problems = run.steps.iter().filter_map(|step| step.prompt.as_ref()?.problem.clone());
        assert_eq!(problems.collect::<Vec<_>>(), ["give the auth token, or both parts of an API key".into()]);
    }
}

#[test]
fn an_account_that_is_not_active_ends_the_setup_with_the_reason() {
    for (status, code) in [("suspended", reason::SUSPENDED), ("closed", reason::CLOSED)] {
        let host = host().expect(get_account(ACCOUNT, TOKEN).answer(account(status)));
        let failure = host.setup(with_token()).run().unwrap_err();
        assert_eq!(failure.code, code);
        assert!(offline(&failure).is_none());
    }
}

#[test]
fn the_shape_of_each_sid_is_declared() {
    let descriptor = Twilio.descriptor();
    let pattern = |name| descriptor.fields.iter().find(|f| f.name == name).unwrap().pattern.as_deref();
    assert_eq!(pattern("accountSid"), Some("AC[0-9a-fA-F]{32}"));
    assert_eq!(pattern("apiKeySid"), Some("SK[0-9a-fA-F]{32}"));
    assert_eq!(descriptor.secret_names, ["authToken", "apiKeySecret"], "its secret fields");
}
