//! A corpus of numbered requests that systems read differently: each is refused, or decided as it will be sent.

mod bodies;
mod credentials;
mod graphql;
mod heads;
mod messages;
mod paths;

use crate::common::{Sent, rules};

/// A numbered request: the rules, the request, and the outcome.
type Entry = (u32, &'static str, Sent, &'static str);

/// Allows reading below one path, and asks about one kind of comment.
const REPOS: &str = r#"{"rule":[
    {"name":"read","methods":["GET","HEAD"],"path":"/repos/acme/{repo}/issues/**","effect":"allow"},
    {"name":"comment","methods":["POST"],"path":"/repos/acme/{repo}/issues/{number}/comments",
     "body":{"media":["application/json"],"max":"16 KiB","deny":["/labels"]},"effect":"ask"}]}"#;

/// Denies and asks about some paths, and allows all others.
const GATES: &str = r#"{"rule":[
    {"name":"no admin","path":"/admin/**","effect":"deny"},
    {"name":"no keys","path":"/user/keys","effect":"deny"},
    {"name":"removals","methods":["DELETE"],"path":"/items/{id}","effect":"ask"},
    {"name":"rest","path":"/**","effect":"allow"}]}"#;

/// Allows reading everything.
const READ: &str = r#"{"rule":[{"name":"read","methods":["GET","HEAD"],"effect":"allow"}]}"#;

/// Allows `POST` everywhere.
const WRITE: &str = r#"{"rule":[{"name":"write","methods":["POST"],"effect":"allow"}]}"#;

#[track_caller]
fn check(entries: Vec<Entry>) {
    for (number, text, sent, expected) in entries {
        assert_eq!(sent.outcome(&rules(text)), expected, "number {number}: {sent:?}");
    }
}

#[test]
fn the_corpus_has_consecutive_numbers() {
    let tables = [
        paths::encoded(),
        paths::structure(),
        paths::loose(),
        heads::methods(),
        heads::overrides(),
        heads::queries(),
        heads::upgrades(),
        credentials::headers(),
        credentials::parameters(),
        bodies::media(),
        bodies::json(),
        bodies::forms(),
        graphql::allowed(),
        graphql::gated(),
        messages::single(),
        messages::batches(),
        credentials::subprotocols(),
    ];
    let numbers: Vec<u32> = tables.iter().flatten().map(|(number, ..)| *number).collect();
    let expected: Vec<u32> = (1..=numbers.len() as u32).collect();
    assert_eq!(numbers, expected);
    assert!(numbers.len() >= 160, "the corpus has {} entries", numbers.len());
}

#[test]
fn encoded_paths_are_refused_or_decoded_once() {
    check(paths::encoded());
}

#[test]
fn paths_with_another_structure_are_refused() {
    check(paths::structure());
}

#[test]
fn rules_that_deny_or_ask_match_other_spellings_of_a_path() {
    check(paths::loose());
}

#[test]
fn methods_are_not_changed() {
    check(heads::methods());
}

#[test]
fn a_second_method_or_path_is_refused() {
    check(heads::overrides());
}

#[test]
fn subprotocols_of_websockets_hold_no_second_identity() {
    check(credentials::subprotocols());
}

#[test]
fn parameters_are_read_in_one_way() {
    check(heads::queries());
}

#[test]
fn an_upgrade_needs_a_rule_that_names_it() {
    check(heads::upgrades());
}

#[test]
fn a_second_identity_in_a_header_is_refused() {
    check(credentials::headers());
}

#[test]
fn a_second_identity_elsewhere_is_refused() {
    check(credentials::parameters());
}

#[test]
fn a_body_has_one_media_type() {
    check(bodies::media());
}

#[test]
fn json_that_readers_read_differently_matches_no_rule_that_allows() {
    check(bodies::json());
}

#[test]
fn forms_are_always_read() {
    check(bodies::forms());
}

#[test]
fn every_operation_of_a_document_is_decided() {
    check(graphql::allowed());
}

#[test]
fn a_hidden_mutation_does_not_pass_a_rule_that_asks() {
    check(graphql::gated());
}

#[test]
fn messages_match_if_they_are_named() {
    check(messages::single());
}

#[test]
fn a_batch_is_decided_as_its_strictest_message() {
    check(messages::batches());
}
