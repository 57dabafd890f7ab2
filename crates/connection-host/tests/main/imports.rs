//! `import`: the lines of a file become connections. An error names its line and never repeats the text of the line.

use serde_json::Value;

use crate::{
    program::{Machine, check},
    provider::{ACCOUNT, AUTH_TOKEN, NOTION_KEY, TOKEN},
};

pub(crate) fn github(id: &str, label: &str) -> String {
    format!(
        r#"{{"kind":"github","label":"{label}","identity":{{"id":"{id}","label":"octocat"}},"credential":"{TOKEN}"}}"#
    )
}

#[test]
fn lines_are_imported_and_what_is_wrong_is_told_by_its_line() {
    let machine = Machine::new();
    let notion = connection_contract::encode::base64(NOTION_KEY.as_bytes());
    let lines = [
        github("583231", "work"),
        String::new(),
        format!(
            r#"{{"kind":"twilio","identity":{{"id":"{ACCOUNT}"}},"credential":{{"accountSid":"{ACCOUNT}","authToken":"{AUTH_TOKEN}"}}}}"#
        ),
        format!(
            r#"{{"kind":"notion","identity":{{"id":"9188c6a5-7381-452f-b3dc-d4865aa89bdf","label":"Ada"}},"credential":{{"base64":"{notion}"}},"validUntil":"2099-01-01T00:00:00Z","scopes":["read"]}}"#
        ),
        format!(r#"{{"kind":"github","credential":"{TOKEN}""#),
        format!(r#"{{"kind":"github","identity":{{"id":"1"}},"credential":"{TOKEN}","token":"{TOKEN}"}}"#),
        format!(r#"{{"kind":"github","identity":{{"id":"2"}},"credential":["{TOKEN}"]}}"#),
        format!(r#"{{"kind":"gone","identity":{{"id":"3"}},"credential":"{TOKEN}"}}"#),
        github("583231", "twice"),
    ];
    let file = machine.write("connections.jsonl", lines.join("\n").as_bytes());
    let ran = machine.run(&["import", &file]).exits(1);
    let ran = ran.says("Imported 3 · already connected: 1 · refused: 4").warns("line 5 is not one JSON object: column");
    let ran = ran.warns("line 6 is not an item as documented").warns("line 7 has a wrong 'credential'");
    let ran =
        ran.warns("line 8: no plugin of kind 'gone'").warns("line 9: this account is already connected as github:work");
    ran.says("Whether they work was not checked. Check all connections with:\n  connections verify --all");
    assert!(machine.provider.seen().is_empty(), "nothing was sent");
    machine.run(&["list"]).exits(0).says("\n3 connections: 3 unknown (not checked)\n");
    machine.run(&["send", "github:work", "GET", "/user"]).exits(0).says("octocat");
    let verified = machine.run(&["verify", "--all"]).exits(0).says("twilio").says("notion");
    assert!(!verified.out.contains("3 connections:"), "a list in which all work needs no count");
    // A second import makes nothing. Each line of its output is one object.
    let again = machine.run(&["import", &file, "--json"]).exits(1);
    let rows: Vec<Value> = again.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.iter().for_each(|row| check(row, "imported"));
    let codes: Vec<_> = rows.iter().map(|row| row["error"]["code"].as_str().unwrap()).collect();
    let there = "account_connected";
    let wrong = "invalid_input";
    assert_eq!(codes, [there, there, there, wrong, wrong, wrong, "unknown_kind", there]);
    assert_eq!(rows.iter().map(|row| row["line"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 3, 4, 5, 6, 7, 8, 9]);
}

/// The kinds take what their setups ask for: a kind of the catalogue, one of the program, and one whose address a person
/// enters.
#[test]
fn secrets_are_imported_in_the_form_in_which_a_setup_asks_for_them() {
    let machine = Machine::new();
    let origin = &machine.provider.origin;
    machine.configure(&format!("[http.endpoints]\n\"https://api.linear.app\" = \"{origin}\"\n"));
    let gitlab = |address: &str| {
        format!(r#"{{"kind":"gitlab","identity":{{"id":"9"}},"credential":{{"token":"{NOTION_KEY}"{address}}}}}"#)
    };
    let lines = [
        format!(r#"{{"kind":"linear","identity":{{"id":"1","label":"Ada"}},"credential":{{"apiKey":"{NOTION_KEY}"}}}}"#),
        format!(r#"{{"kind":"github","identity":{{"id":"2","label":"mona"}},"credential":{{"accessToken":"{TOKEN}"}}}}"#),
        format!(r#"{{"kind":"notion","identity":{{"id":"3","label":"Bob"}},"credential":{{"apiKey":"{NOTION_KEY}"}}}}"#),
        gitlab(&format!(r#","address":"{origin}""#)),
        gitlab(r#","address":"http://gitlab.example""#),
        r#"{"kind":"linear","identity":{"id":"2"},"credential":{"key":"x"}}"#.to_owned(),
        r#"{"kind":"gmail","identity":{"id":"2"},"credential":{"accessToken":"x"}}"#.to_owned(),
    ];
    let ran = machine.feed(&["import", "-"], &lines.join("\n")).exits(1).says("Imported 4 · already connected: 0 · refused: 3");
    let ran = ran.warns("line 5: the connection cannot be imported: 'address' is an http address of another machine");
    let ran = ran.warns("line 6: the connection cannot be imported: 'key' is not requested").warns("'apiKey' is missing");
    let ran = ran.warns("line 7: the connection cannot be imported: the kind takes no credential in this form");
    assert!(!ran.err.contains(NOTION_KEY) && machine.provider.seen().is_empty(), "{}", ran.err);
    // The credential goes to the address that the line names.
    machine.run(&["show", "gitlab"]).exits(0).says(origin);
    machine.provider.tell(200, "", "{}");
    machine.run(&["send", "gitlab", "/api/v4/user"]).exits(0);
    machine.run(&["send", "linear", "/graphql"]).exits(0);
    let seen = machine.provider.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|request| format!("{request:?}").contains(NOTION_KEY)), "{seen:?}");
}

#[test]
fn equal_problems_are_told_once_with_their_lines() {
    let machine = Machine::new();
    let gone = |number: usize| format!(r#"{{"kind":"gone","identity":{{"id":"{number}"}},"credential":"{TOKEN}"}}"#);
    let mut lines: Vec<_> = (1..=500).map(gone).collect();
    lines[2] = "not JSON".to_owned();
    let ran = machine.feed(&["import", "-"], &lines.join("\n")).exits(1).says("refused: 500");
    let ran = ran.warns("line 1: no plugin of kind 'gone'").warns("498 more lines (2, 4–500): no plugin of kind 'gone'");
    assert_eq!(ran.err.matches("no plugin of kind").count(), 2, "{}", ran.err);
}

#[test]
fn an_import_from_standard_input_is_verified_and_of_its_owner() {
    let machine = Machine::new();
    let ran =
        machine.feed(&["import", "-", "--verify", "--json", "--owner", "u42"], &github("583231", "work")).exits(0);
    let row = ran.json();
    assert_eq!((&row["liveness"], &row["label"], &row["error"]), (&"live".into(), &"work".into(), &Value::Null));
    assert_eq!(machine.provider.seen().len(), 1);
    machine.run(&["list"]).exits(0).says("Nothing is connected yet");
    let again = machine.feed(&["import", "-", "--owner", "u42"], &github("583231", "work")).exits(0);
    again.says("Imported 0 · already connected: 1 · refused: 0");
    machine.feed(&["import", "-", "--owner", "u42", "--again"], &github("583231", "home")).exits(0);
    let file = machine.write("one.jsonl", github("7", "seven").as_bytes());
    machine.run(&["import", &file]).exits(0).warns("Delete it");
    machine.run(&["import", "gone.jsonl"]).exits(5);
    let long = format!("{{\"kind\":\"{}\"}}\n{}", "a".repeat(5 << 20), github("8", "eight"));
    machine.feed(&["import", "-"], &long).exits(1).says("Imported 1").warns("line 1 is longer than 4 MiB");
}

/// There are more connections than are sorted at once. They are printed page by page, and those that need attention
/// come first.
#[test]
fn a_long_list_is_printed_page_by_page_with_what_needs_a_hand_first() {
    let machine = Machine::new();
    machine.add_github("sound").exits(0);
    let lines: Vec<_> = (0..1100).map(|number| github(&number.to_string(), &format!("label-{number}"))).collect();
    machine.feed(&["import", "-"], &lines.join("\n")).exits(0).says("Imported 1100");
    let list = machine.run(&["list", "--json"]).exits(0).json();
    let list = list.as_array().unwrap();
    assert_eq!((list.len(), &list[0]["liveness"], &list[1100]["label"]), (1101, &"unknown".into(), &"sound".into()));
    let table = machine.run(&["list", "--all"]).exits(0).says("Verify with:\n  connections verify --all");
    assert_eq!(table.out.matches("CONNECTION").count(), 1, "one heading");
    machine.run(&["doctor"]).says("none of 1101 failed when it was last verified; 1100 were never verified");
    assert_eq!(table.out.lines().filter(|line| line.contains("octocat")).count(), 1101);
    let first =
        machine.run(&["list", "--state", "live", "--state", "unknown", "--limit", "3", "--json"]).exits(0).json();
    assert_eq!(first.as_array().unwrap().len(), 3);
    let sound = machine.run(&["list", "--state", "live", "--json"]).exits(0).json();
    assert_eq!(sound.as_array().unwrap().len(), 1);
}
