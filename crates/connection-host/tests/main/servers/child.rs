//! Another process of a test. It is the binary of the tests, which runs the same test and reads its order from the
//! environment.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

use connection_core::{ConnectionRegistry, HttpPolicy, KeyFile, RegistryBuilder};
use connection_faults::oidc::{CLIENT, SECRET};
use connection_oauth2::oauth2;
use tokio::runtime::{Builder, Runtime};

use super::configured;

/// The time limit for a process that hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// The variable that holds the order for a process.
const ORDER: &str = "CONNECTIONS_TEST_ORDER";

/// Returns the order for this process, or `None` in the process in which the test began.
#[expect(clippy::disallowed_methods, reason = "a process of a test is told so by its environment")]
pub(super) fn order() -> Option<String> {
    std::env::var(ORDER).ok()
}

pub(super) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Returns a builder for the store, the key and the server of a host, with which another process opens them.
pub(super) fn builder(store: &str, key: &str, issuer: &str) -> RegistryBuilder {
    let config = configured(issuer, CLIENT, Some(SECRET)).build().unwrap();
    let http = HttpPolicy::new().endpoint(issuer, issuer).unwrap();
    ConnectionRegistry::builder().store(store).key(KeyFile::at(key)).http(http).kind(oauth2(config))
}

/// Prints a line for the process that began this one. The test harness does not capture it.
pub(super) fn say(line: &str) {
    std::io::stderr().write_all(format!("SAYS {line}\n").as_bytes()).unwrap();
}

/// A process that runs a test. It is killed on drop.
pub(super) struct Process {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Process {
    /// Runs a test of this binary in a new process, with an order.
    pub(super) fn start(test: &str, order: &[String]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(ORDER, order.join("\n"));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// Returns the next line that the process printed with `say`.
    pub(super) fn line(&mut self) -> String {
        let mut rest = String::new();
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it ended: {rest}");
            if let Some(said) = line.strip_prefix("SAYS ") {
                return said.trim_end().to_owned();
            }
            rest += &line;
        }
    }

    /// Lets the process continue.
    pub(super) fn go(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }

    pub(super) fn ends_well(&mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal to the process, such as `STOP` or `CONT`.
    #[cfg(unix)]
    pub(super) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process has ended, unless the test fails.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

/// Waits until this process may continue, or until the process that began it is gone.
pub(super) async fn told_to_go() {
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()).unwrap()).await.unwrap();
}
