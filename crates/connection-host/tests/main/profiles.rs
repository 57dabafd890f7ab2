//! The profiles of local tools are listed, made, changed, chosen, probed and removed. Invalid ones are refused.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::{
    program::{Machine, check},
    tooled::{program, signed_in, text, tooled},
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
    machine.run(&["profiles", "list", "claude"]).exits(0).says("Default").says("yes").says("does not exist yet");
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
        .says(&format!("Sign in with: CLAUDE_CONFIG_DIR={work} claude auth login"));
    let made = machine.run(&["profiles", "create", "claude", "home", "--dir", "home", "--default", "--json"]).exits(0);
    let made = made.json();
    check(&made, "profile");
    assert_eq!(listed(&machine, "claude").len(), 3);
    let id = made["id"].as_str().expect("an id");
    let end = &id[id.len() - 8..];
    let changed = machine.run(&["profiles", "update", "claude", end, "--label", "private", "--json"]).exits(0).json();
    assert_eq!(
        (&changed["id"], &changed["label"], &changed["isDefault"]),
        (&made["id"], &json!("private"), &json!(true))
    );
    machine.run(&["profiles", "update", "claude", id]).exits(0).says("Left private");
    machine.run(&["profiles", "update", "claude", "private", "--dir", "other"]).exits(0).says("/other");
    machine
        .run(&["profiles", "remove", "claude", "private"])
        .exits(6)
        .warns("is the default")
        .warns("make another profile");
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
    run(&["list", "gone"], 5, "unknown kind 'gone'");
    assert!(!machine.data().exists(), "nothing was made");
    run(&["remove", "claude", "Default"], 6, "is the only one");
    run(&["create", "claude", "Default", "--dir", "a"], 6, "there is already a profile 'Default'");
    run(&["create", "claude", " ", "--dir", "a"], 2, "a label must not be empty");
    run(&["create", "claude", "a", "--dir", ".claude"], 6, "already belongs to the profile");
    run(&["create", "claude", "a", "--dir", "~/a"], 2, "is not an absolute path");
    run(&["create", "claude", "a", "--dir", "gone/../a"], 2, "has a '..' part");
    run(&["create", "gemini", "a", "--dir", "a"], 2, "must be called '.gemini'");
    run(&["create", "claude", "a"], 2, "--dir");
    run(&["update", "claude", "gone", "--label", "a"], 5, "'claude' has no profile 'gone'");
    run(&["default", "claude"], 2, "needs");
    run(&["default", "claude", "Default", "--slot", ""], 2, "the name of the slot is empty");
    run(&["default", "claude", "--clear"], 2, "--slot");
    run(&["probe", "claude", "Default", "--dir", "a"], 2, "cannot be used with");
    let error = machine.run(&["profiles", "list", "github", "--json"]).exits(6).error();
    assert_eq!(error["error"]["code"], "not_supported");
    assert_eq!(listed(&machine, "claude").len(), 1);
}

/// A `..` in a path is resolved on the disk, after links are followed.
#[test]
fn a_directory_above_this_one_is_meant_as_it_is_typed() {
    let machine = Machine::new();
    machine.write("far/below/file", b"");
    std::os::unix::fs::symlink(machine.path("far/below"), machine.path("near")).expect("a link can be made");
    let home = machine.path("").canonicalize().expect("it is there");
    let name = home.file_name().expect("it has one").to_str().expect("its name is text").to_owned();
    for (label, typed, expected) in [
        ("above", format!("../{name}/work"), home.join("work")),
        ("linked", "near/../new/.claude".to_owned(), home.join("far/new/.claude")),
    ] {
        let made = machine.run(&["profiles", "create", "claude", label, "--dir", &typed, "--json"]).exits(0).json();
        assert_eq!(made["directory"], json!(expected), "{typed}");
    }
}

#[test]
fn a_directory_with_another_name_than_the_tool_looks_for_says_which_one() {
    let machine = Machine::new();
    let refused = machine.run(&["profiles", "create", "gemini", "work", "--dir", "gem"]).exits(2);
    let refused = refused.warns("must be called '.gemini'").warns("name a directory that ends in '.gemini'");
    assert!(!refused.err.contains("absolute"), "{}", refused.err);
    machine.run(&["profiles", "create", "gemini", "work", "--dir", "gem/.gemini"]).exits(0);
}

/// Another program starts the tool itself, and needs only the environment of the profile.
#[test]
fn a_dry_run_gives_the_environment_of_a_profile_without_the_tool() {
    let machine = Machine::new();
    machine.run(&["profiles", "create", "claude", "work", "--dir", "work"]).exits(0);
    let shown = machine.run(&["run", "claude", "--profile", "work", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(shown["argv"], json!(["claude"]));
    assert_eq!(
        shown["env"]["CLAUDE_CONFIG_DIR"],
        json!(machine.path("").canonicalize().expect("it is there").join("work"))
    );
    machine.run(&["run", "claude", "--profile", "work"]).exits(5).warns("not installed");
}

/// A loop of links cannot be read as a directory.
#[test]
fn a_directory_that_cannot_be_looked_into_is_told_as_such() {
    let machine = Machine::new();
    std::os::unix::fs::symlink("loop", machine.path("loop")).expect("a link can be made");
    let probe = machine.run(&["profiles", "probe", "claude", "--dir", "loop", "--json"]).exits(0).json();
    check(&probe, "probe");
    assert_eq!(
        (&probe["state"], &probe["exists"], &probe["authenticated"]),
        (&json!("unreadable"), &json!(false), &json!(null))
    );
    machine.run(&["profiles", "create", "claude", "loop", "--dir", "loop"]).exits(0);
    machine.run(&["profiles", "list", "claude"]).exits(0).says("cannot be read");
}

#[test]
fn without_a_home_the_first_profile_is_one_that_was_made() {
    let machine = Machine::new();
    let run = |arguments: &[&str]| {
        let mut command = machine.command();
        command.args(arguments).env_remove("HOME");
        crate::program::Ran::of(arguments, command.output().expect("it runs"))
    };
    run(&["profiles", "list", "claude"]).exits(6).warns("uses by default is unknown").warns("HOME");
    let made = run(&["profiles", "create", "claude", "work", "--dir", "work", "--json"]).exits(0).json();
    assert_eq!(made["isDefault"], true);
    run(&["profiles", "list", "claude"]).exits(0).says("work");
}

#[test]
fn a_slot_has_a_default_of_its_own_until_it_is_cleared() {
    let machine = Machine::new();
    machine.run(&["profiles", "create", "codex", "work", "--dir", "work"]).exits(0);
    machine
        .run(&["profiles", "default", "codex", "work", "--slot", "shop"])
        .exits(0)
        .says("Slot shop uses work (codex)");
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
        "directory": work, "state": "there", "target": null, "exists": true, "authenticated": true,
        "reason": null, "account": "ada@example.com",
    });
    assert_eq!(probe, expected);
    machine.run(&["profiles", "probe", "claude", "--dir", "work"]).exits(0).says("account       ada@example.com");
    std::os::unix::fs::symlink(&work, machine.path("link")).expect("a link can be made");
    let link = machine.run(&["profiles", "probe", "claude", "--dir", "link", "--json"]).exits(0).json();
    assert_eq!((&link["state"], &link["authenticated"]), (&json!("link"), &json!(true)));
    assert_eq!(link["target"], json!(std::fs::canonicalize(&work).expect("it is there")));
    machine.write("work/.credentials.json", br#"{"claudeAiOauth": {}}"#);
    machine.run(&["profiles", "probe", "claude", "work"]).exits(0).says("signed in     no").says("claude auth login");
    // The file looks like one that is just being written, which does not sign the account out.
    machine.write("work/.credentials.json", b"{\"claudeAiOa");
    let why = "'.credentials.json' is not JSON; perhaps it is just being written";
    machine.run(&["profiles", "probe", "claude", "work"]).exits(0).says("signed in     not known").says(why);
    machine.run(&["profiles", "probe", "claude", "--dir", "link"]).exits(0).says("a link to ").says(why);
    machine.run(&["profiles", "list", "claude"]).exits(0).says(why);
    let doubt = machine.run(&["profiles", "probe", "claude", "work", "--json"]).exits(0).json();
    check(&doubt, "probe");
    check(&doubt["reason"], "error");
    assert_eq!((&doubt["authenticated"], &doubt["reason"]["code"]), (&json!(null), &json!("not_json")));
    machine.write("file", b"");
    let file = machine.run(&["profiles", "probe", "claude", "--dir", "file", "--json"]).exits(0).json();
    assert_eq!((&file["state"], &file["exists"]), (&json!("notADirectory"), &json!(false)));
    machine.run(&["profiles", "probe", "claude"]).exits(0).says("does not exist yet").says("not known");
}

#[test]
fn a_connection_is_of_a_profile_which_stays_as_long() {
    let machine = tooled();
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    let own = |arguments: &[&str]| {
        machine.feed(&[&["add", "claude", "--input", "-"], arguments].concat(), r#"{"how": "own"}"#)
    };
    own(&["--profile", "gone"]).exits(5).warns("has no profile 'gone'");
    machine
        .run(&["add", "github", "--profile", "work", "--field", "accessToken=@token"])
        .exits(6)
        .warns("has no profiles");
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
    assert_eq!(shown["tool"]["signIn"], json!(["claude", "auth", "login"]));
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

/// Codex and Gemini CLI write into the directory of their login even when they are asked for their version.
#[test]
fn a_tool_that_writes_when_it_is_asked_for_its_version_is_not_asked() {
    let machine = tooled();
    for kind in ["claude", "codex", "gemini"] {
        program(&machine, kind, "#!/bin/sh\necho asked >> \"$HOME/asked-$(basename \"$0\")\"\necho 1.2.3\n");
        let tool = machine.run(&["kinds", "show", kind, "--json"]).exits(0).json()["tool"].clone();
        let is_asked = kind == "claude";
        assert_eq!(tool["version"], if is_asked { json!("1.2.3") } else { json!(null) }, "{kind}");
        assert_eq!(tool["path"], json!(text(&machine.path("bin").join(kind))));
        let shown = machine.run(&["kinds", "show", kind]).exits(0);
        shown.says(if is_asked { "tool: 1.2.3 at " } else { "whose version is not checked" });
        assert_eq!(machine.path(&format!("asked-{kind}")).exists(), is_asked, "{kind}");
    }
}

/// R-JACK-026, R-JACK-080
#[test]
fn sign_in_instructions_come_with_a_remedy() {
    let machine = tooled();
    let work = text(&machine.path("work"));
    let made = machine.run(&["profiles", "create", "claude", "work", "--dir", "work"]).exits(0);
    made.says(&format!("Sign in with: CLAUDE_CONFIG_DIR={work} claude auth login\n"))
        .says("it opens a browser, or prints the address to open")
        .says("'claude setup-token' prints a token for the variable CLAUDE_CODE_OAUTH_TOKEN");
    let codex = machine.run(&["profiles", "create", "codex", "work", "--dir", "codex"]).exits(0);
    codex.says("type the code").says("A token may be given in CODEX_ACCESS_TOKEN instead");
    machine.run(&["profiles", "probe", "gemini"]).exits(0).says("NO_BROWSER=true");
    for (kind, variable, hint, docs) in [
        ("claude", "CLAUDE_CODE_OAUTH_TOKEN", "prints a token", "https://code.claude.com/docs/en/authentication"),
        ("codex", "CODEX_ACCESS_TOKEN", "open the address", "https://developers.openai.com/codex/auth"),
        ("gemini", "GEMINI_API_KEY", "NO_BROWSER=true", "https://geminicli.com/docs/get-started/authentication"),
    ] {
        let shown = machine.run(&["kinds", "show", kind, "--json"]).exits(0).json();
        check(&shown["tool"], "tool");
        assert_eq!(shown["tool"]["tokenVariable"], variable);
        assert_eq!(shown["tool"]["signInDocs"], docs);
        assert!(shown["tool"]["signInHint"].as_str().expect("a hint").contains(hint), "{shown}");
    }
}

/// R-JACK-026: one command reports it, without a store.
#[test]
fn the_login_state_of_a_tool_is_shown_with_it() {
    let mut machine = tooled();
    let tool = |machine: &Machine, kind: &str| {
        let tool = machine.run(&["kinds", "show", kind, "--json"]).exits(0).json()["tool"].clone();
        check(&tool, "tool");
        tool
    };
    assert_eq!(tool(&machine, "claude")["found"]["state"], "gone");
    machine.run(&["kinds", "show", "claude"]).exits(0).says("signed in: not known, by ");
    let own = signed_in(&machine, ".claude", "ada@example.com");
    let found = tool(&machine, "claude")["found"].clone();
    check(&found, "probe");
    assert_eq!((&found["directory"], &found["authenticated"]), (&json!(own), &json!(true)));
    assert_eq!(found["account"], "ada@example.com");
    machine.run(&["kinds", "show", "claude"]).exits(0).says(&format!("signed in: ada@example.com, by {own}\n"));
    machine.write(".claude/.credentials.json", br#"{"claudeAiOauth": {"accessToken": ""}}"#);
    assert_eq!(tool(&machine, "claude")["found"]["authenticated"], false);
    machine.run(&["kinds", "show", "claude"]).exits(0).says("signed in: no, by ");
    // A tool that is not installed is reported with the reason and the directories that were searched.
    let probed = text(&machine.path("bin"));
    assert!(tool(&machine, "claude")["probed"].as_array().expect("an array").contains(&json!(probed)));
    assert_eq!(tool(&machine, "claude")["reason"], json!(null));
    std::fs::remove_file(machine.path("bin/claude")).expect("it is there");
    let missing = tool(&machine, "claude");
    assert_eq!((&missing["path"], &missing["reason"]["code"]), (&json!(null), &json!("tool_missing")));
    assert!(missing["reason"]["message"].as_str().expect("a text").contains(&probed), "{missing}");
    assert!(missing["reason"]["remedy"].as_str().expect("a text").contains("npm install -g"), "{missing}");
    // A list probes no directory. The configuration can forbid it for `kinds show` too.
    let listed = machine.run(&["kinds", "--json"]).exits(0).json();
    assert!(listed.as_array().expect("an array").iter().all(|kind| kind["tool"]["found"].is_null()));
    machine.set("CONNECTIONS_FILES__ALLOW", &text(&machine.path("bin")));
    assert_eq!(tool(&machine, "claude")["found"]["state"], "notAllowed");
    machine.set("CONNECTIONS_OWNER", "somebody");
    assert_eq!(tool(&machine, "claude")["found"], json!(null));
    assert!(!machine.data().exists(), "nothing was made");
}

/// Codex ends with an error if `CODEX_HOME` names a directory that does not exist.
#[test]
fn a_directory_that_its_tool_wants_to_find_is_made_for_its_owner_alone_and_no_other() {
    let machine = tooled();
    let insists =
        "#!/bin/sh\n[ -d \"$CODEX_HOME\" ] || { echo \"CODEX_HOME is no directory\" >&2; exit 1; }\necho fine\n";
    program(&machine, "codex", insists);
    let mode = |name: &str| machine.path(name).metadata().expect("it is there").permissions().mode() & 0o777;
    machine.run(&["profiles", "list", "codex"]).exits(0).says("does not exist yet; the tool creates it");
    machine.run(&["profiles", "create", "codex", "work", "--dir", "new/work"]).exits(0);
    assert_eq!((mode("new"), mode("new/work")), (0o700, 0o700));
    machine.run(&["profiles", "update", "codex", "work", "--dir", "other"]).exits(0);
    assert_eq!(mode("other"), 0o700);
    std::fs::remove_dir(machine.path("other")).expect("it is empty");
    machine.run(&["profiles", "list", "codex"]).exits(0).says("does not exist yet; `connections run` creates it");
    let probed = machine.run(&["profiles", "probe", "codex", "work"]).exits(0);
    let other = text(&machine.path("other"));
    probed
        .says(&format!("Create the directory first: mkdir -p -m 700 {other}\n"))
        .says(&format!("Sign in with: CODEX_HOME={other} codex login"));
    assert!(!machine.path("other").exists(), "who looks makes nothing");
    machine.run(&["run", "codex", "--profile", "work", "--dry-run"]).exits(0);
    assert!(!machine.path("other").exists(), "nothing is run, and nothing made");
    machine.run(&["run", "codex", "--profile", "work"]).exits(0).says("fine");
    assert_eq!(mode("other"), 0o700);
    // An existing directory keeps its mode.
    std::fs::set_permissions(machine.path("other"), std::fs::Permissions::from_mode(0o750)).expect("it is ours");
    machine.run(&["run", "codex", "--profile", "work"]).exits(0);
    assert_eq!(mode("other"), 0o750);
    // A directory that cannot be made is reported, and nothing is started.
    machine.write("file", b"");
    machine
        .run(&["profiles", "create", "codex", "odd", "--dir", "file/odd"])
        .exits(0)
        .says("Made odd")
        .warns("cannot be created");
    let refused = machine.run(&["run", "codex", "--profile", "odd"]).exits(6);
    assert!(refused.warns("cannot be created").out.is_empty());
    assert_eq!(
        machine.run(&["run", "codex", "--profile", "odd", "--json"]).error()["error"]["code"],
        "directory_not_made"
    );
    // Codex makes its default directory itself, and the other tools make all of theirs.
    machine.run(&["run", "codex", "--profile", "Default"]).exits(1);
    assert!(!machine.path(".codex").exists());
    machine.run(&["profiles", "create", "claude", "work", "--dir", "claude"]).exits(0);
    machine.run(&["run", "claude", "--profile", "work"]).exits(0);
    assert!(!machine.path("claude").exists());
}
