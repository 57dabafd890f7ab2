//! Distinct secrets go through the whole life of connections at trace level with backtraces on, and are found in no
//! output, log, error, argument or file, in no form (design 10, item 1). The controls are leaks that are planted, and
//! found.

#[cfg(target_os = "linux")]
use std::{io::Write as _, process::Stdio};

use connection_contract::encode;

use crate::{
    program::{Machine, contents},
    provider::{ACCOUNT, AUTH_TOKEN, KEY, KEY_SECRET, NOTION_KEY, SECRETS, TOKEN},
};

/// Refused by the provider, or refused before it is asked.
const WRONG: [&str; 3] = ["canary+refused/0b7e", "canary+argument/5d21", "canary+malformed/9a3c"];

#[test]
fn no_secret_is_found_in_any_output_log_error_or_file() {
    let watch = Watch::new();
    let machine = &watch.machine;
    let token = machine.write("given/token", TOKEN.as_bytes());
    let field = format!("accessToken=@{token}");
    let key = format!(r#"{{"accountSid": "{ACCOUNT}", "apiKeySid": "{KEY}", "apiKeySecret": "{KEY_SECRET}"}}"#);
    let login = format!(r#"{{"accountSid": "{ACCOUNT}", "authToken": "{AUTH_TOKEN}"}}"#);
    let (key, login) =
        (machine.write("given/key.json", key.as_bytes()), machine.write("given/login.json", login.as_bytes()));
    let [refused, argument, malformed] = WRONG;
    let refused = machine.write("given/refused", refused.as_bytes());
    let malformed = machine.write("given/malformed.json", format!(r#"{{"accountSid": "{malformed}"}}"#).as_bytes());
    machine.write("notes/a", b"a");
    let notes = machine.write("notes.json", br#"{"roots": "notes"}"#);
    let messages = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");

    // Whatever is refused comes first, so that all later files are searched for it, too.
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
    // What a provider says back is printed by `send` alone.
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
    assert!(machine.provider.seen().iter().all(|seen| !seen.leaks()), "a secret came in another place than its header");
    // The control of the whole: there was a log, and the secrets were used.
    assert!(watch.seen.borrow().len() > 30);
    assert!(watch.seen.borrow().iter().any(|text| finds(text, b"connection_core")));
    assert!(machine.provider.seen().iter().any(|seen| seen.headers["authorization"].contains(TOKEN)));
}

/// While the provider has the request in hand, other users of the machine see the arguments.
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
        // It is hung up on: an error, and a setup that waits.
        machine.provider.speak();
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(3));
        assert!(!watch.leaks(&output.stdout) && !watch.leaks(&output.stderr), "{arguments:?} prints a secret");
    }
    watch.run(&["setup", "list"], 0);
}

/// The control of the one above: an argument is seen.
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

/// A real leak: the provider says the secret back, and `send` prints what the provider says.
#[test]
fn a_leak_in_an_output_is_found() {
    let watch = Watch::new();
    let token = watch.machine.write("given/token", TOKEN.as_bytes());
    watch.run(&["add", "github", "--field", &format!("accessToken=@{token}")], 0);
    for form in forms(TOKEN) {
        watch.machine.provider.tell(200, "", &form);
        let output = watch.machine.command().args(["send", "github", "GET", "/user"]).output().unwrap();
        assert!(watch.leaks(&output.stdout), "{form}");
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

/// A machine on which everything that is printed and written is searched.
struct Watch {
    machine: Machine,
    crashing: String,
    secrets: Forms,
    seen: std::cell::RefCell<Vec<Vec<u8>>>,
}

impl Watch {
    fn new() -> Self {
        let mut machine = Machine::new();
        for (name, value) in [("CONNECTIONS_LOG", "trace"), ("RUST_BACKTRACE", "full"), ("NOTION", NOTION_KEY)] {
            machine.set(name, value);
        }
        let temporary = machine.path("temporary");
        std::fs::create_dir(&temporary).expect("a home can be written");
        machine.set("TMPDIR", temporary.to_str().expect("its name is text"));
        let crashing = format!(r#"{{"name": "crashing", "token": "{KEY_SECRET}"}}"#);
        let crashing = machine.write("given/acme.json", crashing.as_bytes());
        Self { machine, crashing, secrets: Forms::new(), seen: Default::default() }
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], exit: i32) {
        let ran = self.machine.run(arguments).exits(exit);
        self.search(arguments, ran.bytes, ran.err);
    }

    #[track_caller]
    fn feed(&self, arguments: &[&str], input: &str, exit: i32) {
        let ran = self.machine.feed(arguments, input).exits(exit);
        self.search(arguments, ran.bytes, ran.err);
    }

    #[track_caller]
    fn example(&self, name: &str, arguments: &[&str], exit: i32) {
        let ran = self.machine.run_example(name, arguments).exits(exit);
        self.search(arguments, ran.bytes, ran.err);
    }

    #[track_caller]
    fn search(&self, arguments: &[&str], out: Vec<u8>, err: String) {
        for text in [out, err.into_bytes()] {
            assert!(!self.leaks(&text), "{arguments:?} prints a secret:\n{}", String::from_utf8_lossy(&text));
            self.seen.borrow_mut().push(text);
        }
        assert!(!self.files_leak(), "after {arguments:?} a file holds a secret");
    }

    /// The root key is a secret, too, everywhere but in its own file.
    fn leaks(&self, text: &[u8]) -> bool {
        let key = std::fs::read(self.machine.data().join("key").join("root.key")).unwrap_or_default();
        self.secrets.is_in(text)
            || (!key.is_empty() && (finds(text, &key) || finds(text, encode::hex(&key).as_bytes())))
    }

    /// In no file below the home, but those that the user gave.
    fn files_leak(&self) -> bool {
        let given = self.machine.path("given");
        let files = contents(&self.machine.path(""));
        let others = files.iter().filter(|(path, _)| !path.starts_with(&given) && !path.ends_with("root.key"));
        others.into_iter().any(|(_, bytes)| self.leaks(bytes))
    }
}

/// All forms of all secrets, and which two bytes they begin with: many forms are searched for in long files.
struct Forms {
    forms: Vec<String>,
    begins: Vec<bool>,
}

impl Forms {
    fn new() -> Self {
        let forms: Vec<_> = SECRETS.iter().chain(&WRONG).flat_map(|secret| forms(secret)).collect();
        let mut begins = vec![false; 1 << 16];
        for form in &forms {
            begins[Self::begin(form.as_bytes())] = true;
        }
        Self { forms, begins }
    }

    fn begin(bytes: &[u8]) -> usize {
        usize::from(bytes[0]) << 8 | usize::from(bytes[1])
    }

    fn is_in(&self, text: &[u8]) -> bool {
        let begins = |at: usize| text.get(at..at + 2).is_some_and(|bytes| self.begins[Self::begin(bytes)]);
        (0..text.len())
            .filter(|at| begins(*at))
            .any(|at| self.forms.iter().any(|form| text[at..].starts_with(form.as_bytes())))
    }
}

fn finds(text: &[u8], form: &[u8]) -> bool {
    text.windows(form.len()).any(|part| part == form)
}

/// Raw, as a URL has it, in hexadecimal, as bytes in a `Debug`, and in base64 at each of the three places in a longer
/// text; the digits at the ends hold bits of their neighbours, so they are left out.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex = encode::hex(bytes);
    let debug = format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    let mut forms = vec![secret.to_owned(), encode::percent_encode(secret), hex.to_ascii_uppercase(), hex, debug];
    for (shift, skip) in [(0, 0), (1, 2), (2, 3)] {
        let shifted = [vec![0; shift], bytes.to_vec()].concat();
        for text in [encode::base64(&shifted), encode::base64url(&shifted)] {
            let digits = text.trim_end_matches('=');
            forms.push(digits[skip..digits.len() - 1].to_owned());
        }
    }
    forms
}
