//! The settings of containers: the parts of its configuration that a tool may write, and the maximum size of a private
//! copy.

use std::{fs, path::Path};

use crate::{
    copies::left,
    program::Machine,
    sandboxes::{RUN, machine},
    tooled::program,
};

/// An engine that writes a line of a session where the contained tool would, and prints its arguments.
const ENGINE: &str = r#"#!/bin/sh
for argument in "$@"; do
  printf 'argument: %s\n' "$argument"
  case "$argument" in
    *:/agent/.claude/projects) echo resumed >> "${argument%%:*}/s1.jsonl" ;;
  esac
done
"#;

/// Returns a machine whose profile has a session of an earlier run, and the profile's directory.
fn with_session() -> (Machine, String) {
    let (machine, work) = machine();
    program(&machine, "podman", ENGINE);
    machine.write("work/projects/s1.jsonl", b"begun\n");
    (machine, work)
}

fn session(work: &str) -> String {
    fs::read_to_string(Path::new(work).join("projects/s1.jsonl")).expect("it stays")
}

#[test]
fn a_session_in_a_container_stays_where_the_host_allows_the_tool_to_write_it() {
    let (mut machine, work) = with_session();
    let ran = machine.run(&RUN).exits(0);
    assert!(!ran.out.contains("/agent/.claude/projects"), "{}", ran.out);
    assert_eq!(session(&work), "begun\n");
    for allowed in ["declared", "[\"projects\"]"] {
        machine.set("CONNECTIONS_SANDBOX__WRITABLE__CLAUDE", allowed);
        machine.run(&RUN).exits(0);
    }
    assert_eq!(session(&work), "begun\nresumed\nresumed\n");
    assert!(left(&machine).is_empty(), "{:?}", left(&machine));
    machine.set("CONNECTIONS_SANDBOX__WRITABLE__CLAUDE", "[\"project\"]");
    machine.run(&RUN).exits(0).warns("left out: /agent/.claude/project: ");
    machine.set("CONNECTIONS_SANDBOX__WRITABLE__CLAUDE", "[\"../project\"]");
    machine.run(&RUN).exits(2).warns("must be one of: nothing, declared, everything, or a list of subdirectories");
    machine.set("CONNECTIONS_SANDBOX__WRITABLE__CLAUDE", "everything");
    let ran = machine.run(&RUN).exits(0);
    assert!(ran.arguments().contains(&&*format!("{work}:/agent/.claude")), "{}", ran.out);
}

#[test]
fn a_copy_that_is_too_large_is_refused_with_the_setting_that_says_so() {
    let (mut machine, _) = with_session();
    machine.set("CONNECTIONS_SANDBOX__COPY_ENTRIES", "4");
    let refused = machine.run(&RUN).exits(1);
    let refused = refused.warns("sandbox.copy_entries allows 4 entries, and it holds 5 entries");
    refused.warns("raise sandbox.copy_entries");
    assert!(left(&machine).is_empty(), "{:?}", left(&machine));
    // Parts that the tool may write are not copied.
    machine.set("CONNECTIONS_SANDBOX__WRITABLE__CLAUDE", "declared");
    machine.run(&RUN).exits(0);
    machine.set("CONNECTIONS_SANDBOX__WRITABLE__CLAUDE", "nothing");
    machine.set("CONNECTIONS_SANDBOX__COPY_ENTRIES", "5");
    machine.run(&RUN).exits(0);
}
