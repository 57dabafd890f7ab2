//! `refresh` prints its result and, after a failure, what to do. The tests run `examples/renewing.rs`.

use serde_json::Value;

use crate::{
    program::{Machine, Ran, check},
    provider::{KEY_SECRET, TOKEN},
    real::{PATIENCE, Running},
};

/// Returns a machine on which `renewing:ada` is connected.
pub(crate) fn connected() -> Machine {
    let mut machine = Machine::new();
    machine.set(
        "CONNECTIONS_HTTP__ENDPOINTS",
        &format!(r#"{{"https://api.renewing.example": "{}"}}"#, machine.provider.origin),
    );
    let input = machine
        .write("tokens.json", format!(r#"{{"accessToken": "{TOKEN}", "refreshToken": "{KEY_SECRET}"}}"#).as_bytes());
    run(&machine, &["add", "renewing", "--input", &input]).exits(0).says("Connected ada (renewing:ada)");
    machine
}

pub(crate) fn run(machine: &Machine, arguments: &[&str]) -> Ran {
    machine.run_example("renewing", arguments)
}

/// Makes the provider issue tokens with this number.
fn gives(machine: &Machine, number: usize) {
    machine.provider.tell(200, "", &format!(r#"{{"access": "access-{number}", "refresh": "refresh-{number}"}}"#));
}

#[test]
fn a_renewal_is_told_with_its_end() {
    let machine = connected();
    gives(&machine, 2);
    let ran = run(&machine, &["refresh", "renewing"]).exits(0);
    assert!(ran.out.starts_with("Renewed ada (renewing:ada) · live · the token expires in "), "{}", ran.out);
    let seen = machine.provider.seen();
    assert!(seen.iter().any(|seen| seen.path == "/token" && seen.body == format!("refresh_token={KEY_SECRET}")));
    gives(&machine, 3);
    let output = run(&machine, &["refresh", "renewing", "--json"]).exits(0).json();
    check(&output, "refreshed");
    check(&output["connection"], "connection");
    assert_eq!((&output["outcome"], &output["connection"]["renews"]), (&"refreshed".into(), &Value::Bool(true)));
    let events = run(&machine, &["events", "renewing", "--json"]).exits(0).json();
    let renewed: Vec<_> =
        events["events"].as_array().unwrap().iter().filter(|e| e["event"] == "credential_rotated").collect();
    assert_eq!(renewed.len(), 2, "{events}");
    assert_eq!(renewed[0]["details"]["outcome"], "refreshed");
    run(&machine, &["show", "renewing"]).exits(0).says("renewed before").says("can           send, refresh");
}

#[test]
fn a_renewal_of_a_connection_that_was_never_verified_is_no_failure() {
    let mut machine = Machine::new();
    machine.set(
        "CONNECTIONS_HTTP__ENDPOINTS",
        &format!(r#"{{"https://api.renewing.example": "{}"}}"#, machine.provider.origin),
    );
    let row = format!(
        r#"{{"kind": "renewing", "label": "ada", "identity": {{"id": "1", "label": "ada"}},
            "credential": {{"access": "{TOKEN}", "refresh": "{KEY_SECRET}"}}}}"#
    );
    let file = machine.write("connections.jsonl", row.replace('\n', " ").as_bytes());
    run(&machine, &["import", &file]).exits(0);
    gives(&machine, 2);
    run(&machine, &["refresh", "renewing"]).exits(0).says("Renewed ada");
}

#[test]
fn a_transient_failure_says_how_long_the_old_credential_works() {
    let machine = connected();
    machine.provider.tell(429, "retry-after: 60\r\n", "");
    let ran = run(&machine, &["refresh", "renewing"]).exits(4).warns("the current token expires in ");
    assert!(ran.out.is_empty() && ran.err.lines().count() == 2, "{}{}", ran.out, ran.err);
    let output = run(&machine, &["refresh", "renewing", "--json"]).exits(4).error();
    check(&output["error"], "error");
    assert_eq!(output["error"]["code"], "not_renewed");
    run(&machine, &["verify", "renewing"]).exits(0).says("live");
    gives(&machine, 2);
    run(&machine, &["refresh", "renewing"]).exits(0).says("Renewed ada");
}

#[test]
fn a_lost_answer_is_not_tried_over_and_over() {
    let machine = connected();
    machine.provider.tell(503, "", "");
    run(&machine, &["refresh", "renewing"]).exits(4).warns("may have been used");
    let requests = machine.provider.seen().len();
    gives(&machine, 2);
    let ran = run(&machine, &["refresh", "renewing"]).exits(4).warns("may have been used");
    let ran = ran.warns("nothing is sent again before 20").warns("connections reauthorize renewing:ada");
    ran.warns("the next attempt is at 20");
    run(&machine, &["refresh", "renewing", "--force"]).exits(4).warns("nothing is sent again before 20");
    assert_eq!(machine.provider.seen().len(), requests, "its quarantine is not over");
    run(&machine, &["list"]).exits(0).says("live").says("may have been used");
    run(&machine, &["show", "renewing"]).exits(0).says("live").says("(refresh_outcome_unknown)");
    let listed = run(&machine, &["list", "--json"]).exits(0).json();
    let listed = &listed[0];
    assert_eq!((&listed["liveness"], &listed["reason"]["code"]), (&"live".into(), &"refresh_outcome_unknown".into()));
    run(&machine, &["events", "renewing"]).exits(0).says("not_renewed").says("outcome: uncertain");
}

#[test]
fn a_fault_that_needs_a_person_names_the_command() {
    let machine = connected();
    machine.provider.tell(400, "", r#"{"error": "invalid_grant"}"#);
    let ran = run(&machine, &["refresh", "renewing"]).exits(4);
    let ran = ran.warns("the provider renews it no more").warns("connections reauthorize renewing:ada");
    assert!(ran.out.is_empty(), "{}", ran.out);
    run(&machine, &["list"]).exits(0).says("failing").says("connections reauthorize renewing:ada");
    let requests = machine.provider.seen().len();
    let again = run(&machine, &["refresh", "renewing"]).exits(4).warns("the provider renews it no more");
    again.warns("`connections refresh renewing:ada` asks");
    assert_eq!(machine.provider.seen().len(), requests + 1, "whoever asks is answered");
    gives(&machine, 2);
    run(&machine, &["refresh", "renewing"]).exits(0).says("Renewed ada");
    assert_eq!(machine.provider.seen().len(), requests + 2);
}

#[test]
fn a_refresh_without_a_refresh_token_says_that_there_is_nothing_to_renew() {
    let mut machine = Machine::new();
    let endpoints = format!(r#"{{"https://api.renewing.example": "{}"}}"#, machine.provider.origin);
    machine.set("CONNECTIONS_HTTP__ENDPOINTS", &endpoints);
    let input = machine.write("tokens.json", format!(r#"{{"accessToken": "{TOKEN}"}}"#).as_bytes());
    run(&machine, &["add", "renewing", "--input", &input]).exits(0);
    let requests = machine.provider.seen().len();
    for arguments in [&["refresh", "renewing"][..], &["refresh", "renewing", "--force"]] {
        let ran = run(&machine, arguments).exits(0);
        assert!(ran.out.starts_with("There is nothing to renew: ada (renewing:ada) · live · "), "{}", ran.out);
    }
    let output = run(&machine, &["refresh", "renewing", "--json"]).exits(0).json();
    check(&output, "refreshed");
    let renews = &output["connection"]["renews"];
    assert_eq!((&output["outcome"], renews), (&"nothing_to_renew".into(), &Value::Bool(false)));
    assert_eq!(machine.provider.seen().len(), requests, "nobody is asked");
    run(&machine, &["verify", "renewing"]).exits(0);
}

#[test]
fn a_refused_application_is_told_once_and_no_connection_is_to_be_authorized_again() {
    let machine = connected();
    machine.provider.tell(402, "", r#"{"error": "invalid_client"}"#);
    let ran = run(&machine, &["refresh", "renewing"]).exits(4).warns("replace client_secret in the configuration");
    assert!(!ran.err.contains("reauthorize"), "{}", ran.err);
    let listed = run(&machine, &["list"]).says("waits for its application");
    assert_eq!(listed.out.matches("does not accept the application").count(), 1, "{}", listed.out);
    let doctor = run(&machine, &["doctor"]);
    assert!(!doctor.out.contains("failed  connections     none of 1 failed"), "{}", doctor.out);
    for arguments in [&["list"][..], &["verify", "renewing"], &["doctor"]] {
        let ran = run(&machine, arguments);
        let said = "The application of the kind 'renewing' is refused, which concerns 1 connection";
        assert_eq!(ran.out.matches(said).count(), 1, "{}", ran.out);
        assert!(ran.out.contains("replace client_secret in the configuration"), "{}", ran.out);
        assert!(!ran.out.contains("reauthorize"), "{}", ran.out);
    }
}

#[test]
fn a_kind_that_renews_nothing_is_refused_with_the_way_out() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let requests = machine.provider.seen().len();
    let ran = machine.run(&["refresh", "github"]).exits(6).warns("renew");
    ran.warns("connections verify github:work").warns("connections reauthorize github:work");
    assert_eq!(machine.run(&["refresh", "github", "--json"]).exits(6).error()["error"]["code"], "not_supported");
    assert_eq!(machine.provider.seen().len(), requests);
    machine.run(&["refresh", "gmail"]).exits(5);
}

#[cfg(unix)]
fn interrupt(id: u32) {
    let interrupted = std::process::Command::new("kill").args(["-INT", &id.to_string()]).status().expect("kill runs");
    assert!(interrupted.success());
}

/// Starts a refresh whose provider does not answer yet, and interrupts it once.
#[cfg(unix)]
fn interrupted(machine: &Machine) -> Running {
    let silence = machine.provider.fall_silent();
    let mut command = machine.example("renewing");
    command.args(["refresh", "renewing"]);
    let mut refreshing = Running::of(command);
    silence.recv_timeout(PATIENCE).expect("the provider is asked");
    interrupt(refreshing.id());
    refreshing.line("Finishing the request in progress");
    refreshing
}

pub(crate) fn events(machine: &Machine, name: &str) -> usize {
    let events = run(machine, &["events", "renewing", "--json"]).exits(0).json();
    events["events"].as_array().expect("there are events").iter().filter(|event| event["event"] == name).count()
}

#[cfg(unix)]
#[test]
fn control_c_lets_what_a_provider_was_asked_for_come_to_its_end() {
    let machine = connected();
    let refreshing = interrupted(&machine);
    machine.provider.speak_up(r#"{"access": "access-2", "refresh": "refresh-2"}"#);
    refreshing.end().exits(130).warns("interrupted");
    assert_eq!((events(&machine, "credential_rotated"), events(&machine, "not_renewed")), (1, 0));
}

#[cfg(unix)]
#[test]
fn control_c_again_ends_it_at_once_and_the_note_of_what_was_sent_stays() {
    let machine = connected();
    let refreshing = interrupted(&machine);
    interrupt(refreshing.id());
    refreshing.end().exits(130).warns("interrupted");
    assert_eq!((events(&machine, "credential_rotated"), events(&machine, "not_renewed")), (0, 0));
    machine.provider.speak();
    gives(&machine, 2);
    let requests = machine.provider.seen().len();
    run(&machine, &["refresh", "renewing"]).exits(4);
    assert_eq!(machine.provider.seen().len(), requests, "it may have been spent, and its quarantine is not over");
}
