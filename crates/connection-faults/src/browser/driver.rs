//! The driver process that controls browsers.
//!
//! The driver and all processes that it starts form a process group with a temporary directory.

use std::{
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

use crate::user_agent::UserAgent;

/// A running `chromedriver`. Dropping it ends the driver and its browsers, and deletes their profiles.
#[derive(Debug)]
pub(super) struct Driver {
    child: Child,
    address: String,
    /// The standard output, which stays open because the driver continues to write to it.
    output: BufReader<ChildStdout>,
    directory: TempDir,
}

impl Driver {
    /// Starts the driver.
    ///
    /// The driver listens on the same port for IPv4 and IPv6, and ends if the port is taken for one of them. It is
    /// then started again, five times at most.
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        const MAX_TRIES: usize = 5;
        for _ in 1..MAX_TRIES {
            match Self::once(program) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                started => return started,
            }
        }
        Self::once(program)
    }

    fn once(program: &Path) -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command.arg("--port=0").env("TMPDIR", directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("it is piped"))?;
        // From here on, the process ends when the value is dropped.
        let mut driver = Self { child, address: String::new(), output: BufReader::new(output), directory };
        driver.address = format!("http://127.0.0.1:{}", driver.port()?);
        Ok(driver)
    }

    pub(super) fn address(&self) -> String {
        self.address.clone()
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Reads the port that the driver has chosen from its output.
    fn port(&mut self) -> io::Result<u16> {
        let mut line = String::new();
        while self.output.read_line(&mut line)? > 0 {
            let port = line.split_once("successfully on port ").map(|(_, port)| port.trim().trim_end_matches('.'));
            if let Some(port) = port {
                return port.parse().map_err(io::Error::other);
            }
            line.clear();
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "it ended before it listened"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // On shutdown, the driver closes its browsers, which then delete their profiles. A driver that does not
        // answer is killed with its group.
        drop(UserAgent::new().get(&format!("{}/shutdown", self.address)));
        self.end_group();
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Driver {
    #[cfg(unix)]
    fn end_group(&self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // All processes of the group may have ended already.
            kill_process_group(group, Signal::KILL).unwrap_or_default();
        }
    }

    #[cfg(not(unix))]
    fn end_group(&self) {}
}
