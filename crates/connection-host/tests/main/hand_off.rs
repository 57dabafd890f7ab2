//! `open-settings`: the view of what is required, the setup that it leads to, and going on after it.

use serde_json::json;

use crate::{
    extensions::{connected, machine},
    program::{Machine, check},
};

const CONNECT: [&str; 4] = ["open-settings", "issues", "--from-env", "accessToken=GITHUB"];

fn added() -> Machine {
    let machine = machine();
    machine.run(&["extensions", "add", "issues.json"]).exits(0);
    machine
}

#[test]
fn where_nobody_can_be_asked_the_view_says_the_way() {
    let machine = added();
    machine
        .run(&["open-settings", "issues"])
        .exits(0)
        .says("Connection required: GitHub")
        .says("Create a GitHub personal access token")
        .says("connections open-settings issues --from-env accessToken=VARIABLE");
    machine.run(&["open-settings", "issues", "--command", "gone"]).exits(2).warns("declares no command");
    machine.run(&["open-settings", "nobody"]).exits(5);
    let opened = machine.run(&["open-settings", "issues", "--command", "search", "--json"]).exits(0).json();
    check(&opened, "openSettings");
    check(&opened["required"], "required");
    check(&opened["resolved"], "resolved");
    assert_eq!((&opened["required"]["action"], &opened["required"]["kinds"]), (&json!("connect"), &json!(["github"])));
    let way = "connections open-settings issues --command search --from-env accessToken=VARIABLE";
    assert_eq!(opened["required"]["way"], way);
    machine.run(&["setup", "list"]).exits(0).says("No setup waits");
    assert!(machine.provider.seen().is_empty(), "to look at it asks nobody");
}

#[test]
fn a_ticket_tells_later_what_came_of_it() {
    let machine = added();
    let opened = machine.run(&["open-settings", "issues", "--command", "search", "--json"]).exits(0).json();
    let ticket = opened["ticket"].as_str().unwrap().to_owned();
    let retry = ["open-settings", "issues", "--retry", &ticket];
    machine.run(&retry).exits(5).says("Connection required: GitHub");
    machine.run(&CONNECT).exits(0);
    machine.run(&retry).exits(0).says("status        connected");
    machine.run(&["open-settings", "issues", "--retry", "nonsense"]).exits(2);
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    machine.run(&["open-settings", "release-notes", "--retry", &ticket]).exits(5).warns("no such ticket");
}

#[test]
fn a_setup_that_waits_is_gone_on_with_and_grants_all_the_same() {
    let machine = added();
    machine.provider.tell(503, "", "");
    machine.run(&CONNECT).exits(3).warns("connections setup resume");
    machine.run(&["extensions"]).exits(0).says("missing");
    machine.provider.behave();
    let id = machine.run(&["setup", "list", "--json"]).exits(0).json()[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["setup", "resume", &id]).exits(0).says("Connected octocat");
    machine.run(&["exec", "issues", "--", "/bin/sh", "-c", "exit 0"]).exits(0);
}

#[test]
fn a_manifest_that_changes_in_mid_setup_connects_nothing() {
    let machine = added();
    machine.provider.tell(503, "", "");
    machine.run(&CONNECT).exits(3);
    let manifest = String::from_utf8(crate::extensions::ISSUES.to_vec()).unwrap();
    let other = manifest.replace("\"title\": \"GitHub\"", "\"title\": \"Another\"").replace("[\"apiBaseUrl\"]", "[]");
    machine.write("other.json", other.as_bytes());
    machine.run(&["extensions", "add", "other.json"]).exits(0);
    machine.provider.behave();
    let id = machine.run(&["setup", "list", "--json"]).exits(0).json()[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["setup", "resume", &id]).exits(3).warns("changed before it was made");
    machine.run(&["list"]).exits(0).says("Nothing is connected");
    machine.run(&CONNECT).exits(0);
}

#[test]
fn what_is_refused_is_authorized_again() {
    let machine = connected();
    machine.provider.tell(401, "content-type: application/json\r\n", r#"{"message":"Bad credentials"}"#);
    machine.run(&["verify", "github"]).exits(4);
    machine.run(&["open-settings", "issues"]).exits(0).says("connections reauthorize github:octocat");
    machine.provider.behave();
    machine.run(&CONNECT).exits(0).says("Reauthorized octocat").says("status        connected");
    machine.run(&["list", "--json"]).exits(0).json().as_array().filter(|rows| rows.len() == 1).expect("one connection");
}

#[test]
fn with_everything_there_nothing_is_required() {
    let machine = connected();
    machine.run(&CONNECT).exits(0).says("status        connected");
    let opened = machine.run(&["open-settings", "issues", "--json"]).exits(0).json();
    check(&opened, "openSettings");
    assert_eq!((&opened["required"], &opened["resolved"]["status"]), (&json!(null), &json!("connected")));
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    machine
        .run(&["open-settings", "release-notes"])
        .exits(0)
        .says("connections extensions grant release-notes github:octocat");
    machine.run(&["list"]).exits(0);
}

#[test]
fn a_kind_of_another_provider_is_refused() {
    let machine = added();
    machine.run(&[&CONNECT[..], &["--kind", "notion"]].concat()).exits(6).warns("--kind takes github");
    machine.run(&[&CONNECT[..], &["--kind", "github"]].concat()).exits(0);
}

/// With `examples/oauth2.rs`, whose server is not there.
#[test]
fn a_way_that_was_chosen_begins_the_setup() {
    let machine = Machine::new();
    let manifest = json!({ "name": "real", "connection": {
        "id": "default", "provider": "real-public", "title": "Real",
        "auth": { "type": "personalAccessToken", "secretNames": ["accessToken"] },
    } });
    machine.write("real.json", manifest.to_string().as_bytes());
    let run = |arguments: &[&str]| machine.run_example("oauth2", arguments);
    run(&["extensions", "add", "real.json"]).exits(0).says("missing");
    run(&["open-settings", "real"]).exits(0).says("connections open-settings real --paste");
    run(&["setup", "list"]).exits(0).says("No setup waits");
    run(&["open-settings", "real", "--device"]).exits(2).warns("use --paste");
    run(&["open-settings", "real", "--paste"]).exits(3);
}
