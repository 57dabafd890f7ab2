//! Runs the tools that do the work, and says what is run.
//!
//! A tool that ends with another status than 0 is a failure that names the
//! whole command, so that a person can repeat it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::workspace::in_ci;

/// `cargo` as the one that started us, in the given directory.
pub(crate) fn cargo(directory: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = self::program(Path::new(&program), directory);
    command.args(arguments);
    if in_ci() {
        // Nothing is built twice there, and the files for it are large.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// A program of ours, in the given directory and without what cargo told xtask about itself.
pub(crate) fn program(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_about_us(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

/// Another program, in the given directory.
pub(crate) fn tool(directory: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).args(arguments);
    command
}

/// Runs to the end with its output where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let shown = describe(command);
    println!("$ {shown}");
    let status = command.status().map_err(|error| Failure::new(format!("cannot run `{shown}`: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{shown}` ended with {status}"))) }
}

/// As [`run`], but what takes longer is ended: something that hangs would otherwise say nothing for ever.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<(), Failure> {
    let shown = describe(command);
    println!("$ {shown}");
    let failed = |error| Failure::new(format!("cannot run `{shown}`: {error}"));
    let (mut child, start) = (spawn(command).map_err(failed)?, Instant::now());
    loop {
        match child.try_wait().map_err(failed)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(Failure::new(format!("`{shown}` ended with {status}"))),
            None if start.elapsed() < limit => thread::sleep(Duration::from_millis(50)),
            None => {
                end(&mut child);
                let seconds = limit.as_secs();
                return Err(Failure::new(format!("`{shown}` did not end within {seconds} seconds")));
            }
        }
    }
}

/// Starts a command that [`end`] can end.
pub(crate) fn spawn(command: &mut Command) -> std::io::Result<Child> {
    // At a desk control-C must reach what was started, so it stays in the group of the terminal there.
    #[cfg(unix)]
    if in_ci() {
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
    command.spawn()
}

/// Ends a tool, and in continuous integration all that it started, too.
pub(crate) fn end(child: &mut Child) {
    if cfg!(unix) && in_ci() {
        let group = format!("-{}", child.id());
        answers(tool(Path::new("."), "kill", &["-s", "KILL", "--", &group]).stdin(Stdio::null()));
    }
    // It may have ended by itself meanwhile, which is as good.
    child.kill().unwrap_or_default();
    child.wait().map(drop).unwrap_or_default();
}

/// Runs to the end and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let shown = describe(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| Failure::new(format!("cannot run `{shown}`: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("`{shown}` ended with {}\n{}", output.status, said.trim_end())));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure::new(format!("`{shown}` wrote something that is not UTF-8")))
}

/// Whether a program of that name starts and is content.
pub(crate) fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether a variable was set for xtask by the `cargo run` that started it.
///
/// Some of cargo's commands take them for a sign that they were not started by cargo.
fn is_about_us(variable: &str) -> bool {
    ["CARGO_BIN_", "CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_"]
        .iter()
        .any(|start| variable.starts_with(start))
}

/// The command as a person would type it: the program by its short name.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
