//! The output at a terminal while a person authorizes at the certified provider, compared line by line with the
//! transcripts in `docs/guide/oauth2.md`. Ports, queries and codes differ each time.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use connection_faults::{oidc::SECRET, user_agent::UserAgent};
use rexpect::{
    process::WaitStatus,
    session::{PtySession, spawn_command},
};
use serde_json::json;

use crate::real::{PATIENCE, Real, browsed};

const GUIDE: &str = include_str!("../../../../docs/guide/oauth2.md");

/// The question before an account is stored.
const QUESTION: &str = "Connect the Real account ada?";

/// A terminal, and everything that it has shown.
struct Terminal {
    session: PtySession,
    shown: String,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        command.env("TERM", "xterm").stdin(std::process::Stdio::inherit());
        let patience = u64::try_from(PATIENCE.as_millis()).expect("it is short");
        Self { session: spawn_command(command, Some(patience)).expect("a terminal"), shown: String::new() }
    }

    /// Returns the rest of the next line that contains `start`.
    #[track_caller]
    fn line(&mut self, start: &str) -> String {
        let before = self.session.exp_string(start).expect("it is shown");
        let rest = self.session.exp_string("\r\n").expect("a line ends");
        self.shown.push_str(&format!("{before}{start}{rest}\n"));
        rest
    }

    #[track_caller]
    fn enter(&mut self, text: &str) {
        self.session.send(&format!("{text}\r")).expect("the terminal takes it");
        self.session.flush().expect("the terminal takes it");
    }

    /// Answers the question whether the account is the right one.
    #[track_caller]
    fn confirms(&mut self, answer: &str) {
        let before = self.session.exp_string(QUESTION).expect("it asks");
        self.shown.push_str(&format!("{before}{QUESTION}\n"));
        self.enter(answer);
    }

    /// Returns everything that was shown, after the program has ended with exit code 0.
    #[track_caller]
    fn end(self) -> String {
        self.ends(0)
    }

    #[track_caller]
    fn ends(mut self, exit: i32) -> String {
        let rest = self.session.exp_eof().expect("the program ends");
        self.shown.push_str(&rest);
        let status = self.session.process().wait().expect("it is a child");
        assert!(matches!(status, WaitStatus::Exited(_, code) if code == exit), "{status:?}: {}", self.shown);
        plain(&text(&self.shown))
    }
}

/// Decodes the output of the terminal, which returns each byte as a character.
fn text(shown: &str) -> String {
    let bytes = shown.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect();
    String::from_utf8(bytes).expect("it is text")
}

/// Removes the sequences that move the cursor or change colours.
fn plain(shown: &str) -> String {
    let mut out = String::new();
    let mut rest = shown;
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = escape.find(|c: char| c.is_ascii_alphabetic()).map_or(escape.len(), |end| end + 1);
        rest = &escape[end..];
    }
    out.push_str(rest);
    out.replace('\r', "\n")
}

/// Returns a line without what differs each time.
fn settled(line: &str) -> String {
    let word = |word: &str| match word.strip_prefix("http://127.0.0.1:") {
        Some(rest) => {
            let path = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '…');
            let (path, query) = path.split_once('?').map_or((path, ""), |(path, _)| (path, "?…"));
            let (path, token) = path.split_once("/go/").map_or((path, ""), |(path, _)| (path, "/go/…"));
            let query = format!("{token}{query}");
            format!("http://127.0.0.1:…{path}{query}")
        }
        None if word.ends_with(')') && word.contains('-') => "…)".to_owned(),
        None => word.to_owned(),
    };
    line.trim().split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Asserts that each line of the guide's transcript of this command was shown, in that order.
#[track_caller]
fn check(command: &str, shown: &str) {
    let start = format!("```text\n$ {command}\n");
    let transcript = GUIDE.split_once(&start).expect("the guide shows it").1.split("```").next().expect("it ends");
    let mut lines = shown.lines().map(settled);
    for expected in transcript.lines().map(settled) {
        assert!(lines.any(|line| line == expected), "{expected:?} is not shown, or not there:\n{shown}");
    }
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn a_code_flow_is_as_the_guide_shows_it() {
    let Some(real) = Real::start(json!({})) else { return };
    let mut terminal = Terminal::start(real.command(&["add", "real-public"]));
    let link = terminal.line("Open ");
    terminal.line("Waiting for the browser");
    browsed(link.trim());
    terminal.confirms("y");
    check("connections add real-public", &terminal.end());
}

#[test]
fn a_device_flow_is_as_the_guide_shows_it() {
    let Some(real) = Real::start(json!({})) else { return };
    real.machine.configure(&format!("[http.endpoints]\n\"{0}\" = \"{0}\"\n", real.server.issuer()));
    let mut command = real.command(&["add", "real", "--device"]);
    command.env("CONNECTIONS_KINDS__REAL__CLIENT_ID", "app").env("CONNECTIONS_KINDS__REAL__CLIENT_SECRET", SECRET);
    let mut terminal = Terminal::start(command);
    let shown = terminal.line("Open this address and type the code: ");
    let (link, code) = shown.trim_end_matches(')').split_once(" (code ").expect("a code");
    crate::servers::allowed(link, code);
    terminal.confirms("y");
    check("connections add real --device", &terminal.end());
}

#[test]
fn a_pasted_flow_is_as_the_guide_shows_it_and_echoes_nothing() {
    let Some(real) = Real::start(json!({})) else { return };
    let mut terminal = Terminal::start(real.command(&["add", "real-public", "--paste"]));
    let link = terminal.line("Open ");
    let before = terminal.session.exp_string("Address, or the code in it").expect("it asks");
    terminal.shown.push_str(&format!("{before}Address, or the code in it\n"));
    let back = UserAgent::new().follow(link.trim()).expect("the server answers");
    terminal.enter(&back);
    terminal.confirms("y");
    let shown = terminal.end();
    check("connections add real-public --paste", &shown);
    let code = back.split_once("code=").expect("a code").1.split('&').next().expect("it ends");
    assert!(!shown.contains(code), "{shown}");
}

/// The browser returns while the terminal asks. The question ends, and the terminal is restored.
#[test]
fn a_callback_also_completes_a_paste() {
    let Some(real) = Real::start(json!({})) else { return };
    let come_back = |arguments: &[&str]| {
        let mut terminal = Terminal::start(real.command(arguments));
        let link = terminal.line("Open ");
        terminal.session.exp_string("Address, or the code in it").expect("it asks");
        browsed(link.trim());
        terminal
    };
    // The terminal still belongs to the question that has ended, so another command asks about the account.
    let waits = come_back(&["add", "real-public", "--paste"]).ends(2);
    assert!(waits.contains("whether the Real account ada is the right account"), "{waits}");
    let (_, id) = waits.split_once("connections setup resume ").expect("it says how to go on");
    let mut terminal = Terminal::start(real.command(&["setup", "resume", &id[..8]]));
    terminal.confirms("y");
    assert!(terminal.end().contains("Connected ada (real-public:ada) · live"));
    real.run(&["remove", "real-public", "--yes"]).exits(0);
    let terminal = come_back(&["add", "real-public", "--paste", "--yes"]);
    assert!(terminal.end().contains("Connected ada (real-public:ada) · live"));
}

/// On a desktop, the browser is opened at the address that is printed. It is not opened over SSH or with
/// `--no-browser`.
#[test]
fn a_browser_is_opened_on_a_desktop_alone() {
    let Some(real) = Real::start(json!({})) else { return };
    let opener = real.machine.write("bin/xdg-open", b"#!/bin/sh\nprintf '%s' \"$1\" > \"$HOME/opened\"\n");
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).expect("it is there");
    let path = format!("{}:/usr/bin:/bin", real.machine.path("bin").display());
    let opened = |arguments: &[&str], variables: &[(&str, &str)]| {
        std::fs::remove_file(real.machine.path("opened")).unwrap_or_default();
        let mut command = real.command(arguments);
        command.env("PATH", &path).envs(variables.iter().copied());
        let mut terminal = Terminal::start(command);
        let link = terminal.line("Open ");
        terminal.line("Waiting for the browser");
        browsed(link.trim());
        terminal.confirms("y");
        terminal.end();
        std::fs::read_to_string(real.machine.path("opened")).ok().map(|opened| opened == link.trim())
    };
    let desktop = ("DISPLAY", ":0");
    assert_eq!(opened(&["add", "real-public", "--again"], &[desktop]), Some(true));
    assert_eq!(opened(&["add", "real-public", "--again", "--no-browser"], &[desktop]), None);
    assert_eq!(opened(&["add", "real-public", "--again"], &[desktop, ("SSH_CONNECTION", "a 1 b 2")]), None);
    assert_eq!(opened(&["add", "real-public", "--again"], &[]), None);
}

/// The answers are no, yes, `--yes`, and none because no person can be asked.
#[test]
fn an_account_is_named_and_stored_when_a_person_says_that_it_is_the_right_one() {
    let Some(real) = Real::start(json!({})) else { return };
    let come_back = |arguments: &[&str]| {
        let mut terminal = Terminal::start(real.command(arguments));
        let link = terminal.line("Open ");
        terminal.line("Waiting for the browser");
        (browsed(link.trim()).1, terminal)
    };
    for answer in ["n", ""] {
        let (page, mut terminal) = come_back(&["add", "real-public"]);
        assert!(page.body.contains("One more step") && page.body.contains("Real: ada"), "{}", page.body);
        terminal.confirms(answer);
        let shown = terminal.ends(0);
        assert!(shown.contains("The Real account ada was not confirmed; nothing was kept"), "{shown}");
        assert!(!shown.contains("error"), "{shown}");
        assert!(shown.contains("Begin again, and sign in at the provider"), "{shown}");
        real.run(&["list"]).exits(0).says("Nothing is connected");
        real.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    }
    let revoked = || real.server.ledger().iter().filter(|request| request.path == "/token/revocation").count();
    assert!(revoked() > 0, "what was granted is given back");
    let (_, mut terminal) = come_back(&["add", "real-public"]);
    terminal.session.exp_string(QUESTION).expect("it asks");
    terminal.session.send_control('c').expect("the terminal takes it");
    // A person who leaves the question has not said yes.
    terminal.ends(0);
    real.run(&["list"]).exits(0).says("Nothing is connected");
    let (_, mut terminal) = come_back(&["add", "real-public"]);
    terminal.confirms("y");
    assert!(terminal.end().contains("Connected ada (real-public:ada) · live"));
    let (_, terminal) = come_back(&["add", "real-public", "--again", "--yes"]);
    let shown = terminal.end();
    assert!(shown.contains("Connected ada (real-public:ada-2) · live") && !shown.contains(QUESTION), "{shown}");
    // There is no question about the account that the connection has already.
    let (_, terminal) = come_back(&["reauthorize", "real-public:ada"]);
    assert!(terminal.end().contains("Reauthorized ada"));
    // The command has no terminal, so it asks no question.
    let mut adding = real.begin(&["add", "real-public", "--again"]);
    browsed(&adding.link());
    let ran = adding.end().exits(0).says("Connected ada (real-public:ada-3) · live");
    assert!(!ran.err.contains(QUESTION), "{}", ran.err);
}

/// The account waits for its confirmation, even after the command that asked was killed.
#[test]
fn an_account_that_was_shown_waits_for_whoever_goes_on() {
    let Some(real) = Real::start(json!({})) else { return };
    let mut terminal = Terminal::start(real.command(&["add", "real-public"]));
    let link = terminal.line("Open ");
    browsed(link.trim());
    terminal.session.exp_string(QUESTION).expect("it asks");
    terminal.session.process_mut().kill(rexpect::process::Signal::SIGKILL).expect("it is a child");
    let setups = real.run(&["setup", "list", "--json"]).exits(0).json();
    let id = setups[0]["id"].as_str().expect("it waits").to_owned();
    let refused =
        real.run(&["setup", "resume", &id]).exits(2).warns("nobody can be asked whether the Real account ada");
    assert!(refused.err.contains("at a terminal or with --yes"), "{}", refused.err);
    let mut resumed = Terminal::start(real.command(&["setup", "resume", &id]));
    resumed.confirms("y");
    assert!(resumed.end().contains("Connected ada (real-public:ada) · live"));
}
