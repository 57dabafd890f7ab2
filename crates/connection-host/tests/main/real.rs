//! A program with kinds of its own (`examples/oauth2.rs`) at the certified provider, and a person with a browser.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use connection_faults::{
    oidc::{CLIENT, OidcServer, SECRET},
    user_agent::{Answer, UserAgent},
};
use serde_json::json;

use crate::program::{Machine, Ran};

/// The time limit for a program that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A machine, and the server to which its kinds connect.
pub(crate) struct Real {
    pub(crate) machine: Machine,
    pub(crate) server: OidcServer,
}

impl Real {
    /// Starts a server with further options, as JSON. Returns `None` if the server cannot run here.
    pub(crate) fn start(options: serde_json::Value) -> Option<Self> {
        let kinds = ["real", "real-public", "real-chosen", "real-own"];
        let redirects: Vec<_> = kinds.iter().map(|kind| format!("http://127.0.0.1/callback/{kind}")).collect();
        let mut all = json!({ "redirectUris": redirects });
        all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let server = OidcServer::start(&all.to_string())?;
        let mut machine = Machine::new();
        machine.set("CONNECTIONS_TEST_ISSUER", server.issuer());
        machine.configure(&format!("[http.endpoints]\n\"{0}\" = \"{0}\"\n", server.issuer()));
        Some(Self { machine, server })
    }

    /// Writes the application into a file, and returns the path of the file.
    pub(crate) fn application(&self) -> String {
        let text = json!({ "clientId": CLIENT, "clientSecret": SECRET }).to_string();
        self.machine.write("application.json", text.as_bytes())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.machine.example("oauth2");
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.machine.run_example("oauth2", arguments)
    }

    /// Starts the program, which runs while a test acts as the person.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Running {
        Running::of(self.command(arguments))
    }
}

/// A running program, and the lines that it prints on standard error.
pub(crate) struct Running {
    child: Option<Child>,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Running {
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let errors = BufReader::new(child.stderr.take().unwrap());
        // The thread ends with the program, or when the receiver is gone.
        drop(std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        }));
        Self { child: Some(child), lines, said: Vec::new() }
    }

    /// Returns the rest of the next line that begins with `start`.
    #[track_caller]
    pub(crate) fn line(&mut self, start: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no line begins with {start:?}: {:#?}", self.said)
            };
            self.said.push(line.clone());
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    /// Returns the address to which the program sends a browser.
    #[track_caller]
    pub(crate) fn link(&mut self) -> String {
        format!("http{}", self.line("Open http"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Closes the standard input.
    #[cfg(unix)]
    pub(crate) fn close_input(&mut self) {
        drop(self.child.as_mut().unwrap().stdin.take());
    }

    /// Writes a line to the standard input, which stays open.
    pub(crate) fn type_line(&mut self, line: &str) {
        let input = self.child.as_mut().unwrap().stdin.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for the end of the program, and returns its result.
    pub(crate) fn end(mut self) -> Ran {
        let mut child = self.child.take().unwrap();
        let (sender, ended) = channel();
        let id = child.id();
        // The input is not closed before the end, because a program that reads it would notice.
        let input = child.stdin.take();
        drop(std::thread::spawn(move || sender.send(child.wait_with_output().unwrap())));
        let Ok(output) = ended.recv_timeout(PATIENCE) else {
            stop(id);
            panic!("it does not end: {:#?}", self.said)
        };
        drop(input);
        self.said.extend(self.lines.iter());
        let errors = self.said.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
        Ran::of(&["(running)"], std::process::Output { stderr: errors, ..output })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // The program may have ended already.
            child.kill().unwrap_or_default();
            child.wait().map(drop).unwrap_or_default();
        }
    }
}

fn stop(id: u32) {
    // The process may be gone already.
    Command::new("kill").arg(id.to_string()).status().map(drop).unwrap_or_default();
}

/// Follows the address that a program shows, and returns the address of the provider to which it leads.
pub(crate) fn led(agent: &mut UserAgent, link: &str) -> String {
    match link.contains("/go/") {
        true => agent.follow(link).unwrap(),
        false => link.to_owned(),
    }
}

/// Acts as a browser that allows everything and returns to the program. Returns the address to which the provider sent
/// it, and the page that it was shown.
pub(crate) fn browsed(link: &str) -> (String, Answer) {
    let mut agent = UserAgent::new();
    let provider = led(&mut agent, link);
    let back = agent.follow(&provider).unwrap();
    let shown = agent.get(&back).unwrap();
    let shown = match shown.header("location").map(str::to_owned) {
        Some(location) if location.starts_with('/') => {
            let home = back.split("/callback").next().unwrap();
            agent.get(&format!("{home}{location}")).unwrap()
        }
        Some(location) => agent.get(&location).unwrap(),
        None => shown,
    };
    (back, shown)
}
