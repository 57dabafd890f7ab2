//! `tokens`: the tokens of pages and programs.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use serde_json::{Value, json};

use crate::program::{Machine, check};

fn listed(machine: &Machine) -> Vec<Value> {
    machine.run(&["tokens", "--json"]).exits(0).json().as_array().unwrap().clone()
}

fn end(token: &Value) -> String {
    let id = token["id"].as_str().unwrap();
    id[id.len() - 8..].to_owned()
}

#[test]
fn a_token_is_printed_once_listed_without_its_text_and_revoked() {
    let machine = Machine::new();
    let made = machine.run(&["tokens", "create", "nightly report"]).exits(0).warns("shown once");
    let text = made.out.trim();
    assert!(text.starts_with("cn_") && text.len() == 46, "{text}");
    let tokens = listed(&machine);
    let token = &tokens[0];
    check(token, "token");
    assert_eq!((&token["role"], &token["owner"], &token["page"]), (&json!("read"), &json!("local"), &json!(false)));
    let shown = machine.run(&["tokens"]).exits(0).says("nightly report").says("read").says("never");
    assert!(!shown.out.contains(&text[3..]));
    machine.run(&["tokens", "revoke", &end(token)]).exits(0).says("Revoked nightly report");
    assert_ne!(listed(&machine)[0]["revokedAt"], Value::Null);
    machine.run(&["tokens"]).exits(0).says("revoked");
    // It is no longer live, so that it cannot be revoked again.
    machine.run(&["tokens", "revoke", "nightly report"]).exits(5).warns("`connections tokens` lists");
}

#[test]
fn a_token_acts_for_its_owner_or_for_every_owner_or_for_an_extension() {
    let machine = Machine::new();
    let made = machine.run(&["tokens", "create", "a", "--role", "manage", "--days", "7", "--json"]).exits(0).json();
    check(&made, "issuedToken");
    assert_eq!((&made["role"], &made["owner"]), (&json!("manage"), &json!("local")));
    let made = machine.run(&["tokens", "create", "b", "--role", "admin", "--every-owner", "--json"]).exits(0).json();
    assert_eq!(made["owner"], Value::Null);
    machine.run(&["tokens", "create", "c", "--owner", "ada"]).exits(0);
    let named = |owner: &str| {
        let tokens = machine.run(&["tokens", "--json", "--owner", owner]).exits(0).json();
        tokens.as_array().unwrap().iter().map(|token| token["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(named("local"), ["a", "b"]);
    assert_eq!(named("ada"), ["b", "c"]);
    machine.run(&["tokens", "create", "d", "--extension", "issues"]).exits(5).warns("issues");
    let manifest = machine.write(
        "issues.json",
        br#"{"name":"issues","connection":{"id":"default","provider":"github","title":"GitHub","auth":{"type":"personalAccessToken","secretNames":["accessToken"]}}}"#,
    );
    machine.run(&["extensions", "add", &manifest]).exits(0);
    let made = machine.run(&["tokens", "create", "d", "--extension", "issues", "--json"]).exits(0).json();
    assert_eq!((&made["role"], &made["extension"]), (&json!("extension"), &json!("issues")));
    machine.run(&["tokens"]).exits(0).says("extension: issues");
}

#[test]
fn several_tokens_of_a_name_are_told_apart_by_their_ids() {
    let machine = Machine::new();
    machine.run(&["tokens", "create", "report"]).exits(0);
    machine.run(&["tokens", "create", "report"]).exits(0);
    machine.run(&["tokens", "revoke", "report"]).exits(2).warns("name one by its id");
    let tokens = listed(&machine);
    // Nothing is revoked if one of the references is wrong.
    machine.run(&["tokens", "revoke", &end(&tokens[0]), "other"]).exits(5);
    assert!(listed(&machine).iter().all(|token| token["revokedAt"].is_null()));
    let revoked = machine.run(&["tokens", "revoke", "--all", "--json"]).exits(0).json();
    assert_eq!(revoked.as_array().unwrap().len(), 2);
    machine.run(&["tokens", "revoke", "--pages"]).exits(0).says("nothing was revoked");
}

#[test]
fn a_mistyped_token_is_not_repeated() {
    let machine = Machine::new();
    let made = machine.run(&["tokens", "create", "report"]).exits(0);
    let text = made.out.trim().to_owned();
    let refused = machine.run(&["tokens", "revoke", &text]).exits(5).warns("no token has that id or name");
    assert!(!refused.err.contains(&text[3..]));
    machine.run(&["tokens", "create", "report", "--role", "root"]).exits(2);
    machine.run(&["tokens", "create", "report", "--days", "0"]).exits(2);
    machine.run(&["tokens", "create", ""]).exits(2);
}
