//! The token that `claude setup-token` prints is connected, handed to the tool, and shown nowhere.

use serde_json::json;

use crate::{
    program::{Machine, check, contents},
    tooled::{program, tooled},
};

const VARIABLE: &str = "CLAUDE_CODE_OAUTH_TOKEN";
const TOKEN: &str = "sk-ant-oat01-canary-6f02d1";
const LATER: &str = "sk-ant-oat01-canary-later-9a";

/// Returns a machine with a profile that has a directory and a token.
fn machine() -> Machine {
    let machine = tooled();
    std::fs::create_dir(machine.path("work")).expect("a home can be written");
    machine.run(&["profiles", "create", "claude", "work", "--dir", "work"]).exits(0);
    let added = machine
        .feed(&["add", "claude", "--profile", "work", "--label", "work", "--input", "-"], &input(TOKEN))
        .exits(0);
    assert!(!added.out.contains("canary") && !added.err.contains("canary"), "{}{}", added.out, added.err);
    machine
}

fn input(token: &str) -> String {
    json!({"how": "setupToken", "setupToken": token}).to_string()
}

#[test]
fn the_tool_is_given_the_token_of_its_profile_and_of_no_other() {
    let mut machine = machine();
    let given = |machine: &Machine, profile| {
        let ran = machine.run(&["run", "claude", "--profile", profile, "--", "a"]).exits(0);
        ran.variable(VARIABLE).map(str::to_owned)
    };
    assert_eq!(given(&machine, "work").as_deref(), Some(TOKEN));
    assert_eq!(given(&machine, "Default"), None);
    // The variables of the profile are set last.
    machine.set(VARIABLE, "of the person");
    assert_eq!(given(&machine, "work").as_deref(), Some(TOKEN));
    assert_eq!(given(&machine, "Default").as_deref(), Some("of the person"));
    // A later token replaces it. When the connection is removed, the token is gone.
    machine.feed(&["reauthorize", "claude:work", "--input", "-"], &input(LATER)).exits(0);
    assert_eq!(given(&machine, "work").as_deref(), Some(LATER));
    machine.run(&["remove", "claude:work", "--yes"]).exits(0);
    assert_eq!(given(&machine, "work").as_deref(), Some("of the person"));
}

#[test]
fn a_dry_run_names_the_variable_and_shows_no_token() {
    let machine = machine();
    let dry = ["run", "claude", "--profile", "work", "--dry-run"];
    let shown = machine.run(&dry).exits(0).says(&format!("{VARIABLE}=\"${VARIABLE}\" "));
    let shape = machine.run(&[&dry[..], &["--json"]].concat()).exits(0);
    assert!([&shown, &shape].iter().all(|ran| !format!("{}{}", ran.out, ran.err).contains("canary")), "{}", shape.out);
    check(&shape.json(), "run");
    assert_eq!(shape.json()["secretEnv"], json!([VARIABLE]));
    assert_eq!(machine.run(&["events", "claude:work"]).exits(0).out.matches("secret_released").count(), 0);
    machine.run(&["run", "claude", "--profile", "work"]).exits(0);
    machine.run(&["events", "claude:work"]).exits(0).says("secret_released").says("name: setupToken");
    // The control: a profile without a token.
    let other = machine.run(&["run", "claude", "--profile", "Default", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(other["secretEnv"], json!([]));
}

#[test]
fn a_container_is_given_the_token_in_no_argument() {
    let mut machine = machine();
    program(
        &machine,
        "podman",
        "#!/bin/sh\nfor argument in \"$@\"; do printf 'argument: %s\\n' \"$argument\"; done\nenv\n",
    );
    std::fs::create_dir(machine.path("project")).expect("a home can be written");
    let run = ["run", "claude", "--profile", "work", "--sandbox", "--workspace", "project"];
    let ran = machine.run(&run).exits(0);
    let arguments = ran.arguments();
    assert!(arguments.windows(2).any(|pair| pair == ["--env", VARIABLE]), "{arguments:?}");
    assert!(arguments.iter().all(|argument| !argument.contains("canary")), "{arguments:?}");
    assert_eq!(ran.variable(VARIABLE), Some(TOKEN), "the engine hands it on");
    let dry = [&run[..], &["--dry-run"]].concat();
    for dry in [dry.clone(), [&dry[..], &["--json"]].concat()] {
        let shown = machine.run(&dry).exits(0).says(VARIABLE);
        assert!(!format!("{}{}", shown.out, shown.err).contains("canary"), "{}", shown.out);
    }
    // A variable that the person names with `--env` wins.
    machine.set(VARIABLE, "of the person");
    let named = machine.run(&[&run[..], &["--env", VARIABLE]].concat()).exits(0);
    assert_eq!(named.variable(VARIABLE), Some("of the person"));
}

#[test]
fn a_token_is_shown_and_kept_nowhere_and_no_extension_is_granted_it() {
    let mut machine = machine();
    machine.set("CONNECTIONS_LOG", "trace");
    for command in [
        &["list"][..],
        &["show", "claude:work"],
        &["verify", "claude"],
        &["doctor"],
        &["kinds", "show", "claude"],
        &["usage"],
    ] {
        for command in [command.to_vec(), [command, &["--json"]].concat()] {
            let ran = machine.run(&command);
            assert!(!format!("{}{}", ran.out, ran.err).contains("canary"), "{command:?}");
        }
    }
    for (path, bytes) in contents(&machine.data()) {
        assert!(!bytes.windows(6).any(|part| part == b"canary"), "{}", path.display());
    }
    let kind = machine.run(&["kinds", "show", "claude", "--json"]).exits(0).json();
    assert!(kind["fields"].to_string().contains("setupToken"), "{kind}");
    // The text does not have the form of a token.
    let refused = machine.feed(&["add", "claude", "--profile", "Default", "--input", "-"], &input("two words"));
    assert_ne!(refused.exit, 0);
    assert!(refused.err.contains("setupToken"), "{}", refused.err);
}
