//! A local tool is connected with keys, and run with a profile to which they do not belong; its usage is requested. The
//! keys are in no argument, no environment of a process, no output and no file. A tool is given the keys of its own
//! profile; see `tool_keys`.

#[cfg(target_os = "linux")]
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

#[cfg(target_os = "linux")]
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::watch::{Watch, finds};
use crate::{
    provider::{AUTH_TOKEN, KEY_SECRET, NOTION_KEY},
    tooled::{equip, program, signed_in},
};

/// Runs the tool in a container. The home directory holds the database, so no container mounts it.
const SANDBOXED: [&str; 7] = ["run", "claude", "--profile", "work", "--sandbox", "--workspace", "project"];

fn watch() -> Watch {
    let mut watch = Watch::new();
    equip(&mut watch.machine);
    // The tool inherits the person's own variables. This one held a secret, which the search would find there.
    watch.machine.set("NOTION", "none");
    let endpoints = format!(r#"{{"https://api.anthropic.com": "{}"}}"#, watch.machine.provider.origin);
    watch.machine.set("CONNECTIONS_HTTP__ENDPOINTS", &endpoints);
    let machine = &watch.machine;
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"data": [], "has_more": false}"#);
    std::fs::create_dir(machine.path("project")).expect("the home can be written");
    let work = signed_in(machine, "given/work", "ada@example.com");
    let input = json!({"how": "apiKey", "apiKey": NOTION_KEY, "adminKey": KEY_SECRET}).to_string();
    let input = machine.write("given/claude.json", input.as_bytes());
    watch.run(&["profiles", "create", "claude", "work", "--dir", &work], 0);
    watch.run(&["add", "claude", "--input", &input], 0);
    watch
}

#[test]
fn no_key_of_a_tool_is_found_in_any_output_log_or_file() {
    let mut watch = watch();
    // The variables of this program may hold a secret, such as an address with a password.
    watch.machine.set("CONNECTIONS_TEST_ADDRESS", AUTH_TOKEN);
    let machine = &watch.machine;
    program(machine, "podman", "#!/bin/sh\nfor argument in \"$@\"; do echo \"$argument\"; done\n/usr/bin/env >&2\n");
    for command in [
        &["profiles", "list", "claude"][..],
        &["profiles", "probe", "claude", "work"],
        &["kinds", "show", "claude"],
        &["run", "claude", "--profile", "work"],
        &SANDBOXED,
        &["run", "claude", "--profile", "work", "--dry-run"],
        &[&SANDBOXED[..], &["--dry-run"]].concat(),
        &["sandbox", "build", "claude"],
        &["usage"],
        &["doctor"],
        &["list"],
    ] {
        watch.run(command, 0);
        watch.run(&[command, &["--json"]].concat(), 0);
    }
    // The tool's own credential is read and never printed.
    machine.write(
        "given/work/.credentials.json",
        format!(r#"{{"claudeAiOauth": {{"accessToken": "{AUTH_TOKEN}"}}}}"#).as_bytes(),
    );
    watch.run(&["profiles", "probe", "claude", "work"], 0);
    watch.run(&SANDBOXED, 0);
    machine.provider.tell(500, "", &format!(r#"{{"error": {{"message": "{KEY_SECRET}"}}}}"#));
    watch.run(&["usage", "--json"], 0);
    // The value of a variable that a person passes to a container is in no argument.
    program(machine, "podman", "#!/bin/sh\nfor argument in \"$@\"; do echo \"$argument\"; done\n");
    watch.machine.set("GIVEN", AUTH_TOKEN);
    let given = [&SANDBOXED[..], &["--env", "GIVEN"]].concat();
    for more in [&[][..], &["--dry-run"], &["--dry-run", "--json"]] {
        watch.run(&[&given, more].concat(), 0);
    }
    let sent = watch.machine.provider.seen();
    assert!(sent.iter().any(|seen| seen.headers.values().any(|value| value == KEY_SECRET)), "the control: it is used");
}

/// While the tool runs, other processes of the user can read its arguments and environment, and those of this program.
#[cfg(target_os = "linux")]
#[test]
fn no_key_is_in_a_process_while_a_tool_runs() {
    let watch = watch();
    let run = |variable: &str| {
        let mut command = watch.machine.command();
        command
            .args(["run", "claude", "--profile", "work", "--", "wait"])
            .env("GIVEN", variable)
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        child
    };
    let ours = run("nothing");
    let seen = processes(&ours);
    assert!(seen.len() > 1 && seen.iter().any(|seen| finds(seen, b"CLAUDE_CONFIG_DIR=")), "the tool runs");
    for seen in &seen {
        assert!(!watch.leaks(seen), "{}", String::from_utf8_lossy(seen));
    }
    assert!(!watch.files_leak(), "a file holds a key");
    end(ours);
    // The control: a secret in an environment is found.
    let control = run(KEY_SECRET);
    assert!(processes(&control).iter().any(|seen| watch.leaks(seen)));
    end(control);
}

/// Ends the program and its tool with a signal. Killing the program would leave the tool running.
#[cfg(target_os = "linux")]
fn end(mut child: Child) {
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(7));
}

/// Returns the arguments and the environment of a process and of its children.
#[cfg(target_os = "linux")]
fn processes(child: &Child) -> Vec<Vec<u8>> {
    let parent = format!("PPid:\t{}\n", child.id());
    let mut ids = vec![child.id().to_string()];
    for entry in std::fs::read_dir("/proc").expect("it is there").flatten() {
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        if status.contains(&parent) {
            ids.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    let files = ids.iter().flat_map(|id| ["cmdline", "environ"].map(|file| format!("/proc/{id}/{file}")));
    files.filter_map(|file| std::fs::read(file).ok()).collect()
}
