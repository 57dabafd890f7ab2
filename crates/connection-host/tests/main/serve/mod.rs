//! `serve` as a process: it receives callbacks, refreshes credentials, reports its health, and ends when it gets a
//! signal.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "support of tests: what fails here fails the test")]

pub(crate) mod adding;
mod answers;
pub(crate) mod browser_of_setup;
mod callback_check;
mod callbacks;
mod client_document;
mod drains;
mod ends;
mod extensions;
mod files_over_api;
mod floods;
mod found_again;
pub(crate) mod google;
mod health;
mod killed;
mod limits;
pub(crate) mod links;
mod log;
mod metrics;
mod one_name;
mod own_kinds;
mod packaging;
mod page;
pub(crate) mod remote;
pub(crate) mod remote_setups;
pub(crate) mod repair_links;
mod requests;
#[cfg(target_os = "linux")]
mod supervised;
mod tls;
mod unencrypted;
mod webhooks;
mod webhooks_over_api;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::program::{Machine, check};

pub(crate) use drains::token;

/// A time limit that is never reached, even on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A running `connections serve --json`. It is killed on drop.
pub(crate) struct Serving {
    child: Child,
    lines: Receiver<String>,
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    /// The address of the page with a code, with `--print-page`.
    pub(crate) page: Option<String>,
}

impl Serving {
    /// Starts `serve` at the configured address. Returns when it listens.
    pub(crate) fn start(machine: &Machine) -> Self {
        let mut command = machine.command();
        command.args(["serve", "--json"]);
        Self::of(command)
    }

    /// Starts `serve` at the configured address, with a code to open its page.
    pub(crate) fn with_page(machine: &Machine) -> Self {
        let mut command = machine.command();
        command.args(["serve", "--json", "--print-page"]);
        Self::of(command)
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                // The receiver may be gone.
                sender.send(line).unwrap_or_default();
            }
        });
        let Ok(first) = lines.recv_timeout(PATIENCE) else {
            child.kill().unwrap_or_default();
            panic!("it does not listen: {}", said(child.stderr.take()));
        };
        let first: Value = serde_json::from_str(&first).unwrap();
        check(&first, "serving");
        assert_eq!(first["state"], "listening");
        let text = |name: &str| first[name].as_str().unwrap().to_owned();
        let page = first["page"].as_str().map(str::to_owned);
        Self { child, lines, address: text("listen").parse().unwrap(), url: text("publicUrl"), page }
    }

    /// Returns the next state that the process reports.
    #[track_caller]
    pub(super) fn tells(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE).expect("it tells something");
        let line: Value = serde_json::from_str(&line).unwrap();
        check(&line, "serving");
        line["state"].as_str().unwrap().to_owned()
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Kills the process, as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end of the process. Returns its exit code and its standard error.
    #[track_caller]
    pub(crate) fn ended(mut self) -> (i32, String) {
        until("it ends", || !self.is_running());
        (self.child.wait().unwrap().code().unwrap_or(-1), said(self.child.stderr.take()))
    }

    /// Reads standard error until a line has this text, and returns it up to there.
    #[track_caller]
    pub(super) fn says(&mut self, part: &str) -> String {
        let err = self.child.stderr.as_mut().expect("it was not read yet");
        let mut text = Vec::new();
        let mut byte = [0];
        loop {
            assert_eq!(err.read(&mut byte).unwrap(), 1, "{part:?} is not in {}", String::from_utf8_lossy(&text));
            text.extend(byte);
            if byte == *b"\n" && String::from_utf8_lossy(&text).contains(part) {
                return String::from_utf8(text).unwrap();
            }
        }
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"")
    }

    /// Sends a request. Each of the further headers includes the end of its line.
    pub(super) fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        ask(self.address, &self.address.to_string(), method, path, headers, body)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The process may have ended already.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

fn said(err: Option<ChildStderr>) -> String {
    let mut text = String::new();
    drop(err.map(|mut err| err.read_to_string(&mut text)));
    text
}

/// The answer of a server.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends a request. Without an answer, the status is 0.
pub(super) fn ask(address: SocketAddr, host: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let exchange = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = exchange().unwrap_or_default();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// Waits until the condition holds, because the actions of other processes cannot be awaited.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "other processes have the clock of the system")]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it does not come to it: {what}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// Returns a machine whose `serve` listens on any free port.
pub(crate) fn machine() -> Machine {
    let mut machine = Machine::new();
    machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    machine
}
