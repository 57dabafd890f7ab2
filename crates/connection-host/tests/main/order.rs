//! Several connections and several owners: names, defaults, filters, and approaching expiry.

use serde_json::Value;

use crate::{
    program::{Machine, Ran},
    provider::{NOTION_KEY, TOKEN},
};

/// Adds the GitHub account of these tests with further arguments, such as another label.
fn add_again(machine: &Machine, arguments: &[&str]) -> Ran {
    let token = machine.write("token", TOKEN.as_bytes());
    let field = format!("accessToken=@{token}");
    machine.run(&[&["add", "github", "--field", &field], arguments].concat())
}

fn labels(ran: &Ran) -> Vec<String> {
    let label = |row: &Value| row["label"].as_str().expect("a label").to_owned();
    ran.json().as_array().expect("an array").iter().map(label).collect()
}

#[test]
fn an_account_that_is_connected_is_connected_again_only_when_that_is_said() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let refused = add_again(&machine, &["--json"]).exits(6).error();
    assert_eq!(refused["error"]["code"], "account_connected");
    let said = refused["error"].to_string();
    assert!(said.contains("github:work") && said.contains("--again"), "{said}");
    add_again(&machine, &["--again"]).exits(0).says("github:octocat");
    add_again(&machine, &["--again"]).exits(0).says("github:octocat-2");
    add_again(&machine, &["--again", "--label", "work"]).exits(6).warns("github:work");
}

#[test]
fn a_kind_with_two_connections_names_the_one_that_is_the_default() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    add_again(&machine, &["--again", "--label", "home"]).exits(0);
    // The first connection is the default until the default is cleared.
    machine.run(&["send", "github", "GET", "/user"]).exits(0);
    machine.run(&["default", "github:work", "--clear"]).exits(0);
    let ran = machine.run(&["send", "github", "GET", "/user"]).exits(2);
    ran.warns("github:work").warns("github:home").warns("default");
    machine.run(&["default", "github:home"]).exits(0).says("github:home is the default of github");
    machine.run(&["send", "github", "GET", "/user"]).exits(0);
    machine.run(&["list"]).exits(0).says("DEFAULT").says("yes");
    machine.run(&["show", "github"]).exits(0).says("github:home").says("default       yes");
    assert_eq!(machine.run(&["default", "github:work", "--json"]).exits(0).json()["isDefault"], true);
    assert_eq!(machine.run(&["show", "github:home", "--json"]).exits(0).json()["isDefault"], false);
    machine.run(&["default", "github", "--clear"]).exits(0).says("github:work is no longer the default of github");
    let refused = machine.run(&["verify", "github", "--json"]).exits(2).error();
    assert_eq!(refused["error"]["code"], "ambiguous");
}

#[test]
fn a_connection_is_renamed_and_named_by_its_new_label() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.run(&["rename", "github", " home "]).exits(0).says("Renamed github:work to github:home");
    assert_eq!(machine.run(&["rename", "github:home", "a: b", "--json"]).exits(0).json()["label"], "a: b");
    machine.run(&["show", "github:home"]).exits(5);
    machine.run(&["send", "github:a: b", "GET", "/user"]).exits(0);
    machine.run(&["rename", "github", " "]).exits(2).warns("must not be empty");
    add_again(&machine, &["--again", "--label", "other"]).exits(0);
    machine.run(&["rename", "github:other", "a: b"]).exits(6).warns("github:a: b");
}

#[test]
fn two_owners_with_the_same_labels_and_accounts_do_not_see_each_other() {
    let mut machine = Machine::new();
    machine.add_github("work").exits(0);
    let theirs = add_again(&machine, &["--label", "work", "--owner", "u42", "--json"]).exits(0).json();
    assert_eq!(theirs["owner"], "u42");
    let id = theirs["id"].as_str().unwrap();
    for arguments in [
        &["show", id][..],
        &["verify", id],
        &["send", id, "GET", "/user"],
        &["rename", id, "mine"],
        &["default", id],
        &["remove", id, "--yes"],
    ] {
        machine.run(arguments).exits(5);
    }
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json().as_array().unwrap().len(), 1);
    let all = machine.run(&["list", "--all-owners", "--json"]).exits(0).json();
    let mut owners: Vec<_> = all.as_array().unwrap().iter().map(|row| row["owner"].as_str().unwrap()).collect();
    owners.sort_unstable();
    assert_eq!(owners, ["local", "u42"]);
    machine.run(&["list", "--all-owners"]).exits(0).says("OWNER").says("u42");
    assert!(!machine.run(&["list"]).exits(0).out.contains("OWNER"));
    machine.set("CONNECTIONS_OWNER", "u42");
    machine.run(&["send", "github", "GET", "/user"]).exits(0);
    machine.run(&["rename", "github", "home"]).exits(0);
    machine.run(&["remove", "github", "--yes"]).exits(0);
    machine.run(&["show", "github:work", "--owner", "local"]).exits(0);
    for odd in ["", "a\nb", "\u{200b}"] {
        machine.run(&["list", "--owner", odd]).exits(2).warns("owner");
    }
    machine.run(&["list", "--owner", &"a".repeat(201)]).exits(2).warns("200");
}

#[test]
fn a_list_is_filtered_by_kind_state_label_and_expiry() {
    let mut machine = Machine::new();
    machine.set("NOTION", NOTION_KEY);
    machine.run(&["add", "notion", "--label", "work", "--from-env", "apiKey=NOTION"]).exits(0);
    machine.add_github("work").exits(0);
    let expired = "github-authentication-token-expiration: 2020-01-31 00:00:00 UTC\r\n";
    machine.provider.tell(200, expired, r#"{"login":"octocat","id":583231}"#);
    add_again(&machine, &["--again", "--label", "old"]).exits(0);
    machine.provider.tell(503, "", "");
    machine.run(&["verify", "notion"]).exits(4);
    let check = |arguments: &[&str], expected: &[&str]| {
        let ran = machine.run(&[&["list", "--json"], arguments].concat()).exits(0);
        assert_eq!(labels(&ran), expected, "{arguments:?}");
        ran.json()
    };
    // Connections that need attention come first: offline, expired, then live.
    let all = check(&[], &["work", "old", "work"]);
    assert_eq!(
        all.as_array().unwrap().iter().map(|row| row["expiring"].clone()).collect::<Vec<_>>(),
        [false, true, false].map(Value::from)
    );
    check(&["--limit", "1"], &["work"]);
    check(&["--kind", "github"], &["old", "work"]);
    check(&["--kind", "github", "--label", "work"], &["work"]);
    check(&["--state", "live"], &["old", "work"]);
    check(&["--state", "offline"], &["work"]);
    check(&["--state", "offline", "--state", "live", "--label", "work"], &["work", "work"]);
    check(&["--expiring"], &["old"]);
    check(&["--state", "failing"], &[]);
    machine.run(&["list", "--state", "failing"]).exits(0).says("No connection matches these options");
    machine.run(&["list", "--state", "dead"]).exits(2).warns("live, offline, failing or unknown");
    machine.run(&["list", "--kind", "No!"]).exits(2);
    // A connection that cannot be verified now still shows its expiry.
    machine.run(&["verify", "github:old"]).exits(4).says("; token expired ");
    machine.run(&["list", "--expiring"]).exits(0).says("; token expired ");
}
