//! Runs a tool for the first line that it prints: no shell, nothing on its standard input, an environment in which
//! nothing of ours is, two seconds.

use std::{path::Path, process::Stdio, time::Duration};

use connection_contract::{DisplayText, ServiceError, Text};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, Command},
};

use crate::{Clock, Environment, platform};

const LONGEST: Duration = Duration::from_secs(2);
/// What is read of what it prints.
const MOST: usize = 4096;
/// What a tool may need to run at all, and nothing that anybody keeps a secret in.
const VARIABLES: [&str; 4] = ["PATH", "HOME", "USERPROFILE", "SystemRoot"];

/// A process that is killed with its group when this is dropped before it has ended.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Of one that was waited for there is no id any more, which another process may have by now.
        platform::kill_group(self.0.id());
    }
}

/// The first line, for people.
pub(super) async fn first_line(
    clock: &dyn Clock,
    environment: &dyn Environment,
    program: &Path,
    arguments: &[Text],
) -> Result<String, ServiceError> {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|argument| &**argument)).env_clear();
    for name in VARIABLES.iter().filter(|name| cfg!(windows) || !matches!(**name, "USERPROFILE" | "SystemRoot")) {
        if let Some(value) = environment.variable(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut running = Running(command.spawn().map_err(|_| ServiceError::Unavailable)?);
    let printed = tokio::select! {
        biased;
        printed = printed(&mut running.0) => printed?,
        () = clock.sleep(LONGEST) => return Err(ServiceError::Unavailable),
    };
    let line = printed.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let line = DisplayText::from(String::from_utf8_lossy(line).into_owned());
    match line.as_str().trim() {
        "" => Err(ServiceError::Unavailable),
        line => Ok(line.to_owned()),
    }
}

/// What it printed before it ended well; of one that prints without an end, the beginning.
async fn printed(child: &mut Child) -> Result<Vec<u8>, ServiceError> {
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = stdout.take(MOST as u64);
        stdout.read_to_end(&mut printed).await.map_err(|_| ServiceError::Unavailable)?;
    }
    if printed.len() >= MOST {
        return Ok(printed);
    }
    match child.wait().await {
        Ok(status) if status.success() => Ok(printed),
        _ => Err(ServiceError::Unavailable),
    }
}
