//! Runs tools, and prints the commands that are run.
//!
//! A tool that ends with a status other than 0 is a failure that contains the whole command, so that a person can
//! repeat it.

#[cfg(unix)]
pub(crate) mod signals;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Returns `true` in continuous integration, where no check may be skipped.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// Returns a command for the `cargo` that started xtask, in the given directory.
pub(crate) fn cargo(directory: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = self::program(Path::new(&program), directory);
    command.args(arguments);
    if in_ci() {
        // Continuous integration builds everything once, and the files for incremental builds are large.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// Returns a command for the `cargo` that started xtask, which builds packages of this workspace.
///
/// In continuous integration, clippy checks the packages while they are built, and each warning is an error. So nothing is
/// read twice: `cargo clippy` would analyze all code once more, and all external packages. Clippy differs from the compiler
/// only in its checks and in optimizations before those of LLVM. All commands that build the packages must do it in the same
/// way, because what one has built is of no use to the others otherwise.
pub(crate) fn cargo_checked(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = cargo(directory, arguments);
    if in_ci() {
        command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", "-Dwarnings");
    }
    command
}

/// Returns a command for a program of this workspace, without the variables that cargo sets for xtask.
pub(crate) fn program(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_about_us(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

/// Returns a command for any other program, in the given directory.
pub(crate) fn tool(directory: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).args(arguments);
    command
}

/// Runs a command to its end. Its output goes where that of xtask goes.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    run_for(command, &[0]).map(drop)
}

/// Like [`run`], and returns the exit code, which must be one of these.
pub(crate) fn run_for(command: &mut Command, codes: &[i32]) -> Result<i32, Failure> {
    let shown = describe(command);
    println!("$ {shown}");
    let status = command.status().map_err(|error| Failure::new(format!("cannot run `{shown}`: {error}")))?;
    match status.code().filter(|code| codes.contains(code)) {
        Some(code) => Ok(code),
        None => Err(Failure::new(format!("`{shown}` ended with {status}"))),
    }
}

/// Like [`run`], but ends a command that takes longer than the limit, because a command that hangs would never report
/// anything.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<(), Failure> {
    let shown = describe(command);
    println!("$ {shown}");
    let failed = |error| Failure::new(format!("cannot run `{shown}`: {error}"));
    let mut child = spawn(command).map_err(failed)?;
    let start = Instant::now();
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
    // Outside of continuous integration, Ctrl-C must reach the child, so the child stays in the terminal's process
    // group.
    #[cfg(unix)]
    if in_ci() {
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
    command.spawn()
}

/// Ends a tool, and in continuous integration also the processes that it started.
pub(crate) fn end(child: &mut Child) {
    if cfg!(unix) && in_ci() {
        let group = format!("-{}", child.id());
        answers(tool(Path::new("."), "kill", &["-s", "KILL", "--", &group]).stdin(Stdio::null()));
    }
    // The tool may have ended by itself, so an error is ignored.
    child.kill().unwrap_or_default();
    child.wait().map(drop).unwrap_or_default();
}

/// Runs a command to its end and returns its standard output.
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

/// Returns `true` if a command can be started and succeeds.
pub(crate) fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Returns `true` for a variable that `cargo run` sets for xtask.
///
/// Some commands of cargo interpret these variables as a sign that cargo did not start them.
fn is_about_us(variable: &str) -> bool {
    ["CARGO_BIN_", "CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_"]
        .iter()
        .any(|start| variable.starts_with(start))
}

/// Returns the command as a person would type it, with the short name of the program.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
