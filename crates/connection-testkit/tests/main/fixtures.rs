//! Tests of the worked examples, by replay and with the conformance suite.

use connection_contract::{ConnectionDefinition, Identity, Liveness, Need, reason};
use connection_testkit::{
    Expected, FakeHost, Input, Reply,
    conformance::Suite,
    fixtures::{HUB, Hub, Node},
};

use crate::check;

const TOKEN: &str = "canary-token-9b1f40c7";
const ADDRESS: &str = "https://node.example/api";

fn offer() -> Expected {
    Expected::new("POST", &format!("{HUB}/pairings")).answer(Reply::status(201))
}

fn pairing() -> Expected {
    Expected::get(&format!("{HUB}/pairing"))
        .header("authorization", &format!("Bearer {TOKEN}"))
        .answer(Reply::json(200, r#"{"hub": "h-1", "name": "Kitchen"}"#))
}

fn hub() -> FakeHost<Hub> {
    FakeHost::new(Hub::default()).inbound_http("https://host.example/callback/hub")
}

fn typed() -> Input {
    Input::callback(&[("token", TOKEN)])
}

fn node_is(id: &str) -> Expected {
    Expected::get(&format!("{ADDRESS}/node"))
        .header("authorization", &format!("Bearer {TOKEN}"))
        .answer(Reply::json(200, &format!(r#"{{"id": "{id}", "name": "Attic"}}"#)))
}

fn linked() -> Input {
    Input::answers(&[("address", ADDRESS), ("token", TOKEN)])
}

#[test]
fn a_hub_is_paired_by_a_code_that_is_shown_and_a_callback_that_answers_it() {
    let host = hub().expect(offer()).expect(pairing());
    let run = host.setup([typed()]).trace();
    let made = run.result.unwrap();
    assert_eq!(made.identity, Identity::new("h-1", "Kitchen"));
    let [step] = run.steps.as_slice() else { panic!("{:?}", run.steps) };
    assert!(step.prompt.is_none() && step.open.is_none(), "nothing to answer here");
    let code = step.notices[0].user_code.as_ref().unwrap().as_str();
    assert!(code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_hexdigit()), "{code}");
    assert_eq!(step.notices[0].link.as_ref().unwrap().as_str(), "https://hub.example/pair");
}

#[test]
fn a_code_that_nobody_types_or_that_is_refused_pairs_nothing() {
    let late = hub().expect(offer()).setup([Input::Elapsed]).run().unwrap_err();
    assert_eq!((&*late.code, late.remedy.is_some()), ("hub_code_expired", true));
    let refused = hub().expect(offer()).setup([Input::callback(&[("error", "no")])]).run().unwrap_err();
    assert_eq!(refused.code, "hub_refused");
}

#[test]
fn a_host_that_cannot_be_called_back_says_so_before_anything_is_sent() {
    let new = || FakeHost::new(Hub::default());
    let alone = |uri| new().inbound_http(uri);
    for (host, why) in [
        (new(), "cannot receive callbacks"),
        (new().inbound_http_none_left(), "no free callback address now"),
        (alone("http://127.0.0.1:4711/callback/hub"), "callbacks only from its own machine"),
        (alone("http://localhost:4711/callback/hub"), "callbacks only from its own machine"),
        (alone("http://[::1]:4711/callback/hub"), "callbacks only from its own machine"),
    ] {
        let failure = host.setup([]).run().unwrap_err();
        assert_eq!(failure.code, "no_callback");
        assert!(failure.message.as_str().contains(why) && failure.remedy.is_some(), "{failure:?}");
    }
    assert_eq!(Hub::default().descriptor().needs, [Need::InboundHttp]);
}

#[test]
fn every_sentence_of_the_contract_holds_for_the_hub() {
    Suite::new(Hub::default)
        .host(|host| host.inbound_http("https://host.example/callback/hub"))
        .setup([typed()], [offer(), pairing()])
        .verify([pairing()])
        .teardown([Expected::new("DELETE", &format!("{HUB}/pairing"))])
        .recorded("tests/fixtures/hub")
        .check();
}

#[test]
fn a_node_is_reached_at_its_address_and_nowhere_else() {
    let host = FakeHost::new(Node::default()).expect(node_is("n-1"));
    let made = host.setup([linked()]).run().unwrap();
    assert_eq!(made.identity, Identity::new("n-1", "Attic"));
    assert_eq!(made.reach.base_url, Some(host.base_url(ADDRESS)));
    assert_eq!(host.connection(&made).config("address"), Some(ADDRESS));
}

#[test]
fn an_address_that_would_send_the_token_in_the_clear_is_refused() {
    let input = Input::answers(&[("address", "http://node.example"), ("token", TOKEN)]);
    check("'address' is an http address of another machine; https is required", || {
        FakeHost::new(Node::default()).setup([input]).run()
    });
}

/// The controls are an address without a confirmation, a host name and a public address. Nothing is sent to them.
#[test]
fn plain_http_is_taken_at_a_private_address_that_was_confirmed() {
    let refused = "'address' is an http address of another machine; https is required";
    let linked = |address: &str, confirmed: &str| {
        Input::answers(&[("address", address), ("token", TOKEN), ("unencrypted", confirmed)])
    };
    for (address, confirmed) in [
        ("http://192.168.1.20/api", "false"),
        ("http://node.example/api", "true"),
        ("http://192.0.2.1/api", "true"),
        ("http://169.254.169.254", "true"),
        ("http://0.0.0.0", "true"),
        ("http://192.168.1.20.evil.example", "true"),
    ] {
        check(refused, || FakeHost::new(Node::default()).setup([linked(address, confirmed)]).run());
    }
    for address in ["http://192.168.1.20/api", "http://10.0.0.1:8080", "http://172.16.9.9", "http://[fd12:3456::1]:80"]
    {
        let origin = address.trim_end_matches(":80").to_owned();
        let answered = Expected::get(&format!("{origin}/node"));
        let node = answered.answer(Reply::json(200, r#"{"id": "n-1", "name": "Attic"}"#));
        let host = FakeHost::new(Node::default()).expect(node);
        assert_eq!(host.setup([linked(address, "true")]).run().unwrap().identity, Identity::new("n-1", "Attic"));
    }
}

#[test]
fn another_node_at_the_address_is_failing_and_no_bad_network() {
    let host = FakeHost::new(Node::default()).expect(node_is("n-1")).expect(node_is("n-2"));
    let made = host.setup([linked()]).run().unwrap();
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!((found.liveness, &*found.reason.unwrap().code), (Liveness::Failing, reason::ACCOUNT_CHANGED));
}

/// The file `tests/fixtures/node-1.bin` holds the form of version 1, which is the token alone.
#[test]
fn every_sentence_of_the_contract_holds_for_the_node_and_both_forms_of_its_credential() {
    Suite::new(Node::default)
        .setup([linked()], [node_is("n-1")])
        .verify([node_is("n-1")])
        .recorded("tests/fixtures/node")
        .check();
}

#[test]
fn a_credential_of_version_1_follows_no_node_and_one_of_version_2_does() {
    let host = FakeHost::new(Node::default()).expect(node_is("n-1")).expect(node_is("n-2")).expect(node_is("n-2"));
    let made = host.setup([linked()]).run().unwrap();
    let connection = host.connection(&made);
    let stored = |bytes: &[u8]| host.definition().parse_credential(bytes).unwrap();
    let first = stored(include_bytes!("../fixtures/node-1.bin"));
    assert_eq!(host.verify(&first, &connection).unwrap().liveness, Liveness::Live);
    let second = stored(include_bytes!("../fixtures/node-2.bin"));
    assert_eq!(host.verify(&second, &connection).unwrap().liveness, Liveness::Failing);
}
