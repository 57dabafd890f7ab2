//! Local tools run as their profiles: their environment, their arguments, and how they end.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{
    program::{Machine, check},
    provider::{NOTION_KEY, SECRETS},
    tooled::{program, text, tooled},
};

fn two(machine: &Machine) {
    for name in ["work", "home"] {
        machine.run(&["profiles", "create", "claude", name, "--dir", name]).exits(0);
    }
}

#[test]
fn two_profiles_run_side_by_side_with_different_directories() {
    let machine = tooled();
    two(&machine);
    let run = |profile| {
        let mut command = machine.command();
        command.args(["run", "claude", "--profile", profile, "--", "wait"]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        (child, lines)
    };
    let mut both = [run("work"), run("home")];
    for profile in ["work", "home"] {
        let ran = machine.run(&["run", "claude", "--profile", profile]).exits(0);
        assert_eq!(ran.variable("CLAUDE_CONFIG_DIR"), Some(&*text(&machine.path(profile))));
    }
    for (child, lines) in &mut both {
        assert!(child.try_wait().expect("it can be asked").is_none(), "both run");
        kill_process(Pid::from_child(child), Signal::TERM).expect("it runs");
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        assert_eq!((&*line, child.wait().expect("it ends").code()), ("got TERM\n", Some(7)));
    }
}

#[test]
fn the_tool_gets_its_arguments_as_they_are_and_its_end_is_ours() {
    let machine = tooled();
    let ran = machine.run(&["run", "claude", "--", "-p", "a b", "--json", "--profile", "x", "--", ""]).exits(0);
    assert_eq!(ran.arguments(), ["-p", "a b", "--json", "--profile", "x", "--", ""]);
    for code in ["0", "1", "6", "77", "255"] {
        machine.run(&["run", "claude", "--", "exit", code]).exits(code.parse().expect("a number"));
    }
    for (signal, code) in [("KILL", 137), ("TERM", 143), ("INT", 130)] {
        machine.run(&["run", "claude", "--", "die", signal]).exits(code);
    }
    machine.run(&["run", "claude", "-p"]).exits(2).warns("unknown option '-p'");
}

#[test]
fn signals_reach_the_tool_which_decides() {
    let machine = tooled();
    for (signal, said, code) in [(Signal::TERM, "got TERM\n", 7), (Signal::INT, "got INT\n", 8)] {
        let mut command = machine.command();
        command.args(["run", "codex", "--", "wait"]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        for expected in ["ready\n", said] {
            let mut line = String::new();
            lines.read_line(&mut line).expect("a line");
            assert_eq!(line, expected);
            if expected == "ready\n" {
                kill_process(Pid::from_child(&child), signal).expect("it runs");
            }
        }
        assert_eq!(child.wait().expect("it ends").code(), Some(code));
    }
}

/// Signals are ignored like this under `nohup`, and in the background of a script.
#[cfg(target_os = "linux")]
#[test]
fn what_is_ignored_already_is_ignored_by_the_tool_too() {
    let machine = tooled();
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        for (before, code) in [("", code), ("trap '' \"$1\"; ", 0)] {
            // The tests themselves may run where signals are ignored.
            let mut command = machine.command_of_system("env");
            let script = format!("{before}exec \"$0\" run claude -- die \"$1\"");
            command.args(["--default-signal", "sh", "-c", &script, env!("CARGO_BIN_EXE_connections"), signal]);
            let ended = command.output().expect("it runs");
            assert_eq!(ended.status.code(), Some(code), "{signal}: {}", String::from_utf8_lossy(&ended.stderr));
        }
    }
}

#[test]
fn each_kind_points_its_tool_by_its_own_variables() {
    let machine = tooled();
    machine.run(&["profiles", "create", "codex", "work", "--dir", "work"]).exits(0);
    let codex = machine.run(&["run", "codex", "--profile", "work"]).exits(0);
    assert_eq!(codex.variable("CODEX_HOME"), Some(&*text(&machine.path("work"))));
    machine.run(&["profiles", "create", "gemini", "work", "--dir", "work/.gemini"]).exits(0);
    let gemini = machine.run(&["run", "gemini", "--profile", "work"]).exits(0);
    assert_eq!(gemini.variable("GEMINI_CONFIG_DIR"), Some(&*text(&machine.path("work/.gemini"))));
    assert_eq!(gemini.variable("GEMINI_CLI_HOME"), Some(&*text(&machine.path("work"))));
}

#[test]
fn a_named_profile_precedes_the_slot_and_the_slot_precedes_the_default() {
    let machine = tooled();
    two(&machine);
    machine.run(&["profiles", "default", "claude", "work", "--slot", "shop"]).exits(0);
    machine.run(&["profiles", "default", "claude", "home"]).exits(0);
    for (arguments, expected) in [
        (&["run", "claude"][..], Some("home")),
        (&["run", "claude", "--slot", "shop"], Some("work")),
        (&["run", "claude", "--slot", "other"], Some("home")),
        (&["run", "claude", "--slot", "shop", "--profile", "Default"], None),
    ] {
        let ran = machine.run(arguments).exits(0);
        let expected = expected.map(|name| text(&machine.path(name)));
        assert_eq!(ran.variable("CLAUDE_CONFIG_DIR"), expected.as_deref(), "{arguments:?}");
    }
    machine.run(&["run", "claude", "--profile", "gone", "--", "exit", "9"]).exits(5).warns("has no profile 'gone'");
}

/// R-JACK-008: the variables of the profile are set last, so they win over those that a person has set.
#[test]
fn the_tool_has_the_persons_environment_and_nothing_of_ours() {
    let mut machine = tooled();
    let key = connection_contract::encode::base64(&[7; 32]);
    let variables = [
        ("EDITOR", "vi"),
        ("ANTHROPIC_API_KEY", "of-the-person"),
        ("CLAUDE_CONFIG_DIR", "/elsewhere"),
        ("CONNECTIONS_KEY__VARIABLE", "APP_KEY"),
        ("APP_KEY", &key),
    ];
    variables.iter().for_each(|(name, value)| machine.set(name, value));
    let ran = machine.run(&["run", "claude"]).exits(0);
    assert_eq!(ran.variable("EDITOR"), Some("vi"));
    assert_eq!(ran.variable("ANTHROPIC_API_KEY"), Some("of-the-person"));
    // For its default directory, the tool gets no variable, not even the one that the person has set.
    assert_eq!(ran.variable("CLAUDE_CONFIG_DIR"), None);
    assert_eq!(ran.variable("APP_KEY"), None);
    assert!(!ran.out.contains("CONNECTIONS_"), "{}", ran.out);
}

/// A tool may find less if a variable names its default directory. This does not depend on how the profile is chosen.
#[test]
fn no_variable_names_the_directory_that_a_tool_uses_by_itself() {
    let mut machine = tooled();
    two(&machine);
    machine.run(&["profiles", "default", "claude", "Default", "--slot", "shop"]).exits(0);
    machine.set("CLAUDE_CONFIG_DIR", "/elsewhere");
    let by_itself = [&["--profile", "Default"][..], &[], &["--slot", "shop"]];
    for (at, arguments) in by_itself.into_iter().enumerate() {
        if at == 2 {
            machine.run(&["profiles", "default", "claude", "work"]).exits(0);
        }
        let arguments = [&["run", "claude"], arguments].concat();
        assert_eq!(machine.run(&arguments).exits(0).variable("CLAUDE_CONFIG_DIR"), None, "{arguments:?}");
        // The person who pastes the line has the variable too, so the line removes it.
        let dry = [&*arguments, &["--dry-run"]].concat();
        let shown = machine.run(&dry).exits(0);
        assert_eq!(shown.out, format!("env -u CLAUDE_CONFIG_DIR {}\n", machine.path("bin/claude").display()));
        let shape = machine.run(&[&*dry, &["--json"]].concat()).exits(0).json();
        check(&shape, "run");
        assert_eq!((&shape["without"], &shape["env"]), (&json!(["CLAUDE_CONFIG_DIR"]), &json!({})));
    }
    let ran = machine.run(&["run", "claude"]).exits(0);
    assert_eq!(ran.variable("CLAUDE_CONFIG_DIR"), Some(&*text(&machine.path("work"))), "the control");
    let probed = machine.run(&["profiles", "probe", "claude", "Default"]).exits(0);
    probed.says("Sign in with: env -u CLAUDE_CONFIG_DIR claude auth login");
}

/// No kind declares that its tool takes the key of a connection, so the tool does not get it.
#[test]
fn the_key_of_a_connection_is_not_given_to_the_tool_of_another_profile() {
    let mut machine = tooled();
    let endpoints = format!(r#"{{"https://api.anthropic.com": "{}"}}"#, machine.provider.origin);
    machine.set("CONNECTIONS_HTTP__ENDPOINTS", &endpoints);
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"data": [], "has_more": false}"#);
    let input = json!({"how": "apiKey", "apiKey": NOTION_KEY}).to_string();
    machine.feed(&["add", "claude", "--input", "-"], &input).exits(0);
    let work = text(&machine.path("work"));
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    let ran = machine.run(&["run", "claude", "--profile", "work", "--", "a"]).exits(0);
    assert!(SECRETS.iter().all(|secret| !ran.out.contains(secret)));
    assert_eq!(ran.variable("ANTHROPIC_API_KEY"), None);
    machine.run(&["run", "claude", "--profile", "work", "--dry-run", "--json"]).exits(0);
}

#[test]
fn a_tool_works_where_it_is_told() {
    let machine = tooled();
    std::fs::create_dir(machine.path("project")).expect("a home can be written");
    let ran = machine.run(&["run", "claude", "--workspace", "project"]).exits(0);
    assert!(ran.out.contains(&format!("directory: {}\n", machine.path("project").display())), "{}", ran.out);
    machine.run(&["run", "claude", "--workspace", "gone"]).exits(5).warns("gone");
    machine.write("file", b"");
    machine.run(&["run", "claude", "--workspace", "file"]).exits(2).warns("is not a directory");
}

#[test]
fn a_missing_tool_is_reported_with_its_installation() {
    let machine = tooled();
    std::fs::remove_file(machine.path("bin/claude")).expect("it is there");
    machine
        .run(&["run", "claude"])
        .exits(5)
        .warns("'claude' is not installed: looked in ")
        .warns("npm install -g @anthropic-ai/claude-code");
    let error = machine.run(&["run", "claude", "--json"]).exits(5).error();
    assert_eq!(error["error"]["code"], "tool_missing");
    // The installer of the tool puts it below the home.
    program(&machine, "../.local/bin/claude", "#!/bin/sh\necho here\n");
    machine.run(&["run", "claude"]).exits(0).says("here");
    machine.run(&["run", "github"]).exits(6).warns("has no local tool");
    machine.run(&["run", "gone"]).exits(5);
}

#[test]
fn a_dry_run_shows_what_would_be_run_and_runs_nothing() {
    let machine = tooled();
    two(&machine);
    let dry = ["run", "claude", "--profile", "work", "--dry-run", "--", "write", "a b"];
    let tool = text(&machine.path("bin/claude"));
    let work = text(&machine.path("work"));
    let shown = machine.run(&dry).exits(0);
    assert_eq!(shown.out, format!("CLAUDE_CONFIG_DIR={work} {tool} write 'a b'\n"));
    let shape =
        machine.run(&["run", "claude", "--profile", "work", "--print", "--json", "--", "write", "a b"]).exits(0);
    let shape = shape.json();
    check(&shape, "run");
    assert_eq!(shape["argv"], json!([tool, "write", "a b"]));
    assert_eq!((&shape["env"], &shape["without"]), (&json!({"CLAUDE_CONFIG_DIR": work}), &json!([])));
    assert!(shape["profile"].is_string() && shape["cwd"].is_string(), "{shape}");
    assert!(!machine.path("a b").exists());
    machine.run(&["run", "claude", "--profile", "work", "--", "write", "a b"]).exits(0);
    assert!(machine.path("a b").exists(), "the control");
}

/// The text that people are shown for a path may differ from the path.
#[test]
fn a_tool_is_run_where_it_is_whatever_its_path_is_made_of() {
    use std::os::unix::ffi::OsStrExt as _;
    let machine = tooled();
    for name in [b"bin\xe2\x80\x8b".as_slice(), b"bin\xff", &[b'x'; 250]] {
        let directory = machine.path(&"y".repeat(250));
        let directory = directory.join(std::ffi::OsStr::from_bytes(name));
        std::fs::create_dir_all(&directory).expect("a home can be written");
        std::fs::rename(machine.path("bin/claude"), directory.join("claude")).expect("it is there");
        let mut command = machine.command();
        let path = std::env::join_paths([directory.clone(), "/usr/bin".into(), "/bin".into()]).expect("a path");
        command.args(["run", "claude", "--", "exit", "9"]).env("PATH", path);
        crate::program::Ran::of(&["run"], command.output().expect("it runs")).exits(9);
        std::fs::rename(directory.join("claude"), machine.path("bin/claude")).expect("it is there");
    }
}

/// R-JACK-007: this host itself uses a profile while a tool runs as it.
#[test]
fn a_profile_stays_while_a_tool_runs_as_it() {
    let machine = tooled();
    two(&machine);
    let mut command = machine.command();
    command.args(["run", "claude", "--profile", "work", "--", "wait"]).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    let refused =
        machine.run(&["profiles", "remove", "claude", "work"]).exits(6).warns("in use: by a tool that runs as it");
    refused.warns("stop or remove everything that uses it");
    assert_eq!(
        machine.run(&["profiles", "remove", "claude", "work", "--json"]).error()["error"]["code"],
        "profile_in_use"
    );
    machine.run(&["profiles", "remove", "claude", "home"]).exits(0);
    machine.run(&["run", "claude", "--profile", "work", "--", "exit", "0"]).exits(0);
    machine.run(&["profiles", "remove", "claude", "work"]).exits(6);
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    child.wait().expect("it ends");
    machine.run(&["profiles", "remove", "claude", "work"]).exits(0);
}
