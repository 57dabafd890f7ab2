//! A file of a kind that changed, or that is gone: nothing is sent, every command says so, and `kinds accept` ends it.
#![cfg(unix)]

use connection_contract::Record;
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
    let requests = machine.provider.seen().len();
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
    assert_eq!(machine.provider.seen().len(), requests, "nothing was sent");

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

#[track_caller]
fn listed(machine: &Machine, state: &str) -> usize {
    let listed = machine.run(&["list", "--state", state, "--json"]).exits(0).json();
    let listed = listed.as_array().expect("an array");
    assert!(listed.iter().all(|info| info["liveness"] == state), "{listed:?}");
    listed.len()
}

/// The store has what was measured last; the list has what holds for the kinds of this process.
#[test]
fn a_list_by_state_has_the_connections_whose_kind_changed_or_is_gone() {
    let machine = connected();
    let count = |machine: &Machine| ["live", "failing", "unknown", "offline"].map(|state| listed(machine, state));
    assert_eq!(count(&machine), [1, 0, 0, 0]);
    change(&machine);
    assert_eq!(count(&machine), [0, 1, 0, 0]);
    machine.run(&["list", "--state", "failing"]).exits(0).says("connections kinds accept acme");
    machine.run(&["list", "--state", "failing", "--all-owners"]).exits(0).says("connections kinds accept acme");
    machine.run(&["list", "--state", "failing", "--kind", "acme"]).exits(0).says("acme:Ada");
    machine.run(&["list", "--state", "failing", "--kind", "github"]).exits(0).says("No connection matches");
    let both = machine.run(&["list", "--state", "failing", "--state", "live", "--json"]).exits(0).json();
    assert_eq!(both.as_array().unwrap().len(), 1);
    std::fs::remove_file(machine.path(FILE)).unwrap();
    assert_eq!(count(&machine), [0, 0, 1, 0]);
}

/// There are more connections than are sorted at once.
#[test]
fn a_long_list_has_them_among_those_that_need_attention() {
    let machine = connected();
    let credential = Record::new().with("version", "1").with("secret", "apiKey").with("is", NOTION_KEY).encode();
    let line = |number: usize| {
        let identity = json!({ "id": format!("id-{number}"), "label": "Bob" });
        let label = format!("label-{number}");
        json!({ "kind": "acme", "label": label, "identity": identity, "credential": credential.expose_str() })
            .to_string()
    };
    let many: Vec<_> = (0..1100).map(line).collect();
    machine.feed(&["import", "-"], &many.join("\n")).exits(0).says("Imported 1100");
    assert_eq!((listed(&machine, "live"), listed(&machine, "unknown")), (1, 1100));
    change(&machine);
    assert_eq!((listed(&machine, "live"), listed(&machine, "failing")), (0, 1101));
    machine.run(&["list"]).exits(0).says("failing").says("connections kinds accept acme");
    let all = machine.run(&["list", "--json"]).exits(0).json();
    assert_eq!(all.as_array().unwrap().len(), 1101);
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
    assert_eq!((&removed["teardown"], &removed["reason"]["code"]), (&json!("not_revoked"), &json!("kind_changed")));
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
