//! Tests of setups that continue after a bad network, and of time and inputs in every replay.

use connection_contract::prelude::*;
use connection_testkit::{Input, Reply, offline};

use crate::{
    acme::{get_me, host, key},
    check,
    quirk::Quirk,
};

#[test]
fn a_bad_network_keeps_the_answers_and_asks_the_provider_again() {
    let lost = || get_me().answer(Reply::error(HttpError::Connect));
    let host = host(Quirk::None).expect(lost()).expect(lost()).expect(get_me());
    let run = host.setup([key(), Input::Resume, Input::Resume]).trace();
    assert_eq!(run.result.unwrap().identity.account_id.as_str(), "42");
    assert_eq!(run.effects, 2, "a request that met a bad network is not kept");
}

#[test]
fn without_resume_the_setup_waits_as_offline() {
    let host = host(Quirk::None).expect(get_me().answer(Reply::status(503)));
    let failure = host.setup([key()]).run().unwrap_err();
    assert_eq!(offline(&failure).unwrap().liveness, Liveness::Offline);
}

#[test]
fn a_refusal_cannot_be_resumed() {
    let refused = get_me().answer(Reply::status(401));
    check(
        "the setup ended as unauthorized: the provider refuses the credential; the script still has to resume",
        || host(Quirk::None).expect(refused).setup([key(), Input::Resume]).run(),
    );
}
