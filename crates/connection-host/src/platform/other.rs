//! Elsewhere: files take the protection of the user's directory. Written, not run.

use std::{io, path::Path, process::Command};

/// What asks a program to end: Ctrl-C.
#[derive(Debug)]
pub(crate) struct Signals;

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn of_a_person() -> io::Result<Self> {
        Ok(Self)
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // There are none to come.
            std::future::pending().await
        }
    }
}

/// Cannot be told.
pub(crate) fn is_private(_: &Path) -> Option<bool> {
    None
}

/// Whether it is not marked read-only.
pub(crate) fn is_writable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.permissions().readonly())
}

/// Runs that program to its end and gives its exit code. Ctrl-C reaches both, and the program decides.
pub(crate) fn run_instead(mut command: Command) -> io::Result<u8> {
    let mut child = command.spawn()?;
    // Its variables are the system's now; of those in this process nothing is kept.
    drop(command);
    let code = child.wait()?.code();
    // A code of Windows has 32 bits; what does not fit is a failure all the same.
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

/// Leaves the terminal as it is.
pub(crate) struct Terminal;

impl Terminal {
    pub(crate) fn now() -> Self {
        Self
    }
}
