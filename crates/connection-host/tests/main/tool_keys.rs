//! The API key of a profile is handed to its tool in the tool's variable, and is in no argument, no output and no file.

use serde_json::json;

use crate::{
    program::{Machine, check, contents},
    tooled::{program, tooled},
};

/// The name of a tool, its variable, and the origin and the member of its provider's list of models.
pub(crate) const TOOLS: [(&str, &str, &str, &str); 3] = [
    ("claude", "ANTHROPIC_API_KEY", "https://api.anthropic.com", "data"),
    ("codex", "CODEX_API_KEY", "https://api.openai.com", "data"),
    ("gemini", "GEMINI_API_KEY", "https://generativelanguage.googleapis.com", "models"),
];

pub(crate) const KEY: &str = "sk-canary-key-0a5d1e77b2c94f60";

/// Gives a profile `pay` of each tool a directory and a connection with the key.
pub(crate) fn connect(machine: &mut Machine) {
    let origins: serde_json::Map<_, _> =
        TOOLS.iter().map(|(_, _, origin, _)| ((*origin).to_owned(), json!(machine.provider.origin))).collect();
    machine.set("CONNECTIONS_HTTP__ENDPOINTS", &json!(origins).to_string());
    for (kind, _, _, list) in TOOLS {
        let models = json!({ list: [], "has_more": false }).to_string();
        machine.provider.tell(200, "content-type: application/json\r\n", &models);
        machine.run(&["profiles", "create", kind, "pay", "--dir", &format!("pay/.{kind}")]).exits(0);
        let input = json!({ "how": "apiKey", "apiKey": KEY }).to_string();
        machine.feed(&["add", kind, "--profile", "pay", "--label", "pay", "--input", "-"], &input).exits(0);
    }
    machine.provider.behave();
}

/// Asserts that no file below a directory of the machine holds the key.
#[track_caller]
pub(crate) fn assert_in_no_file(machine: &Machine) {
    for (path, bytes) in contents(&machine.path("")) {
        assert!(!bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()), "{}", path.display());
    }
}

#[test]
fn each_tool_is_given_the_key_of_its_profile_and_of_no_other() {
    let mut machine = tooled();
    connect(&mut machine);
    for (kind, variable, _, _) in TOOLS {
        let ran = machine.run(&["run", kind, "--profile", "pay", "--", "a", "b"]).exits(0);
        assert_eq!(ran.variable(variable), Some(KEY), "{kind}");
        let arguments = ran.arguments();
        assert!(arguments.ends_with(&["a", "b"]), "{arguments:?}");
        assert!(arguments.iter().all(|argument| !argument.contains("canary")), "{arguments:?}");
        // Codex reads the variable only if an entry on its command line names it.
        let names_it = arguments.iter().any(|argument| argument.contains(variable));
        assert_eq!((names_it, arguments.len() > 2), (kind == "codex", kind == "codex"), "{arguments:?}");
        machine.run(&["events", &format!("{kind}:pay")]).exits(0).says("secret_released").says("name: apiKey");
        let other = machine.run(&["run", kind, "--profile", "Default", "--", "a"]).exits(0);
        assert_eq!((other.variable(variable), other.arguments()), (None, vec!["a"]), "{kind}");
    }
    assert_in_no_file(&machine);
    // When the connection is removed, the key is gone.
    machine.run(&["remove", "claude:pay", "--yes"]).exits(0);
    assert_eq!(machine.run(&["run", "claude", "--profile", "pay"]).exits(0).variable("ANTHROPIC_API_KEY"), None);
}

#[test]
fn a_dry_run_names_the_variable_and_the_arguments_and_hands_nothing_over() {
    let mut machine = tooled();
    connect(&mut machine);
    for (kind, variable, _, _) in TOOLS {
        let dry = ["run", kind, "--profile", "pay", "--dry-run"];
        let shown = machine.run(&dry).exits(0).says(&format!("{variable}=\"${variable}\" "));
        let shape = machine.run(&[&dry[..], &["--json"]].concat()).exits(0);
        assert!([&shown, &shape].iter().all(|ran| !format!("{}{}", ran.out, ran.err).contains("canary")), "{}", shape.out);
        check(&shape.json(), "run");
        assert_eq!(shape.json()["secretEnv"], json!([variable]));
        let argv = shape.json()["argv"].to_string();
        assert_eq!(argv.contains("env_key="), kind == "codex", "{argv}");
        assert_eq!(machine.run(&["events", &format!("{kind}:pay")]).exits(0).out.matches("secret_released").count(), 0);
    }
}

#[test]
fn a_container_is_given_the_key_in_no_argument_and_a_variable_that_the_person_names_wins() {
    let mut machine = tooled();
    connect(&mut machine);
    let podman = "#!/bin/sh\nfor argument in \"$@\"; do printf 'argument: %s\\n' \"$argument\"; done\nenv\n";
    program(&machine, "podman", podman);
    for directory in ["project", "pay/.gemini"] {
        std::fs::create_dir_all(machine.path(directory)).expect("a home can be written");
    }
    let run = ["run", "gemini", "--profile", "pay", "--sandbox", "--workspace", "project"];
    let ran = machine.run(&run).exits(0);
    let arguments = ran.arguments();
    assert!(arguments.windows(2).any(|pair| pair == ["--env", "GEMINI_API_KEY"]), "{arguments:?}");
    assert!(arguments.iter().all(|argument| !argument.contains("canary")), "{arguments:?}");
    assert_eq!(ran.variable("GEMINI_API_KEY"), Some(KEY), "the engine hands it on");
    machine.set("GEMINI_API_KEY", "of the person");
    let named = machine.run(&[&run[..], &["--env", "GEMINI_API_KEY"]].concat()).exits(0);
    assert_eq!(named.variable("GEMINI_API_KEY"), Some("of the person"));
}
