//! `kinds test`: the conformance suite over files, and a kind that is connected against a server of its author.

use serde_json::{Value, json};

use crate::{
    program::{Machine, check},
    provider::NOTION_KEY,
};

/// The example of the guide.
const ACME: &str = include_str!("../../../connection-manifest/examples/acme.toml");

#[track_caller]
fn check_shapes(tested: &Value) {
    check(tested, "tested");
    for kind in tested["kinds"].as_array().expect("an array") {
        check(kind, "testedKind");
        let checks = kind["checks"].as_array().expect("an array");
        checks.iter().for_each(|result| check(result, "kindCheck"));
    }
}

/// Runs the suite, which must find no problem, and returns the number of kinds that it tested.
#[track_caller]
fn no_problem_of(arguments: &[&str]) -> usize {
    let machine = Machine::new();
    let ran = machine.run(&[&["kinds", "test", "--json"], arguments].concat());
    let tested = ran.json();
    check_shapes(&tested);
    let kinds = tested["kinds"].as_array().expect("an array");
    let checks = |kind: &Value| kind["checks"].as_array().cloned().expect("an array");
    let problems: Vec<String> = kinds
        .iter()
        .flat_map(|kind| checks(kind).into_iter().map(move |check| (kind, check)))
        .filter(|(_, check)| !check["problem"].is_null())
        .map(|(kind, check)| format!("{} {}: {}", kind["id"], check["name"], check["problem"]))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!((ran.exit, &tested["failed"]), (0, &json!(0)));
    kinds.len()
}

#[test]
fn every_sentence_of_the_contract_holds_for_the_whole_catalogue() {
    assert!(no_problem_of(&[]) > 100);
}

/// One kind for each mechanism. Continuous integration tests the others at night.
#[test]
fn every_sentence_of_the_contract_holds_for_each_mechanism() {
    let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../connection-manifest/catalogue");
    let names = ["openai", "jira-token", "github-oauth", "app-store-connect", "zoom"];
    let files = names.map(|name| format!("{catalogue}/{name}.toml"));
    assert_eq!(no_problem_of(&files.each_ref().map(String::as_str)), names.len());
}

/// The file has no problem that `kinds check` could find: only the suite shows that an empty answer counts as a refusal.
#[test]
fn a_file_whose_kind_breaks_a_rule_fails() {
    let machine = Machine::new();
    let good = machine.write("acme.toml", ACME.as_bytes());
    machine
        .run(&["kinds", "test", &good])
        .exits(0)
        .says("  ok      failures: a transient failure")
        .says("1 tested, 0 failed");
    let broken = ACME.replace("path = \"/me\"", "path = \"/me\"\nerror_if = [{ pointer = \"/id\", exists = false }]");
    let broken = machine.write("broken/acme.toml", broken.as_bytes());
    machine.run(&["kinds", "check", &broken]).exits(0);
    let ran = machine.run(&["kinds", "test", &broken]).exits(2).says("1 tested, 1 failed");
    let ran = ran.says("  failed  failures: request 0 of verify meets 200 ").says("  ok      refresh: ");
    assert!(ran.err.is_empty(), "{}", ran.err);
    let tested = machine.run(&["kinds", "test", &broken, "--json"]).exits(2).json();
    check_shapes(&tested);
    let unread = machine.write("unread.toml", b"format = 1\n");
    let tested = machine.run(&["kinds", "test", &unread, "--json"]).exits(2).json();
    check(&tested["refused"][0], "refused");
    machine.run(&["kinds", "test", &good, "--from-env", "apiKey=KEY"]).exits(2).warns("--against");
}

#[test]
fn a_kind_is_connected_against_a_server_of_its_author_and_nothing_is_kept() {
    let mut machine = Machine::new();
    machine.set("ACME_KEY", NOTION_KEY);
    machine.provider.tell(200, "", r#"{"id":7,"name":"Ada","teams":[{"id":1},{"id":2}]}"#);
    let file = machine.write("acme.toml", ACME.as_bytes());
    let origin = machine.provider.origin.clone();
    let against = |more: &[&str]| {
        let words = ["kinds", "test", &file, "--against", &origin, "--from-env", "apiKey=ACME_KEY"];
        machine.run(&[&words, more].concat())
    };
    let ran = against(&[]).exits(0);
    for line in [
        "setup: GET https://api.acme.example/me\n  headers: ",
        "  answered 200 with /id, /name, /teams/0/id\n",
        "verify: GET https://api.acme.example/me\n",
        "call: GET https://api.acme.example/\n",
    ] {
        assert!(ran.out.contains(line), "{line:?} is not in\n{}", ran.out);
    }
    let seen = machine.provider.seen();
    assert_eq!(seen.iter().map(|seen| seen.path.as_str()).collect::<Vec<_>>(), ["/me", "/me", "/"]);
    assert!(seen.iter().all(|seen| seen.headers["authorization"] == format!("Bearer {NOTION_KEY}")));
    let shown = against(&["--json"]).exits(0).json();
    check(&shown, "against");
    check(&shown["account"], "account");
    shown["requests"].as_array().unwrap().iter().for_each(|request| check(request, "againstRequest"));
    assert_eq!((&shown["liveness"], &shown["account"]["id"]), (&json!("live"), &json!("7")));
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json(), json!([]));

    machine.provider.tell(200, "", r#"{"user":{"id":7}}"#);
    let ran = against(&[]).exits(3).says("  answered 200 with /user/id\n").warns("it has nothing at /id");
    assert!(!ran.err.contains("resume"), "{}", ran.err);
    let shown = against(&["--json"]).exits(3).json();
    check(&shown["error"], "error");
    assert!(shown["error"]["message"].as_str().unwrap().contains("/id"), "{shown}");

    machine.provider.tell(401, "", "");
    against(&[]).exits(3).says("  answered 401\n");
}

#[test]
fn a_secret_in_an_address_is_not_shown() {
    let mut machine = Machine::new();
    machine.set("ACME_KEY", NOTION_KEY);
    machine.provider.tell(200, "", r#"{"id":7}"#);
    let origin = machine.provider.origin.clone();
    for place in ["path = \"/bot${secret.apiKey}\"", "query = { key = \"${secret.apiKey}\" }"] {
        let text = ACME.replace("headers = { Authorization = \"Bearer ${secret.apiKey}\" }", place);
        let file = machine.write("acme.toml", text.as_bytes());
        let words = ["kinds", "test", &file, "--against", &origin, "--from-env", "apiKey=ACME_KEY"];
        // Each run is searched for the secret.
        machine.run(&words).exits(0).says("setup: GET https://api.acme.example/…");
        assert!(machine.provider.seen().last().unwrap().path.contains(NOTION_KEY));
    }
}

#[test]
fn a_server_that_is_not_reached_is_named_and_a_port_that_does_not_exist_is_refused() {
    let mut machine = Machine::new();
    machine.set("ACME_KEY", NOTION_KEY);
    let file = machine.write("acme.toml", ACME.as_bytes());
    let against =
        |origin: &str| machine.run(&["kinds", "test", &file, "--against", origin, "--from-env", "apiKey=ACME_KEY"]);
    // The port is free again once the listener is closed.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    against(&format!("http://{closed}")).exits(3).warns(&format!("cannot reach {closed}: no connection could be made"));
    let refused = against("http://127.0.0.1:99999").exits(2);
    refused.warns("'http://127.0.0.1:99999' has a port that does not exist: a port is a number from 1 to 65535");
}

#[test]
fn one_file_is_tested_against_a_server_and_it_may_extend_an_added_kind() {
    let mut machine = Machine::new();
    machine.set("ACME_KEY", NOTION_KEY);
    machine.provider.tell(200, "", r#"{"id":7,"name":"Ada"}"#);
    let origin = machine.provider.origin.clone();
    let base = machine.write("acme.toml", ACME.as_bytes());
    let child = machine.write("acme-eu.toml", b"id = \"acme-eu\"\nname = \"Acme EU\"\nextends = \"acme\"\n");
    let refused = machine.run(&["kinds", "test", &child, &base, "--against", &origin, "--from-env", "apiKey=ACME_KEY"]);
    refused.exits(2).warns("--against connects an account of one kind, and 2 files were given");
    assert!(machine.provider.seen().is_empty());
    let against = ["kinds", "test", &child, "--against", &origin, "--from-env", "apiKey=ACME_KEY"];
    machine.run(&against).exits(2).warns("acme-eu.toml:3: extends: this extends a kind that does not exist");
    machine.run(&["kinds", "add", &base]).exits(0);
    machine.run(&against).exits(0).says("setup: GET https://api.acme.example/me");
    machine.run(&["kinds", "test", &child]).exits(0).says("1 tested, 0 failed");
}

#[test]
fn a_test_goes_only_to_loopback_or_to_an_encrypted_server() {
    let machine = Machine::new();
    let file = machine.write("acme.toml", ACME.as_bytes());
    for address in ["http://example.com", "http://10.0.0.1", "example.com", "https://example.com/path"] {
        machine.run(&["kinds", "test", &file, "--against", address]).exits(2).warns("--against: ");
    }
    machine.run(&["kinds", "test", "--against", "http://127.0.0.1:1"]).exits(2);
}

/// The page that a browser opens is at the server, too. Nobody is there to paste the address on which the browser ends.
#[test]
fn a_browser_is_led_to_the_server_of_the_author() {
    let mut machine = Machine::new();
    machine.set("ACME_KEY", NOTION_KEY);
    let text = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"oauth2\"\n[request]\nbase = \"https://api.acme.com\"\n\
                [oauth2]\nauthorize = \"https://acme.com/authorize\"\ntoken = \"https://acme.com/token\"\n";
    let file = machine.write("acme.toml", text.as_bytes());
    let origin = machine.provider.origin.clone();
    let client = machine.write("client", b"client-1");
    let id = format!("clientId=@{client}");
    let words = ["kinds", "test", &file, "--against", &origin, "--paste", "--field", &id];
    let ran = machine.run(&[&words[..], &["--from-env", "clientSecret=ACME_KEY"]].concat()).exits(2);
    assert!(ran.err.contains(&format!("Open {origin}/authorize?")), "{}", ran.err);
    assert!(!ran.err.contains("https://acme.com"), "{}", ran.err);
}
