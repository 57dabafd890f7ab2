//! The secrets of an extension reach the program that runs for it, and appear nowhere else.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use super::watch::{WRONG, Watch, finds};
use crate::{
    extensions::{ISSUES, RELEASE_NOTES},
    provider::TOKEN,
};

fn added() -> Watch {
    let mut watch = Watch::new();
    watch.machine.set("GITHUB", TOKEN);
    watch.machine.write("issues.json", ISSUES);
    watch.machine.write("release-notes.json", RELEASE_NOTES);
    watch.run(&["extensions", "add", "issues.json"], 0);
    watch.run(&["extensions", "add", "release-notes.json", "--json"], 0);
    watch.run(&["resolve", "issues.json"], 0);
    watch.run(&["open-settings", "issues"], 0);
    watch.run(&["open-settings", "issues", "--from-env", "accessToken=GITHUB"], 0);
    watch
}

#[test]
fn no_secret_of_an_extension_is_found_but_in_its_program() {
    let watch = added();
    let machine = &watch.machine;
    // The program has the secret and prints nothing. Its exit code says that the secret is the right one.
    let same = "test \"$ACCESS_TOKEN\" = \"$GITHUB\" || exit 9; test -z \"$CONNECTIONS_DATA_DIR\"";
    watch.run(&["exec", "issues", "--", "/bin/sh", "-c", same], 0);
    watch.run(&["exec", "release-notes", "--", "/bin/sh", "-c", same], 6);
    watch.run(&["exec", "release-notes", "--json", "--", "/bin/sh", "-c", same], 6);
    watch.run(&["extensions", "grant", "release-notes", "github"], 0);
    watch.run(&["exec", "release-notes", "--", "/bin/sh", "-c", same], 0);
    watch.run(&["exec", "issues", "--", "/nowhere"], 5);
    // A secret in the wrong place is refused and not repeated.
    let [_, argument, malformed] = WRONG;
    watch.run(&["preferences", "set", "issues", "accessToken", argument], 2);
    watch.run(&["preferences", "set", "issues", "nothing", argument], 2);
    watch.run(&["preferences", "set", "issues", "openBehavior", argument], 2);
    watch.run(&["extensions", "grant", "issues", "github", "--name", "x", "--name", argument], 2);
    watch.run(&["open-settings", "issues", "--retry", argument], 2);
    let manifest = String::from_utf8(ISSUES.to_vec()).expect("it is text");
    let with = format!("\"id\": \"default\", \"accessToken\": \"{malformed}\",");
    let wrong = machine.write("given/wrong.json", manifest.replace("\"id\": \"default\",", &with).as_bytes());
    let beside = [
        "\"commands\": [{ \"name\": \"x\", \"accessToken\": \"S\" }],",
        "\"other\": { \"credentials\": { \"github\": [\"S\"] } },",
    ];
    for (at, secret) in beside.iter().enumerate() {
        let with = manifest.replacen("{", &format!("{{ {}", secret.replace('S', malformed)), 1);
        let beside = machine.write(&format!("given/beside{at}.json"), with.as_bytes());
        watch.run(&["extensions", "add", &beside], 2);
    }
    watch.run(&["preferences", "set", "issues", argument, "accessToken"], 2);
    watch.run(&["exec", "issues", "--command", argument, "--", "/bin/sh", "-c", "exit 0"], 2);
    watch.run(&["open-settings", "issues", "--command", argument, "--json"], 2);
    for command in [&["resolve"][..], &["extensions", "add"]] {
        watch.run(&[command, &[&wrong]].concat(), 2);
        watch.run(&[command, &[&wrong, "--json"]].concat(), 2);
    }
    machine.provider.tell(401, &format!("x-said-back: {TOKEN}\r\n"), &format!(r#"{{"message":"{TOKEN}"}}"#));
    watch.run(&["verify", "github"], 4);
    watch.run(&["exec", "issues", "--", "/bin/sh", "-c", same], 4);
    for command in
        ["extensions", "resolve issues.json", "preferences get issues", "open-settings issues", "events github"]
    {
        let command: Vec<_> = command.split(' ').collect();
        watch.run(&command, 0);
        watch.run(&[&command[..], &["--json"]].concat(), 0);
    }
    watch.run(&["extensions", "revoke", "issues", "--json"], 0);
    watch.run(&["extensions", "remove", "issues", "--yes"], 0);
    // The control for the whole test: a log was written.
    assert!(watch.seen.borrow().iter().any(|text| finds(text, b"an extension uses a connection")));
}

/// The control for the test above: a secret that the program itself prints or writes is found.
#[test]
fn a_leak_of_a_program_is_found() {
    let watch = added();
    let output =
        watch.machine.command().args(["exec", "issues", "--", "/bin/sh", "-c", "echo \"$ACCESS_TOKEN\""]).output();
    let output = output.expect("it runs");
    assert!(watch.leaks(&output.stdout) && !watch.leaks(&output.stderr));
    watch.machine.command().args(["exec", "issues", "--", "/bin/sh", "-c", "env > left"]).output().expect("it runs");
    assert!(watch.files_leak());
}

/// While the program runs, other users of the machine can read the arguments of all processes, but not its
/// environment.
#[cfg(target_os = "linux")]
#[test]
fn a_secret_is_in_no_argument_while_a_program_runs() {
    let watch = added();
    let mut command = watch.machine.command();
    command.args(["exec", "issues", "--", "/bin/sh", "-c", "echo ready; read line; exit 0"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut ready = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut ready).expect("it says so");
    assert_eq!(ready, "ready\n");
    let of = |name: &str| std::fs::read(format!("/proc/{}/{name}", child.id())).expect("it runs");
    assert!(finds(&of("cmdline"), b"echo ready") && !watch.leaks(&of("cmdline")));
    assert!(watch.leaks(&of("environ")), "the control: where it is, it is found");
    assert!(!watch.files_leak(), "while a program runs, a file holds a secret");
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
}
