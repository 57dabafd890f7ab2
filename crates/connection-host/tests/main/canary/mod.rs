//! Distinct secrets pass through the whole life of connections, at trace level and with backtraces on. They are found
//! in no output, log, error, argument or file, in any form. The controls plant leaks, and the search finds them.

#[cfg(unix)]
mod extensions;
mod flows;
#[cfg(unix)]
mod tools;
mod watch;

#[cfg(target_os = "linux")]
use std::{io::Write as _, process::Stdio};

use crate::provider::{ACCOUNT, AUTH_TOKEN, KEY, KEY_SECRET, NOTION_KEY, SECRETS, TOKEN, leaks};
use watch::{WRONG, Watch, finds, forms};

#[test]
fn no_secret_is_found_in_any_output_log_error_or_file() {
    let watch = Watch::new();
    let machine = &watch.machine;
    let token = machine.write("given/token", TOKEN.as_bytes());
    let field = format!("accessToken=@{token}");
    let key = format!(r#"{{"accountSid": "{ACCOUNT}", "apiKeySid": "{KEY}", "apiKeySecret": "{KEY_SECRET}"}}"#);
    let login = format!(r#"{{"accountSid": "{ACCOUNT}", "authToken": "{AUTH_TOKEN}"}}"#);
    let key = machine.write("given/key.json", key.as_bytes());
    let login = machine.write("given/login.json", login.as_bytes());
    let [refused, argument, malformed] = WRONG;
    let refused = machine.write("given/refused", refused.as_bytes());
    let malformed = machine.write("given/malformed.json", format!(r#"{{"accountSid": "{malformed}"}}"#).as_bytes());
    machine.write("notes/a", b"a");
    let notes = machine.write("notes.json", br#"{"roots": "notes"}"#);
    let messages = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");

    // Refused secrets come first, so that all later files are searched for them too.
    watch.run(&["add", "github", "--field", &format!("accessToken=@{refused}")], 3);
    watch.run(&["add", "github", "--field", &format!("accessToken={argument}")], 2);
    watch.run(&["add", "github", argument], 2);
    watch.run(&["add", "twilio", "--input", &malformed], 3);
    watch.run(&["add", "github", "--field", &field], 0);
    watch.run(&["add", "github", "--field", &field], 6);
    watch.run(&["add", "notion", "--from-env", "apiKey=NOTION"], 0);
    watch.run(&["remove", "notion", "--yes"], 0);
    watch.feed(&["add", "notion", "--field", "apiKey=@-"], NOTION_KEY, 0);
    watch.run(&["add", "twilio", "--input", &login, "--json"], 0);
    watch.run(&["remove", "twilio", "--yes"], 0);
    watch.run(&["add", "twilio", "--input", &key], 0);
    watch.run(&["add", "filesystem", "--input", &notes], 0);
    for command in
        [&["list"][..], &["kinds"], &["show", "github"], &["doctor"], &["setup", "list"], &["verify", "--all"]]
    {
        watch.run(command, 0);
        watch.run(&[command, &["--json"]].concat(), 0);
    }
    watch.run(&["send", "github", "GET", "/user", "-i"], 0);
    watch.run(&["send", "twilio", "GET", &messages, "--json"], 0);
    watch.run(&["send", "notion", "GET", "/v1/nothing"], 1);
    machine.provider.tell(401, "", r#"{"message":"Bad credentials","code":"unauthorized"}"#);
    watch.run(&["verify", "--all"], 4);
    // Only `send` prints what a provider repeats.
    let said_back = SECRETS.map(|secret| format!(r#""{secret}""#)).join(",");
    for status in [200, 401, 403, 404, 429, 500] {
        let body = format!(r#"{{"message":[{said_back}],"code":{NOTION_KEY:?},"error":{AUTH_TOKEN:?}}}"#);
        machine.provider.tell(status, &format!("x-said-back: {TOKEN}\r\n"), &body);
        watch.run(&["verify", "--all"], 4);
        watch.run(&["list", "--json"], 0);
        watch.run(&["add", "github", "--label", "other", "--field", &field], 3);
    }
    machine.provider.tell(200, "", "no JSON");
    watch.run(&["verify", "--all", "--json"], 4);
    machine.provider.tell(503, "", "");
    watch.run(&["remove", "github", "--yes"], 0);
    watch.run(&["add", "github", "--field", &field], 3);
    machine.provider.behave();
    watch.run(&["send", "notion", "GET", "/v1/users/me"], 0);
    watch.example("acme", &["add", "acme", "--input", &watch.crashing], 3);
    assert!(machine.provider.seen().iter().all(|seen| !leaks(seen)), "a secret came in another place than its header");
    // The control for the whole test: a log was written, and the secrets were used.
    assert!(watch.seen.borrow().len() > 30);
    assert!(watch.seen.borrow().iter().any(|text| finds(text, b"connection_core")));
    assert!(machine.provider.seen().iter().any(|seen| seen.headers["authorization"].contains(TOKEN)));
}

/// While the provider processes the request, other users of the machine can read the arguments.
#[cfg(target_os = "linux")]
#[test]
fn a_secret_is_in_no_argument_while_the_program_runs() {
    let watch = Watch::new();
    let machine = &watch.machine;
    let token = machine.write("given/token", TOKEN.as_bytes());
    let field = format!("accessToken=@{token}");
    let ways: [&[&str]; 3] = [
        &["add", "github", "--field", &field],
        &["add", "notion", "--from-env", "apiKey=NOTION"],
        &["add", "notion", "--field", "apiKey=@-"],
    ];
    for arguments in ways {
        let requests = machine.provider.fall_silent();
        let mut command = machine.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        child.stdin.take().expect("a pipe").write_all(NOTION_KEY.as_bytes()).ok();
        requests.recv().expect("the provider is asked");
        let seen = std::fs::read(format!("/proc/{}/cmdline", child.id())).expect("it runs");
        assert!(finds(&seen, b"add") && !watch.leaks(&seen), "{}", String::from_utf8_lossy(&seen));
        assert!(!watch.files_leak(), "while {arguments:?} waits, a file holds a secret");
        // The provider closes the connection. The command reports an error, and the setup waits.
        machine.provider.speak();
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(3));
        assert!(!watch.leaks(&output.stdout) && !watch.leaks(&output.stderr), "{arguments:?} prints a secret");
    }
    watch.run(&["setup", "list"], 0);
}

/// The control for the test above: a secret in an argument is found.
#[cfg(target_os = "linux")]
#[test]
fn a_leak_in_an_argument_is_found() {
    let watch = Watch::new();
    let machine = &watch.machine;
    machine.write("given/token", TOKEN.as_bytes());
    let requests = machine.provider.fall_silent();
    let mut command = machine.command();
    command.args(["add", "github", "--label", KEY_SECRET, "--field", "accessToken=@given/token"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    requests.recv().expect("the provider is asked");
    let seen = std::fs::read(format!("/proc/{}/cmdline", child.id())).expect("it runs");
    machine.provider.speak();
    child.wait().expect("it ends");
    assert!(watch.leaks(&seen), "{}", String::from_utf8_lossy(&seen));
}

/// A real leak: the provider repeats the secret as numbers, which `send` prints. What is usual is not printed.
#[test]
fn a_leak_in_an_output_is_found() {
    let watch = Watch::new();
    let token = watch.machine.write("given/token", TOKEN.as_bytes());
    watch.run(&["add", "github", "--field", &format!("accessToken=@{token}")], 0);
    for form in forms(TOKEN) {
        watch.machine.provider.tell(200, "", &form);
        let output = watch.machine.command().args(["send", "github", "GET", "/user"]).output().unwrap();
        let leaks = watch.leaks(&output.stdout);
        assert!(if form.contains(", ") { leaks } else { !leaks || form != TOKEN }, "{form}");
        let printed = [b"before ", form.as_bytes(), b" after"].concat();
        assert!(watch.leaks(&printed), "{form}");
    }
    watch.machine.provider.tell(200, "", "nothing");
    let output = watch.machine.command().args(["send", "github", "GET", "/user"]).output().unwrap();
    assert!(!watch.leaks(&output.stdout));
}

#[test]
fn a_leak_in_a_file_is_found() {
    let watch = Watch::new();
    assert!(!watch.files_leak());
    for form in forms(KEY_SECRET) {
        for place in ["data/store/log", "temporary/log", "core"] {
            let path = watch.machine.write(place, format!("x{form}x").as_bytes());
            assert!(watch.files_leak(), "{place}: {form}");
            std::fs::remove_file(path).expect("it was written");
        }
    }
}
