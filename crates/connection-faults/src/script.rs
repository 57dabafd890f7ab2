//! Third-party programs in Node and Python, each started by a small script in `servers/`. The packages that they need
//! are listed in `package-lock.json` and `requirements.txt` in that directory.
//!
//! `cargo xtask setup` installs them. Where they are missing, the tests that need them are skipped with a notice, and
//! fail in continuous integration.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::skip_notice;

/// A running script, which is killed when this value is dropped.
#[derive(Debug)]
pub struct Script {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Script {
    /// Runs a script of `servers/` with one argument, and returns it with the first line that it prints.
    ///
    /// Returns `None` if the script's language or packages are missing, after a notice. In continuous integration the
    /// test fails instead.
    ///
    /// # Panics
    ///
    /// Panics if the script ends before it prints a line, or in continuous integration if it cannot run.
    pub fn start(name: &str, argument: &str) -> Option<(Self, String)> {
        let folder = folder();
        let mut command = interpreter(&folder, name)?;
        command.arg(folder.join(name)).arg(argument).current_dir(folder).env("NODE_NO_WARNINGS", "1");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("it was there a moment ago");
        let input = child.stdin.take();
        let output = child.stdout.take();
        let mut script = Self { child, input, output: BufReader::new(output.expect("it is piped")) };
        let first = script.line().expect("the script printed no line");
        Some((script, first))
    }

    /// Writes a line to the script's standard input.
    ///
    /// # Errors
    ///
    /// Returns an error if the script has ended.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        match &mut self.input {
            Some(input) => writeln!(input, "{line}"),
            None => Err(io::Error::other("it was told that there is no more")),
        }
    }

    /// Reads the next line that the script prints.
    ///
    /// # Errors
    ///
    /// Returns an error if the script has ended.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err(io::Error::other("it has ended")),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.input.take());
        // The script may have ended by itself, so errors are ignored.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("servers")
}

/// Returns the command for a script, by its file extension. Prints a notice and returns `None` if it cannot run.
fn interpreter(folder: &Path, name: &str) -> Option<Command> {
    let python = folder.join(".venv/bin/python");
    let (program, language) = match name.ends_with(".mjs") {
        true => (program("node").filter(|_| folder.join("node_modules/.package-lock.json").is_file()), "Node"),
        false => (Some(python).filter(|python| python.is_file()), "Python"),
    };
    if program.is_none() {
        skip_notice::say(
            "against programs of others",
            &format!("{language}, or the packages of `servers/`, are not here"),
        );
    }
    program.map(Command::new)
}

fn program(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}
