//! A file of a kind that changed, or that is gone: nothing is sent, every command says so, and `kinds accept` ends it.
#![cfg(unix)]

use serde_json::json;

use crate::{
    program::{Machine, check},
    provider::NOTION_KEY,
};

pub(crate) const FILE: &str = "configuration/kinds/acme.toml";
pub(crate) const ACME: &str = include_str!("../../../connection-manifest/examples/acme.toml");
const BEFORE: &str = "headers = { Authorization = \"Bearer ${secret.apiKey}\" }";
const NOW: &str = "headers = { X-Api-Key = \"${secret.apiKey}\" }";

/// Returns a machine with a connected account of the kind.
pub(crate) fn connected() -> Machine {
    let machine = Machine::new();
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{}\"\n", machine.provider.origin));
    machine.provider.tell(200, "", r#"{"id":7,"name":"Ada"}"#);
    machine.write(FILE, ACME.as_bytes());
    let key = machine.write("key", NOTION_KEY.as_bytes());
    machine.run(&["add", "acme", "--field", &format!("apiKey=@{key}")]).exits(0).says("Ada");
    machine
}

pub(crate) fn change(machine: &Machine) {
    assert!(ACME.contains(BEFORE));
    machine.write(FILE, ACME.replace(BEFORE, NOW).as_bytes());
}

#[test]
fn nothing_is_sent_until_a_changed_file_is_accepted() {
    let machine = connected();
    change(&machine);
    let asked = machine.provider.seen().len();
    let command = "connections kinds accept acme";
    let said = "the kind 'acme' no longer sends secrets as it did";
    machine.run(&["send", "acme", "GET", "/me"]).exits(6).warns(said).warns(command);
    machine.run(&["verify", "acme"]).exits(4).warns(said).warns(command);
    machine.run(&["list"]).exits(0).says("failing").says(said).says(command);
    machine.run(&["show", "acme"]).exits(0).says(said).says("kind_changed").says(command);
    machine.run(&["doctor"]).exits(4).says(said).says(command);
    let shown = machine.run(&["show", "acme", "--json"]).exits(0).json();
    assert_eq!((&shown["liveness"], &shown["reason"]["code"]), (&json!("failing"), &json!("kind_changed")));
    machine.run(&["kinds", "accept", "acme"]).exits(2).warns("--yes");
    assert_eq!(machine.provider.seen().len(), asked, "nothing was sent");

    let accepted = machine.run(&["kinds", "accept", "acme", "--yes"]).exits(0);
    let accepted = accepted.says("Change of acme, for 1 account:");
    let accepted = accepted.says("- request.headers.Authorization = \"Bearer ${secret.apiKey}\"");
    accepted.says("+ request.headers.X-Api-Key = \"${secret.apiKey}\"").says("Accepted for 1 account.");
    machine.run(&["send", "acme", "GET", "/me"]).exits(0).says("Ada");
    let seen = machine.provider.seen().pop().unwrap();
    assert_eq!((seen.headers.get("authorization"), &*seen.headers["x-api-key"]), (None, NOTION_KEY));
    machine.run(&["verify", "acme"]).exits(0);
    machine.run(&["events", "acme"]).exits(0).says("kind_accepted");
    machine.run(&["kinds", "accept", "acme", "--yes"]).exits(0).says("No connection of acme waits");
}

#[test]
fn programs_are_told_what_was_accepted() {
    let machine = connected();
    change(&machine);
    let error = machine.run(&["kinds", "accept", "acme", "--json"]).exits(2).error();
    assert_eq!(error["error"]["code"], "confirmation_required");
    let accepted = machine.run(&["kinds", "accept", "acme", "--yes", "--json"]).exits(0).json();
    check(&accepted, "accepted");
    check(&accepted["changes"][0], "kindChange");
    assert_eq!((&accepted["kind"], &accepted["connections"]), (&json!("acme"), &json!(1)));
    machine.run(&["kinds", "accept", "acme", "--json"]).exits(0);
    machine.run(&["kinds", "accept", "amce", "--yes"]).exits(5).warns("Did you mean 'acme'?");
}

#[test]
fn a_change_of_texts_needs_no_acceptance() {
    let machine = connected();
    let text =
        ACME.replace("label = \"API key\"", "label = \"Key\"").replace("name = \"Acme\"", "name = \"Acme Inc.\"");
    machine.write(FILE, text.as_bytes());
    machine.run(&["send", "acme", "GET", "/me"]).exits(0).says("Ada");
}

#[test]
fn a_removal_under_a_changed_file_says_why_nothing_was_revoked() {
    let machine = connected();
    change(&machine);
    let removed = machine.run(&["remove", "acme", "--yes", "--json"]).exits(0).json();
    assert_eq!((&removed["teardown"], &removed["reason"]["code"]), (&json!("skipped"), &json!("kind_changed")));
}

#[test]
fn a_file_that_is_gone_is_named_wherever_its_connections_are_shown() {
    let machine = connected();
    std::fs::remove_file(machine.path(FILE)).unwrap();
    let said = "no kind 'acme' is registered: its file in the directory of kinds is gone";
    let list = machine.run(&["list"]).exits(0).says(said).says("put the file back");
    assert!(!list.out.contains("connections remove"), "{}", list.out);
    machine.run(&["show", "acme"]).exits(0).says(said).says("put the file back");
    machine.run(&["doctor"]).exits(4).says(said);
    machine.run(&["send", "acme", "GET", "/me"]).exits(5).warns("put its file back");
    machine.write(FILE, ACME.as_bytes());
    machine.run(&["send", "acme", "GET", "/me"]).exits(0).says("Ada");
}
