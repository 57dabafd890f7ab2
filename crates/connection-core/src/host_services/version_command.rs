//! Runs a tool to read the first line that it prints.
//!
//! The tool runs without a shell, with an empty standard input, a minimal environment, the root of the file system
//! as its working directory, and a limit of two seconds.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::Stdio,
    time::Duration,
};

use connection_contract::{DisplayText, ServiceError, VersionForm};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, Command},
};

use connection_seal::platform;

use crate::{Clock, Environment};

const TIME_LIMIT: Duration = Duration::from_secs(2);
/// The maximum number of bytes to read from the tool's output.
const MAX_OUTPUT: usize = 4096;
/// The variables that a tool may need to run at all. They hold no secrets.
const VARIABLES: [&str; 4] = ["PATH", "HOME", "USERPROFILE", "SystemRoot"];

/// A process that is killed with its group when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The process was not waited for, so its id cannot have been reused, whether it has ended or not. Processes
        // that it started are in its group.
        platform::kill_group(self.0.id());
    }
}

/// Returns the first line that the tool prints, cleaned for display.
pub(super) async fn first_line(
    clock: &dyn Clock,
    environment: &dyn Environment,
    program: &Path,
    form: VersionForm,
) -> Result<String, ServiceError> {
    let mut command = Command::new(program);
    command.arg(form.argument()).env_clear();
    for name in VARIABLES.iter().filter(|name| cfg!(windows) || !matches!(**name, "USERPROFILE" | "SystemRoot")) {
        if let Some(value) = environment.variable(name) {
            command.env(name, if *name == "PATH" { absolute(&value) } else { value });
        }
    }
    // The working directory of the host may be a project, whose files affect what many tools do.
    if let Some(root) = program.ancestors().last() {
        command.current_dir(root);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut running = Running(command.spawn().map_err(|_| ServiceError::Unavailable)?);
    let printed = tokio::select! {
        biased;
        printed = printed(&mut running.0) => printed?,
        () = clock.sleep(TIME_LIMIT) => return Err(ServiceError::Unavailable),
    };
    let line = DisplayText::from(String::from_utf8_lossy(&printed).into_owned());
    match line.as_str().trim() {
        "" => Err(ServiceError::Unavailable),
        line => Ok(line.to_owned()),
    }
}

/// Returns the absolute directories of a `PATH`, which do not depend on the working directory.
fn absolute(path: &OsStr) -> OsString {
    let directories = std::env::split_paths(path).filter(|directory| directory.is_absolute());
    // Directories that were split can be joined, except on a system that quotes them; the result is then empty.
    std::env::join_paths(directories).unwrap_or_default()
}

/// Reads the first line, or the beginning of a long one. Later output is not read.
async fn printed(child: &mut Child) -> Result<Vec<u8>, ServiceError> {
    let mut printed = Vec::new();
    let Some(mut stdout) = child.stdout.take() else { return Ok(printed) };
    let mut part = [0; 512];
    while printed.len() < MAX_OUTPUT {
        let read = stdout.read(&mut part).await.map_err(|_| ServiceError::Unavailable)?;
        let part = part.get(..read).unwrap_or_default();
        let line = part.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        printed.extend_from_slice(line);
        if read == 0 || line.len() < part.len() {
            break;
        }
    }
    printed.truncate(MAX_OUTPUT);
    Ok(printed)
}
