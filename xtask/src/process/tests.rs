//! Tests of running tools: they succeed or fail by name, and do not see the variables that are set for xtask.

use std::path::Path;
use std::time::Duration;

use super::{cargo, is_about_us, output, run, run_within, tool};

#[test]
fn a_tool_that_does_not_end_well_is_a_failure_that_names_the_command() {
    let here = Path::new(".");
    assert!(run(&mut tool(here, "cargo", &["--version"])).is_ok());
    let failure = run(&mut tool(here, "cargo", &["no-such-command"])).unwrap_err().to_string();
    assert!(failure.starts_with("`cargo no-such-command` ended with"), "{failure}");
    let failure = output(&mut tool(here, "no-such-tool", &["a"])).unwrap_err().to_string();
    assert!(failure.starts_with("cannot run `no-such-tool a`"), "{failure}");
}

#[test]
fn a_tool_that_does_not_end_in_time_is_ended_and_a_failure() {
    let here = Path::new(".");
    assert!(run_within(&mut tool(here, "cargo", &["--version"]), Duration::from_secs(600)).is_ok());
    let failure = run_within(&mut tool(here, "cargo", &["no-such-command"]), Duration::from_secs(600)).unwrap_err();
    assert!(failure.to_string().starts_with("`cargo no-such-command` ended with"), "{failure}");
    // The command waits for its input, which never ends.
    let mut hangs = tool(here, "cat", &[]);
    let failure = run_within(hangs.stdin(std::process::Stdio::piped()), Duration::ZERO).unwrap_err().to_string();
    assert_eq!(failure, "`cat` did not end within 0 seconds");
}

#[test]
fn the_output_of_a_tool_is_returned() {
    assert!(output(&mut cargo(Path::new("."), &["--version"])).unwrap().starts_with("cargo "));
}

#[test]
fn what_cargo_set_for_xtask_is_not_handed_on() {
    // This test runs under cargo, so the variable is set and must be removed.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
    let command = cargo(Path::new("."), &[]);
    assert!(command.get_envs().any(|(name, value)| name == "CARGO_PKG_NAME" && value.is_none()));
    assert!(!is_about_us("CARGO_TARGET_DIR") && !is_about_us("CARGO_HOME"));
}
