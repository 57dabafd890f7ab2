//! A program that runs with the secrets and settings of an extension: its environment, and how it ends.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
};

use connection_contract::encode::base64;

use crate::{
    extensions::connected,
    program::Machine,
    provider::{OTHER_TOKEN, TOKEN},
};

/// Returns what the child wrote into a file. The child does not print it, because each run searches the output for
/// secrets.
fn got(machine: &Machine) -> String {
    std::fs::read_to_string(machine.path("got")).unwrap()
}

fn shell(machine: &Machine, script: &str) -> crate::program::Ran {
    machine.run(&["exec", "issues", "--", "/bin/sh", "-c", script])
}

#[test]
fn the_program_gets_what_was_declared_and_nothing_else_of_ours() {
    let mut machine = connected();
    machine.set("OTHER", OTHER_TOKEN);
    machine.set("CONNECTIONS_HTTP__TIMEOUT", "5");
    shell(&machine, "env > got").exits(0);
    let got = got(&machine);
    let value = |name: &str| got.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_owned);
    assert_eq!(value("ACCESS_TOKEN").as_deref(), Some(TOKEN));
    assert_eq!(value("PUBLIC_API_BASE_URL").as_deref(), Some("https://api.github.com"));
    assert_eq!(value("OTHER").as_deref(), Some(OTHER_TOKEN), "what is the person's own stays");
    assert!(value("HOME").is_some() && !got.contains("CONNECTIONS_"), "{got}");
}

#[test]
fn a_person_names_the_variables_of_a_secret() {
    let machine = connected();
    let run = |env: &[&str]| {
        let env: Vec<_> = env.iter().flat_map(|env| ["--env", env]).collect();
        machine.run(&[&["exec", "issues"], &env[..], &["--", "/bin/sh", "-c", "env > got"]].concat())
    };
    run(&["GH_TOKEN=accessToken", "GITHUB_TOKEN=accessToken"]).exits(0);
    let got = got(&machine);
    for variable in ["GH_TOKEN", "GITHUB_TOKEN"] {
        assert!(got.contains(&format!("\n{variable}={TOKEN}\n")) || got.starts_with(&format!("{variable}={TOKEN}\n")), "{got}");
    }
    assert!(!got.contains("ACCESS_TOKEN=") && got.contains("PUBLIC_API_BASE_URL="), "{got}");
    std::fs::remove_file(machine.path("got")).unwrap();
    run(&["GH_TOKEN=apiKey"]).exits(2).warns("issues declares no secret apiKey").warns("accessToken");
    run(&["GH_TOKEN=accessToken", "GH_TOKEN=accessToken"]).exits(2).warns("GH_TOKEN twice");
    for wrong in ["GH_TOKEN", "=accessToken", "1GH=accessToken", "GH-TOKEN=accessToken", "GH_TOKEN="] {
        run(&[wrong]).exits(2).warns("--env takes VARIABLE=SECRET");
    }
    assert!(!machine.path("got").exists(), "the program did not run");
}

#[test]
fn the_program_gets_what_the_extension_and_the_command_are_set_to() {
    let machine = connected();
    let run = |command: &[&str]| {
        let arguments = [&["exec", "issues"], command, &["--", "/bin/sh", "-c", "env | sort > got"]].concat();
        machine.run(&arguments).exits(0);
        let got = got(&machine);
        let of_ours = got.lines().filter(|line| line.starts_with("PREFERENCE_"));
        of_ours.map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    // `apiBaseUrl` belongs to the connection, which provides it as PUBLIC_API_BASE_URL.
    machine.run(&["preferences", "set", "issues", "apiBaseUrl", "https://ghe.example"]).exits(0);
    assert_eq!(run(&[]), "PREFERENCE_DEFAULT_DATABASE= PREFERENCE_OPEN_BEHAVIOR=browser");
    machine.run(&["preferences", "set", "issues", "defaultDatabase", "work"]).exits(0);
    let own = "PREFERENCE_DEFAULT_DATABASE=work";
    assert_eq!(run(&[]), format!("{own} PREFERENCE_OPEN_BEHAVIOR=browser"));
    let of_search = ["--command", "search"];
    assert_eq!(run(&of_search), format!("{own} PREFERENCE_ONLY_MINE=true PREFERENCE_OPEN_BEHAVIOR=browser"));
    machine.run(&["preferences", "set", "issues", "--command", "search", "onlyMine", "false"]).exits(0);
    assert_eq!(run(&of_search), format!("{own} PREFERENCE_ONLY_MINE=false PREFERENCE_OPEN_BEHAVIOR=browser"));
    assert_eq!(run(&["--command", "create"]), format!("{own} PREFERENCE_OPEN_BEHAVIOR=browser"));
}

/// The variable that the configuration names holds the root key.
#[test]
fn the_key_is_not_in_the_program_s_variables() {
    let mut machine = Machine::new();
    machine.set("GITHUB", TOKEN);
    let key = base64(&[7; 32]);
    machine.set("THE_KEY", &key);
    let config = std::fs::read_to_string(machine.path("config.toml")).unwrap();
    machine.configure(&format!("{config}\n[key]\nvariable = \"THE_KEY\"\n"));
    machine.write("issues.json", crate::extensions::ISSUES);
    machine.run(&["extensions", "add", "issues.json"]).exits(0);
    machine.run(&["open-settings", "issues", "--from-env", "accessToken=GITHUB"]).exits(0);
    shell(&machine, "env > got").exits(0);
    let got = got(&machine);
    assert!(got.contains(TOKEN) && !got.contains("THE_KEY") && !got.contains(&key), "{got}");
}

/// Our program leaves no core file, because it holds more secrets than the program that it runs.
#[cfg(target_os = "linux")]
#[test]
fn the_program_has_the_limit_of_core_files_that_the_user_has() {
    let machine = connected();
    for limit in ["$(ulimit -H -c)", "0"] {
        let mut command = machine.command_of_system("sh");
        let script = format!("ulimit -S -c {limit} && ulimit -S -c > want && exec \"$@\"");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_connections")]);
        command.args(["exec", "issues", "--", "/bin/sh", "-c", "ulimit -S -c > got"]);
        assert!(command.status().expect("it runs").success());
        assert_eq!(got(&machine), std::fs::read_to_string(machine.path("want")).expect("it is there"));
    }
}

#[test]
fn arguments_input_and_output_are_the_program_s() {
    let machine = connected();
    let arguments =
        ["exec", "issues", "--command", "search", "--", "/bin/sh", "-c", "echo \"$@\"; cat", "sh", "--json", "-x"];
    let ran = machine.feed(&arguments, "typed\n").exits(0);
    assert_eq!(ran.out, "--json -x\ntyped\n");
    assert!(ran.err.is_empty(), "{}", ran.err);
    let arguments = ["exec", "issues", "--", "/bin/sh", "-c", "cat /proc/$$/cmdline > got"];
    if cfg!(target_os = "linux") {
        machine.run(&arguments).exits(0);
        assert!(!got(&machine).contains(TOKEN));
    }
}

#[test]
fn the_exit_code_is_the_program_s() {
    let machine = connected();
    for code in [0, 1, 6, 42, 255] {
        shell(&machine, &format!("exit {code}")).exits(code);
    }
    let error = machine.run(&["exec", "issues", "--json", "--", "/nowhere/at/all"]).exits(5).error();
    assert_eq!(error["error"]["code"], "io");
    machine.run(&["exec", "issues", "--", "/etc"]).exits(6);
    machine.run(&["exec", "issues"]).exits(2);
    machine.run(&["exec", "issues", "/bin/sh"]).exits(2);
}

#[test]
fn signals_reach_the_program_and_are_how_it_ends() {
    let machine = connected();
    // The process that runs the tests may ignore other signals, and programs inherit that.
    for (name, signal) in [("TERM", 15), ("ALRM", 14)] {
        let mut command = machine.command();
        command.args(["exec", "issues", "--", "/bin/sh", "-c", "echo ready; exec cat"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n");
        assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().signal(), Some(signal), "{name}");
    }
    // A program that handles a signal decides how it ends.
    shell(&machine, "trap 'exit 7' TERM; kill -TERM $$; exit 1").exits(7);
}

#[test]
fn nothing_is_started_before_everything_is_there() {
    let machine = connected();
    let touch = |extension: &str, more: &[&str]| {
        let arguments = [&["exec", extension], more, &["--", "/bin/sh", "-c", "touch started"]].concat();
        machine.run(&arguments)
    };
    machine.run(&["extensions", "revoke", "issues"]).exits(0);
    let error = machine.run(&["exec", "--json", "issues", "--", "/bin/sh", "-c", "touch started"]).exits(6).error();
    assert_eq!(error["error"]["code"], "not_granted");
    assert!(error["error"]["remedy"].to_string().contains("connections extensions grant issues github:octocat"));
    touch("issues", &["--command", "gone"]).exits(2).warns("declares no command");
    touch("nobody", &[]).exits(5).warns("connections extensions add FILE");
    // Two names would become the same variable.
    let manifest = String::from_utf8(crate::extensions::ISSUES.to_vec()).unwrap();
    let other = manifest.replace("\"defaultDatabase\"", "\"api-base-url\"");
    let other = other.replace("[\"apiBaseUrl\"]", "[\"apiBaseUrl\", \"api-base-url\"]");
    machine.write("other.json", other.as_bytes());
    machine.run(&["extensions", "add", "other.json"]).exits(0);
    machine.run(&["extensions", "grant", "issues", "github"]).exits(0);
    let before = machine.run(&["events", "github", "--json"]).exits(0).out;
    touch("issues", &[]).exits(6).warns("another name becomes the same variable");
    assert_eq!(machine.run(&["events", "github", "--json"]).exits(0).out, before, "what was refused is no use");
    machine.run(&["remove", "github", "--yes"]).exits(0);
    machine.run(&["extensions", "add", "issues.json"]).exits(0);
    touch("issues", &[]).exits(5);
    assert!(!machine.path("started").exists());
}
