//! A binary with kinds of its own (`examples/acme.rs`): it contains none of our kinds, and its kinds do what ours
//! never do.

use crate::program::{Machine, Ran};

fn acme(machine: &Machine, arguments: &[&str]) -> Ran {
    machine.run_example("acme", arguments)
}

fn add(machine: &Machine, name: &str) -> Ran {
    let input =
        machine.write("acme.json", format!(r#"{{"name": "{name}", "token": "0123456789abcdefSECRETkey"}}"#).as_bytes());
    acme(machine, &["add", "acme", "--input", &input])
}

#[test]
fn a_binary_of_ones_own_has_its_kinds_and_no_others() {
    let machine = Machine::new();
    let kinds = acme(&machine, &["kinds"]).exits(0).says("acme");
    assert!(!kinds.out.contains("github"), "{}", kinds.out);
    add(&machine, "bold").exits(0).says("Connected bold (acme:bold) · live");
    acme(&machine, &["send", "acme", "GET", "/"]).exits(6);
}

#[test]
fn an_offline_account_is_kept_and_add_exits_with_4() {
    let machine = Machine::new();
    add(&machine, "offline").exits(4).says("Connected offline (acme:offline) · offline · Acme has closed for today");
    acme(&machine, &["verify", "acme"]).exits(4).says("Acme has closed for today");
    let removed = acme(&machine, &["remove", "acme", "--yes"]).exits(0).says("Removed offline");
    removed.warns("The credential was not revoked: Acme has closed for today. To end it, delete the credential at ");
}

#[test]
fn programs_are_told_why_a_credential_was_not_revoked() {
    let machine = Machine::new();
    add(&machine, "offline").exits(4);
    let removed = acme(&machine, &["remove", "acme", "--yes", "--json"]).exits(0).json();
    crate::program::check(&removed, "removed");
    assert_eq!((&removed["teardown"], &removed["previous"]), (&"failed".into(), &serde_json::Value::Null));
    let reason = &removed["reason"];
    assert_eq!((&reason["code"], &reason["message"]), (&"acme_closed".into(), &"Acme has closed for today".into()));
}

/// The provider takes back the credential of the other account, and not the one before.
#[test]
fn programs_are_told_why_the_previous_credential_was_not_revoked() {
    let machine = Machine::new();
    add(&machine, "offline").exits(4);
    let input = machine.write("bold.json", br#"{"name": "bold", "token": "0123456789abcdefSECRETkey"}"#);
    acme(&machine, &["reauthorize", "acme", "--another-account", "--input", &input]).exits(0);
    let removed = acme(&machine, &["remove", "acme", "--yes", "--json"]).exits(0).json();
    crate::program::check(&removed, "removed");
    assert_eq!((&removed["teardown"], &removed["reason"]), (&"revoked".into(), &serde_json::Value::Null));
    let reason = &removed["previousReason"];
    crate::program::check(reason, "reason");
    assert_eq!((&removed["previous"], &reason["code"]), (&"failed".into(), &"acme_closed".into()));
    assert_eq!(reason["message"], "Acme has closed for today");
}

#[test]
fn help_and_hints_name_the_command_of_the_host() {
    let machine = Machine::new();
    let help = acme(&machine, &["--help"]).exits(0).says("Usage: acme ");
    assert!(!help.out.contains("connections add"), "{}", help.out);
    acme(&machine, &["list"]).exits(0).says("`acme kinds`").says("`acme add KIND`");
    acme(&machine, &["show", "acme"]).exits(5).warns("`acme add acme`");
    let error = acme(&machine, &["show", "acme", "--json"]).exits(5).error();
    assert!(error["error"]["remedy"].as_str().unwrap().contains("`acme add acme`"), "{error}");
    acme(&machine, &["completions", "bash"]).exits(0).says("_clap_complete_acme()");
    machine.run(&["list"]).exits(0).says("`connections kinds`");
}

#[test]
fn a_setup_that_waits_for_a_time_goes_on_by_itself() {
    let machine = Machine::new();
    add(&machine, "patient").exits(0).says("Connected patient (acme:patient) · live").warns("Acme thinks about it");
}

#[test]
fn a_refused_account_ends_the_setup_with_3() {
    let machine = Machine::new();
    add(&machine, "refused").exits(3).warns("Acme does not accept it");
    acme(&machine, &["list"]).exits(0).says("Nothing is connected");
}

#[test]
fn a_token_that_dies_soon_needs_a_hand() {
    let machine = Machine::new();
    add(&machine, "bold").exits(0);
    add(&machine, "expiring").exits(0).says("· live · token expires in 5 days");
    let list = acme(&machine, &["list"]).exits(0).says("token expires in 5 days");
    assert!(list.out.contains("  acme reauthorize acme:expiring"), "{}", list.out);
    assert!(list.out.find("acme:expiring") < list.out.find("acme:bold"), "{}", list.out);
}

/// The payload of the panic holds the secret, so each `Ran` would find it.
#[test]
fn a_plugin_that_crashes_prints_where_and_no_payload() {
    let machine = Machine::new();
    let ran = add(&machine, "crashing").exits(3).warns("a bug: a part of the program crashed at ").warns("acme.rs");
    assert!(!ran.err.contains("payload"), "{}", ran.err);
    let input = machine.write("acme.json", br#"{"name": "crashing"}"#);
    let ran = acme(&machine, &["--json", "add", "acme", "--input", &input]).exits(3);
    assert_eq!(ran.error()["error"]["code"], "verify_failed");
}

#[test]
fn a_kind_whose_plugin_is_gone_is_listed_and_removed_and_nothing_else() {
    let machine = Machine::new();
    add(&machine, "bold").exits(0);
    machine
        .run(&["list"])
        .exits(0)
        .says("acme:bold")
        .says("no kind 'acme' is registered")
        .says("or remove the connection");
    machine.run(&["show", "acme"]).exits(0).says("bold").says("unknown");
    let shown = machine.run(&["show", "acme", "--json"]).exits(0).json();
    assert_eq!((&shown["liveness"], &shown["reason"]["code"]), (&"unknown".into(), &"unknown_kind".into()), "{shown}");
    machine.run(&["verify", "--all"]).exits(4).says("acme:bold");
    machine.run(&["send", "acme", "GET", "/"]).exits(5).warns("acme");
    machine.run(&["remove", "acme", "--yes"]).exits(0);
    machine.run(&["list"]).exits(0).says("Nothing is connected");
}
