//! The first hour of a person at a terminal: two accounts, mistakes, a network failure, and a revoked token.
//!
//! `first_hour.txt` holds what the terminal shows. Read it as a person who has never seen the program. After a change
//! of a message, `CONNECTIONS_TEST_RECORD=1 cargo test -p connection-host --test main first_hour` writes it again.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use rexpect::{process::WaitStatus, session::spawn_command};

use crate::{
    program::{Machine, is_recorded},
    provider::{NOTION_KEY, OTHER_TOKEN, SECRETS, TOKEN},
    screen::Screen,
    terminal::{PATIENCE, enter},
};

const COLUMNS: usize = 100;
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main/first_hour.txt");
/// An address at which no program listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A person at a machine, and everything that the terminal has shown.
pub(crate) struct Person {
    pub(crate) machine: Machine,
    seen: String,
}

impl Person {
    pub(crate) fn new() -> Self {
        Self { machine: Machine::new(), seen: String::new() }
    }

    /// Types a command, answers each question when it appears, and reads the terminal after the command has ended.
    #[track_caller]
    pub(crate) fn types(&mut self, words: &str, answers: &[(&str, &str)], exit: i32) {
        let mut command = self.machine.command_of_system("sh");
        let script = format!("stty rows 40 cols {COLUMNS}; exec \"$PROGRAM\" {words}");
        command.args(["-c", &script]).env("PROGRAM", env!("CARGO_BIN_EXE_connections"));
        command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm").stdin(std::process::Stdio::inherit());
        let mut session = spawn_command(command, PATIENCE).unwrap();
        let mut written = String::new();
        for (question, answer) in answers {
            written += &session.exp_string(question).unwrap();
            written += question;
            enter(&mut session, answer);
        }
        written += &session.exp_eof().unwrap();
        // Long lines are not wrapped, because the place of a break would depend on the length of the paths.
        let shown = Screen::shown(usize::MAX, &written);
        let status = session.process().wait().unwrap();
        assert!(matches!(status, WaitStatus::Exited(_, code) if code == exit), "{words}: {status:?}: {shown}");
        self.seen += &format!("$ connections {words}\n{shown}");
        if exit != 0 {
            self.seen += &format!("[exit code {exit}]\n");
        }
        self.seen += "\n";
    }

    /// Adds to the transcript what happens around the person.
    pub(crate) fn meanwhile(&mut self, what: &str) {
        self.seen += &format!("# {what}\n\n");
    }

    /// Makes the providers reachable at this address only.
    fn providers_are_at(&self, address: &str) {
        let origins = ["https://api.github.com", "https://api.notion.com"];
        let endpoints: String = origins.iter().map(|origin| format!("\"{origin}\" = \"{address}\"\n")).collect();
        self.machine.configure(&format!("[http.endpoints]\n{endpoints}"));
    }

    /// Compares the transcript with the kept one, or writes it if a person asks for it.
    #[track_caller]
    pub(crate) fn compare(&self, file: &str) {
        let transcript = self.transcript();
        if is_recorded() {
            return std::fs::write(file, transcript).unwrap();
        }
        let kept = std::fs::read_to_string(file).unwrap();
        for (line, (kept, shown)) in kept.lines().zip(transcript.lines()).enumerate() {
            assert_eq!(kept, shown, "line {}; if that is better, record it anew", line + 1);
        }
        assert_eq!(kept.lines().count(), transcript.lines().count(), "{transcript}");
    }

    /// Returns the transcript without what differs each time: the home, ids, ports and times.
    fn transcript(&self) -> String {
        let home = self.machine.path("").display().to_string();
        let text = self.seen.replace(home.trim_end_matches('/'), "/home/ada");
        for secret in SECRETS {
            assert!(!text.contains(secret), "{text}");
        }
        text.lines().map(|line| settled(line) + "\n").collect()
    }
}

/// Returns a line without what differs each time: ids, times, ports, and the tools that a machine has.
fn settled(line: &str) -> String {
    if let Some((tools, _)) = line.split_once("not installed: ") {
        return format!("{tools}…");
    }
    let mut line = replaced(line, "127.0.0.1:", |rest| rest.find(|c: char| !c.is_ascii_digit()), "PORT");
    line = replaced(&line, "expires in ", |rest| rest.find(" days"), "…");
    let mut out = String::new();
    let mut rest = line.as_str();
    while let Some(c) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
        let time = rest.get(.."YYYY-MM-DDTHH:MM:SSZ".len()).filter(|text| is_time(text));
        if let Some(time) = time {
            out.push_str("TIME");
            rest = &rest[time.len()..];
            // The text after the time says how long ago it was.
            if let Some((_, after)) = rest.strip_prefix(" (").and_then(|ago| ago.split_once(')')) {
                out.push_str(" (…)");
                rest = after;
            }
        } else if word > 0 {
            let (word, after) = rest.split_at(word);
            let masked = word.chars().map(|c| if c == '-' { '-' } else { 'x' });
            if is_id(word) {
                out.extend(masked)
            } else {
                out.push_str(word)
            }
            rest = after;
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out.trim_end().to_owned()
}

/// Replaces what follows each `start`, up to the position that `end` finds.
fn replaced(line: &str, start: &str, end: impl Fn(&str) -> Option<usize>, by: &str) -> String {
    let mut parts = line.split(start);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(&format!("{start}{by}{}", &part[end(part).unwrap_or(part.len())..]));
    }
    out
}

fn is_time(text: &str) -> bool {
    let marks = [(4, '-'), (7, '-'), (10, 'T'), (13, ':'), (16, ':'), (19, 'Z')];
    text.char_indices().all(|(at, c)| match marks.iter().find(|(place, _)| *place == at) {
        Some((_, mark)) => c == *mark,
        None => c.is_ascii_digit(),
    })
}

fn is_id(word: &str) -> bool {
    word.len() >= 8 && is_digits(word)
}

/// Ids are hexadecimal digits with hyphens.
fn is_digits(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c) || c == '-') && word.contains(|c| c != '-')
}

#[test]
fn the_first_hour_of_a_person_is_as_it_was_read() {
    let mut ada = Person::new();
    let token = "Personal access token";
    ada.types("list", &[], 0);
    ada.types("kinds", &[], 0);
    ada.types("lsit", &[], 2);
    ada.types("add githb", &[], 5);
    ada.types("add github --lable work", &[], 2);
    ada.types("add github --label work", &[(token, "ghp_wrong"), ("GitHub Enterprise?", ""), (token, TOKEN)], 0);
    ada.types("add notion", &[("Internal integration token", NOTION_KEY)], 0);
    ada.types("list", &[], 0);
    ada.types("show github", &[], 0);
    ada.types("show gihtub", &[], 5);
    ada.types("send github GET /user", &[], 0);
    ada.types("status", &[], 2);

    ada.meanwhile("The network breaks.");
    let working = ada.machine.provider.origin.clone();
    ada.providers_are_at(NOWHERE);
    ada.types("list", &[], 0);
    ada.types("verify --all", &[], 4);
    ada.types("list", &[], 0);
    ada.types("show github", &[], 0);
    ada.types("send github GET /user", &[], 1);
    ada.types("doctor", &[], 4);
    ada.types("add github --label home --again", &[(token, OTHER_TOKEN), ("GitHub Enterprise?", "")], 3);

    ada.meanwhile("The network works again.");
    ada.providers_are_at(&working);
    ada.types("setup resume", &[], 0);
    ada.types("verify --all", &[], 0);
    ada.types("list", &[], 0);

    ada.meanwhile("The tokens are revoked at GitHub.");
    let json = "content-type: application/json\r\n";
    ada.machine.provider.tell(401, json, r#"{"message":"Bad credentials"}"#);
    ada.types("verify github:work", &[], 4);
    ada.types("list", &[], 0);
    ada.machine.provider.behave();
    ada.types("reauthorize github:work", &[(token, TOKEN), ("GitHub Enterprise?", "")], 0);
    ada.types("verify github:work", &[], 0);
    ada.types("events github:work", &[], 0);

    ada.types("remove github", &[("Remove octocat (github:work)?", "n")], 0);
    ada.types("remove github", &[("Remove octocat (github:work)?", "y")], 0);
    ada.types("remove --kind github --yes", &[], 0);
    ada.types("remove notion --yes", &[], 0);
    ada.types("list", &[], 0);

    ada.compare(KEPT);
}
