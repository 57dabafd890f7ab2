//! Programs of others, in Node and Python: what a small script of ours in `servers/` starts, with the packages that
//! `package-lock.json` and `requirements.txt` there name.
//!
//! `cargo xtask setup` installs them. Where they are not there, tests that need them are left out, loudly; in CI that is an
//! error.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::skipped;

/// A script that runs, and ends with this value.
#[derive(Debug)]
pub struct Script {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Script {
    /// Runs a script of `servers/` with one argument, and gives it and the first line that it prints. `None` where its
    /// language or the packages are missing, which is said, and which fails the test in CI.
    ///
    /// # Panics
    ///
    /// It ends without a line.
    pub fn start(name: &str, argument: &str) -> Option<(Self, String)> {
        let folder = folder();
        let mut command = interpreter(&folder, name)?;
        command.arg(folder.join(name)).arg(argument).current_dir(folder).env("NODE_NO_WARNINGS", "1");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("it was there a moment ago");
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut script = Self { child, input, output: BufReader::new(output.expect("it is piped")) };
        let first = script.line().expect("the script printed no line");
        Some((script, first))
    }

    /// Gives it a line.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        match &mut self.input {
            Some(input) => writeln!(input, "{line}"),
            None => Err(io::Error::other("it was told that there is no more")),
        }
    }

    /// The next line that it prints.
    ///
    /// # Errors
    ///
    /// It has ended.
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
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("servers")
}

/// What runs a script, by the end of its name.
fn interpreter(folder: &Path, name: &str) -> Option<Command> {
    let python = folder.join(".venv/bin/python");
    let (program, language) = match name.ends_with(".mjs") {
        true => (program("node").filter(|_| folder.join("node_modules/.package-lock.json").is_file()), "Node"),
        false => (Some(python).filter(|python| python.is_file()), "Python"),
    };
    if program.is_none() {
        skipped::say("against programs of others", &format!("{language}, or the packages of `servers/`, are not here"));
    }
    program.map(Command::new)
}

fn program(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}
