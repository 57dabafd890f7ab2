//! The identities of local tools: listed, made, changed, meant, looked into and forgotten, and what is refused.

use serde_json::{Value, json};

use crate::{
    program::{Machine, check},
    tooled::{signed_in, text, tooled},
};

fn listed(machine: &Machine, kind: &str) -> Vec<Value> {
    let listed = machine.run(&["profiles", "list", kind, "--json"]).exits(0).json();
    let listed = listed.as_array().expect("an array").clone();
    for profile in &listed {
        check(profile, "profile");
        check(&profile["found"], "probe");
    }
    assert_eq!(listed.iter().filter(|profile| profile["isDefault"] == true).count(), 1, "{listed:?}");
    listed
}

#[test]
fn the_first_list_has_the_directory_that_the_tool_uses_by_itself() {
    let machine = Machine::new();
    let first = listed(&machine, "claude");
    assert_eq!(first.len(), 1);
    let directory = text(&machine.path(".claude"));
    assert_eq!((&first[0]["label"], &first[0]["directory"]), (&json!("Default"), &json!(directory)));
    assert_eq!((&first[0]["isImplicit"], &first[0]["found"]["state"]), (&json!(true), &json!("gone")));
    assert_eq!(listed(&machine, "claude"), first, "it is made once");
    machine.run(&["profiles", "list", "claude"]).exits(0).says("Default").says("yes").says("not there yet");
    let other = machine.run(&["profiles", "list", "codex"]).exits(0);
    assert!(other.out.contains(".codex"), "{}", other.out);
    assert!(!machine.path(".claude").exists(), "nothing is made in a home");
}

#[test]
fn profiles_are_made_changed_meant_and_forgotten() {
    let machine = Machine::new();
    let work = text(&machine.path("work"));
    machine
        .run(&["profiles", "create", "claude", "work", "--dir", "work"])
        .exits(0)
        .says(&format!("Made work (claude) · {work}"))
        .says(&format!("Sign in with: CLAUDE_CONFIG_DIR={work} claude setup-token"));
    let made = machine.run(&["profiles", "create", "claude", "home", "--dir", "home", "--default", "--json"]).exits(0);
    let made = made.json();
    check(&made, "profile");
    assert_eq!(listed(&machine, "claude").len(), 3);
    let id = made["id"].as_str().expect("an id");
    let end = &id[id.len() - 8..];
    let changed = machine.run(&["profiles", "update", "claude", end, "--label", "private", "--json"]).exits(0).json();
    assert_eq!((&changed["id"], &changed["label"], &changed["isDefault"]), (&made["id"], &json!("private"), &json!(true)));
    machine.run(&["profiles", "update", "claude", id]).exits(0).says("Left private");
    machine.run(&["profiles", "update", "claude", "private", "--dir", "other"]).exits(0).says("/other");
    machine.run(&["profiles", "remove", "claude", "private"]).exits(6).warns("is the default").warns("make another one");
    machine.run(&["profiles", "default", "claude", "work"]).exits(0).says("work (claude)");
    std::fs::create_dir(machine.path("other")).expect("a home can be written");
    std::fs::write(machine.path("other/kept"), "").expect("a home can be written");
    let removed = machine.run(&["profiles", "remove", "claude", "private", "--json"]).exits(0).json();
    check(&removed, "profileRemoved");
    assert!(machine.path("other/kept").exists(), "its files stay");
    let left = listed(&machine, "claude");
    let labels: Vec<_> = left.iter().map(|profile| profile["label"].as_str().unwrap_or_default()).collect();
    assert_eq!(labels, ["Default", "work"]);
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let machine = Machine::new();
    let run = |arguments: &[&str], exit, said: &str| {
        machine.run(&[&["profiles"], arguments].concat()).exits(exit).warns(said);
    };
    run(&["list", "github"], 6, "kind 'github' has no profiles");
    run(&["list", "gone"], 5, "there is no kind 'gone'");
    assert!(!machine.data().exists(), "nothing was made");
    run(&["remove", "claude", "Default"], 6, "is the only one");
    run(&["create", "claude", "Default", "--dir", "a"], 6, "there is already a profile 'Default'");
    run(&["create", "claude", " ", "--dir", "a"], 2, "a label must not be empty");
    run(&["create", "claude", "a", "--dir", ".claude"], 6, "has the directory");
    run(&["create", "claude", "a", "--dir", "~/a"], 2, "is not an absolute path");
    run(&["create", "gemini", "a", "--dir", "a"], 2, "must be called '.gemini'");
    run(&["create", "claude", "a"], 2, "--dir");
    run(&["update", "claude", "gone", "--label", "a"], 5, "'claude' has no profile 'gone'");
    run(&["default", "claude"], 2, "missing");
    run(&["default", "claude", "Default", "--slot", ""], 2, "the name of the slot is empty");
    run(&["default", "claude", "--clear"], 2, "--slot");
    run(&["probe", "claude", "Default", "--dir", "a"], 2, "does not go with");
    let error = machine.run(&["profiles", "list", "github", "--json"]).exits(6).error();
    assert_eq!(error["error"]["code"], "not_supported");
    assert_eq!(listed(&machine, "claude").len(), 1);
}

#[test]
fn without_a_home_the_first_profile_is_one_that_was_made() {
    let machine = Machine::new();
    let run = |arguments: &[&str]| {
        let mut command = machine.command();
        command.args(arguments).env_remove("HOME");
        crate::program::Ran::of(arguments, command.output().expect("it runs"))
    };
    run(&["profiles", "list", "claude"]).exits(6).warns("nothing says where").warns("HOME");
    let made = run(&["profiles", "create", "claude", "work", "--dir", "work", "--json"]).exits(0).json();
    assert_eq!(made["isDefault"], true);
    run(&["profiles", "list", "claude"]).exits(0).says("work");
}

#[test]
fn a_slot_has_a_default_of_its_own_until_it_is_cleared() {
    let machine = Machine::new();
    machine.run(&["profiles", "create", "codex", "work", "--dir", "work"]).exits(0);
    machine.run(&["profiles", "default", "codex", "work", "--slot", "shop"]).exits(0).says("In slot shop, work (codex)");
    let profiles = listed(&machine, "codex");
    assert_eq!((&profiles[0]["slots"], &profiles[1]["slots"]), (&json!([]), &json!(["shop"])));
    machine.run(&["profiles", "list", "codex"]).exits(0).says("slot shop");
    machine.run(&["profiles", "remove", "codex", "work"]).exits(6).warns("in use: by the slots shop");
    let cleared = machine.run(&["profiles", "default", "codex", "--slot", "shop", "--clear", "--json"]).exits(0).json();
    check(&cleared, "profileSlot");
    assert_eq!(cleared, json!({"kind": "codex", "slot": "shop", "profile": null}));
    machine.run(&["profiles", "default", "codex", "--slot", "shop", "--clear"]).exits(0).says("had no profile");
    machine.run(&["profiles", "remove", "codex", "work"]).exits(0);
}

#[test]
fn a_directory_tells_whether_and_as_whom_somebody_is_signed_in() {
    let machine = Machine::new();
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    machine.run(&["profiles", "list", "claude"]).exits(0).says("ada@example.com");
    let probe = machine.run(&["profiles", "probe", "claude", "work", "--json"]).exits(0).json();
    check(&probe, "probe");
    let expected = json!({
        "directory": work, "state": "there", "exists": true, "authenticated": true, "account": "ada@example.com",
    });
    assert_eq!(probe, expected);
    machine.run(&["profiles", "probe", "claude", "--dir", "work"]).exits(0).says("account       ada@example.com");
    std::os::unix::fs::symlink(&work, machine.path("link")).expect("a link can be made");
    let link = machine.run(&["profiles", "probe", "claude", "--dir", "link", "--json"]).exits(0).json();
    assert_eq!((&link["state"], &link["authenticated"]), (&json!("link"), &json!(true)));
    machine.write("work/.credentials.json", b"{}");
    machine.run(&["profiles", "probe", "claude", "work"]).exits(0).says("signed in     no").says("claude setup-token");
    machine.write("file", b"");
    let file = machine.run(&["profiles", "probe", "claude", "--dir", "file", "--json"]).exits(0).json();
    assert_eq!((&file["state"], &file["exists"]), (&json!("notADirectory"), &json!(false)));
    machine.run(&["profiles", "probe", "claude"]).exits(0).says("not there yet").says("not known");
}

#[test]
fn a_connection_is_of_a_profile_which_stays_as_long() {
    let machine = tooled();
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    let own = |arguments: &[&str]| machine.feed(&[&["add", "claude", "--input", "-"], arguments].concat(), r#"{"how": "own"}"#);
    own(&["--profile", "gone"]).exits(5).warns("has no profile 'gone'");
    machine.run(&["add", "github", "--profile", "work", "--field", "accessToken=@token"]).exits(6).warns("has no profiles");
    let added = own(&["--profile", "work", "--json"]).exits(0).json();
    check(&added, "connection");
    let profile = machine.run(&["profiles", "list", "claude", "--json"]).json()[1]["id"].clone();
    assert_eq!((&added["profile"], &added["account"]["label"]), (&profile, &json!("ada@example.com")));
    machine.run(&["list"]).exits(0).says("PROFILE").says("work");
    machine.run(&["show", "claude"]).exits(0).says("profile       work");
    machine.run(&["profiles", "remove", "claude", "work"]).exits(6).warns("by 1 of the connections");
    machine.run(&["remove", "claude", "--yes"]).exits(0);
    machine.run(&["profiles", "remove", "claude", "work"]).exits(0);
}

#[test]
fn a_kind_tells_its_tool_and_how_to_get_and_to_sign_in_to_it() {
    let machine = tooled();
    let shown = machine.run(&["kinds", "show", "claude", "--json"]).exits(0).json();
    check(&shown, "kind");
    check(&shown["tool"], "tool");
    let path = text(&machine.path("bin/claude"));
    assert_eq!((&shown["tool"]["path"], &shown["tool"]["version"]), (&json!(&path), &json!("2.1.197 (Claude Code)")));
    assert_eq!(shown["tool"]["signIn"], json!(["claude", "setup-token"]));
    assert_eq!((&shown["cacheTtl"], &shown["image"]), (&json!(300), &json!("localhost/connections/claude:1")));
    machine.run(&["kinds", "show", "claude"]).exits(0).says("tool: 2.1.197 (Claude Code) at ").says("acceptEdits");
    machine.run(&["doctor"]).exits(0).says(&path).says("bin/gemini");
    std::fs::remove_file(path).expect("it is there");
    machine.run(&["kinds", "show", "claude"]).exits(0).says("npm install -g @anthropic-ai/claude-code");
    machine.run(&["doctor"]).exits(0).says("not installed: claude");
    for (said, ttl) in [("off", json!(null)), ("60", json!(60))] {
        let mut command = machine.command();
        command.args(["kinds", "show", "claude", "--json"]).env("CONNECTIONS_USAGE__CACHE_TTL__CLAUDE", said);
        let shown = crate::program::Ran::of(&["kinds"], command.output().expect("it runs")).exits(0).json();
        assert_eq!(shown["cacheTtl"], ttl);
    }
}
