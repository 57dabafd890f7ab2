//! The process that leads browsers, with all that it starts: they are a group, with a directory of its own.

use std::{
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

use crate::user_agent::UserAgent;

/// `chromedriver`; it, its browsers and their profiles are gone with this value.
#[derive(Debug)]
pub(super) struct Driver {
    child: Child,
    address: String,
    /// Open as long as it writes.
    output: BufReader<ChildStdout>,
    directory: TempDir,
}

impl Driver {
    /// It listens at one port of both families of addresses, and ends where that of the other family is taken: then it is
    /// started again.
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        const TRIES: usize = 5;
        for _ in 1..TRIES {
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
        // From here on it ends with this value.
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

    /// The port that it chose.
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
        // It closes its browsers, which put their profiles away; one that does not answer is ended all the same.
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
            // There may be nobody left.
            kill_process_group(group, Signal::KILL).unwrap_or_default();
        }
    }

    #[cfg(not(unix))]
    fn end_group(&self) {}
}
