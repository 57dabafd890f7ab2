//! The real command-line tools, if `cargo xtask setup` could install them. They are found, report their version, and
//! keep to the directory of the profile that they run as. A tool that is not installed is skipped with a message.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    program::Machine,
    tooled::{program, signed_in, text, tooled},
};

/// The address of a proxy that does not exist: no program listens on port 9 (discard), so nothing is sent.
const NOBODY: &str = "http://127.0.0.1:9";

/// Returns a machine that has the real tool of a kind in place of the script, and the tool's version. Returns `None`
/// if the tool is not installed.
fn machine(kind: &str, entry: &str, what: &str) -> Option<(Machine, String)> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/agent-cli/tests/tools").join(kind);
    let script = tools.join("node_modules").join(entry);
    let Some(node) = node().filter(|_| script.is_file()) else {
        // Writing to `stderr` directly is not captured by the test harness.
        let message = format!("\n\nSKIPPED: that the real {kind} {what} ({kind} or Node is not installed).\n\n");
        std::io::stderr().write_all(message.as_bytes()).unwrap_or_default();
        return None;
    };
    let mut machine = tooled();
    program(&machine, kind, &format!("#!/bin/sh\nexec {} {} \"$@\"\n", node.display(), script.display()));
    for proxy in ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"] {
        machine.set(proxy, NOBODY);
    }
    let manifest = std::fs::read_to_string(tools.join("package.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    let version = manifest["dependencies"].as_object().and_then(|all| all.values().next()).and_then(Value::as_str);
    Some((machine, version.expect("a version").to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "a test that runs a program has to find it")]
fn node() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join("node")).find(|node| node.is_file())
}

#[test]
fn claude_code_is_found_and_keeps_to_the_directory_of_its_profile() {
    let entry = "@anthropic-ai/claude-code/cli-wrapper.cjs";
    let Some((machine, version)) = machine("claude", entry, "runs as its profiles") else { return };
    // The first start may exceed the time limit. Then the version is missing, but the tool is still found.
    let shown = machine.run(&["kinds", "show", "claude", "--json"]).exits(0).json();
    assert_eq!(shown["tool"]["path"].as_str(), Some(&*text(&machine.path("bin/claude"))));
    let printed = machine.run(&["run", "claude", "--", "--version"]).exits(0).says(&version);
    assert!(
        shown["tool"]["version"].is_null() || printed.out.starts_with(shown["tool"]["version"].as_str().unwrap_or("?"))
    );
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    machine.run(&["profiles", "create", "claude", "home", "--dir", "home"]).exits(0);
    let status = |profile| {
        let ran = machine.run(&["run", "claude", "--profile", profile, "--", "auth", "status"]);
        serde_json::from_str::<Value>(&ran.out).unwrap_or_else(|_| panic!("no JSON:\n{}{}", ran.out, ran.err))
    };
    let here = status("work");
    let there = status("home");
    assert_eq!((here["loggedIn"].as_bool(), here["email"].as_str()), (Some(true), Some("ada@example.com")), "{here}");
    assert_eq!(there["loggedIn"].as_bool(), Some(false), "{there}");
    assert!(!machine.path(".claude").exists(), "the tool's own directory is left alone");
}

#[test]
fn gemini_cli_reads_the_directory_of_its_profile() {
    let entry = "@google/gemini-cli/bundle/gemini.js";
    let Some((machine, version)) = machine("gemini", entry, "runs as its profiles") else { return };
    machine.run(&["run", "gemini", "--", "--version"]).exits(0).says(&version);
    machine.run(&["profiles", "create", "gemini", "work", "--dir", "work/.gemini"]).exits(0);
    machine.write("work/.gemini/settings.json", b"{}");
    // Gemini CLI has no command that prints the account, but it names the file that it read.
    let ran = machine.run(&["run", "gemini", "--profile", "work", "--", "--list-extensions"]);
    let settings = text(&machine.path("work/.gemini/settings.json"));
    assert!(format!("{}{}", ran.out, ran.err).contains(&settings), "{}{}", ran.out, ran.err);
}
