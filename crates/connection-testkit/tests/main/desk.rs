//! Tests of the worked example with each facet: its prompts, requests and refresh.

use connection_contract::prelude::*;
use connection_testkit::{
    Expected, FakeHost, Input, Reply,
    conformance::Suite,
    fixtures::{DESK, Desk},
};

const TOKEN: &str = "canary-token-51d0e7a3";
const RENEWAL: &str = "canary-renewal-9c22b8f4";

fn answered() -> Input {
    Input::answers(&[("token", TOKEN), ("renewalToken", RENEWAL)])
}

fn search() -> Expected {
    Expected::post(&format!("{DESK}/search"))
        .header("x-desk-token", TOKEN)
        .header("x-desk-version", "2026-01-01")
        .without_header("authorization")
        .json(r#"{"query": "me", "limit": 1}"#)
        .answer(Reply::json(200, r#"{"user": {"id": "d-1", "name": "Ada"}}"#))
}

fn renew() -> Expected {
    Expected::post(&format!("{DESK}/renew"))
        .no_redirect()
        .without_header("x-desk-token")
        .form(&[("renewalToken", RENEWAL)])
        .answer(Reply::json(200, r#"{"token": "fresh-token", "renewalToken": "fresh-renewal"}"#))
}

fn usage() -> Expected {
    let request = Expected::get(&format!("{DESK}/usage")).header("x-desk-token", TOKEN);
    request.answer(Reply::json(200, r#"{"requests": 7}"#))
}

#[test]
fn every_sentence_of_the_contract_holds_for_the_desk() {
    Suite::new(Desk::default)
        .setup([answered()], [search()])
        .verify([search()])
        .refresh([renew()])
        .usage([usage()])
        .recorded("tests/fixtures/desk")
        .check();
}

#[test]
fn a_refused_answer_is_asked_again_with_its_problem() {
    let refused = || search().answer(Reply::status(401));
    let host = FakeHost::new(Desk::default()).expect(refused()).expect(search());
    let run = host.setup([answered(), answered()]).trace();
    assert_eq!(run.result.unwrap().identity, Identity::new("d-1", "Ada"));
    let problem = |step: &connection_testkit::Step| step.prompt.as_ref().unwrap().problem.clone();
    let problems: Vec<_> = run.steps.iter().map(problem).collect();
    assert_eq!(problems, [None, Some(DisplayText::from("the provider refuses the credential"))]);

    let host = FakeHost::new(Desk::default()).expect(refused()).expect(refused()).expect(refused());
    let failure = host.setup([answered(), answered(), answered()]).run().unwrap_err();
    assert_eq!((&*failure.code, failure.remedy.unwrap().as_str()), (reason::UNAUTHORIZED, "make new ones"));
}

#[test]
fn a_renewal_replaces_both_tokens_and_one_that_is_refused_needs_new_ones() {
    let host = FakeHost::new(Desk::default()).expect(search()).expect(renew());
    let made = host.setup([answered()]).run().unwrap();
    let connection = host.connection(&made);
    let fresh = host.refresh(&made.credential, &connection).unwrap();
    assert_eq!(fresh.valid_until, Some(host.now().after(3600)));
    assert_eq!(host.secret(&fresh.credential, "token").unwrap().expose(), b"fresh-token");
    let host = host.expect(renew().answer(Reply::status(403)));
    let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &connection) else {
        panic!("it is not live")
    };
    assert_eq!(found.reason.code, reason::NEEDS_REAUTHORIZATION);
}

#[test]
fn each_facet_of_the_desk_is_there_and_its_usage_is_read() {
    let host = FakeHost::new(Desk::default()).expect(search()).expect(usage());
    let made = host.setup([answered()]).run().unwrap();
    let snapshot = host.fetch_usage(&made.credential, &host.connection(&made)).unwrap();
    let [UsageMetric::TokenUtilization(requests)] = snapshot.metrics.as_slice() else { panic!("{snapshot:?}") };
    assert_eq!(requests.used, 7);
    let desk = host.definition();
    assert_eq!(desk.profiles().unwrap().env_var, "DESK_HOME");
    assert!(desk.sandbox().unwrap().config_mounts[0].is_profile);
}
