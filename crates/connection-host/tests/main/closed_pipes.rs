//! Commands whose reader, such as `head`, has read enough.

use std::process::Stdio;

use crate::program::Machine;

/// Runs the program with a standard output that nobody reads, and returns its status and what it said.
fn unread(machine: &Machine, arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = machine.command();
    command.args(arguments).stdout(writer).stderr(Stdio::piped());
    let output = command.output().expect("it starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_closed_pipe_is_a_silent_success_for_commands_that_only_print() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    for arguments in [
        &["completions", "bash"][..],
        &["man"],
        &["--help"],
        &["--version"],
        &["kinds", "--json"],
        &["config"],
        &["kinds", "--all"],
        &["kinds", "show", "github"],
        &["list"],
        &["list", "--json"],
        &["show", "github"],
        &["events"],
    ] {
        assert_eq!(unread(&machine, arguments), (Some(0), String::new()), "{arguments:?}");
    }
}

/// The status of these commands says more than that they printed.
#[test]
fn a_closed_pipe_is_a_failure_of_a_command_that_does_more() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    for arguments in [&["verify", "github"][..], &["send", "github", "/user"], &["rename", "github", "home"]] {
        assert_eq!(unread(&machine, arguments), (Some(1), String::new()), "{arguments:?}");
    }
}
