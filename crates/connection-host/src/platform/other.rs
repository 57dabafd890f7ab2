//! Elsewhere: files take the protection of the user's directory. Written, not run.

use std::{
    io,
    path::Path,
    process::{Command, ExitStatus},
};

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

/// What a program that runs in the place of this one is to get: the system gives Ctrl-C to both.
#[derive(Debug)]
pub(crate) struct Passed;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassedSignal;

impl Passed {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// The next one. Caught, so that the program ends first.
    pub(crate) async fn next(&mut self) -> PassedSignal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        PassedSignal
    }
}

impl PassedSignal {
    /// The code of a program that Ctrl-C ends, as shells tell it.
    pub(crate) fn exit_code(self) -> u8 {
        130
    }

    pub(crate) fn pass_to(self, _: u32) {}
}

/// How a program ended. A code has 32 bits here; what does not fit is a failure all the same.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Makes a directory, and those above it.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Cannot be told.
pub(crate) fn is_private(_: &Path) -> Option<bool> {
    None
}

/// Whether it is not marked read-only.
pub(crate) fn is_writable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.permissions().readonly())
}

/// There are no core files.
pub(crate) fn keep_memory_private() {}

/// There are no limits of our own.
pub(crate) fn with_own_limits<T>(work: impl FnOnce() -> T) -> T {
    work()
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
