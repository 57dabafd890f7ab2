//! Unix: permission bits, signals, and how a terminal is set.

use std::{
    io::{self, stdin},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::Command,
};

use rustix::{
    fs::Access,
    termios::{OptionalActions, Termios, tcgetattr, tcsetattr},
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What asks a program to end: from the terminal, and from whoever supervises it. Caught from when this is made.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Option<Signal>,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { terminate: Some(signal(SignalKind::terminate())?), ..Self::of_a_person()? })
    }

    /// Those from the terminal alone; whoever supervises the process ends it at once.
    pub(crate) fn of_a_person() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: None })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            () = terminated(self.terminate.as_mut()) => {}
        }
    }
}

async fn terminated(terminate: Option<&mut Signal>) {
    match terminate {
        Some(terminate) => drop(terminate.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether nobody but the owner may do anything with it; `None` when that cannot be told.
pub(crate) fn is_private(path: &Path) -> Option<bool> {
    Some(path.metadata().ok()?.permissions().mode() & 0o077 == 0)
}

/// Whether who runs this may make something in the directory; what the system really allows shows when it is made.
pub(crate) fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Becomes that program: its exit code and its signals are those of this process, whose memory is gone with all secrets in
/// it. Comes back when it cannot be started alone.
pub(crate) fn run_instead(mut command: Command) -> io::Result<u8> {
    Err(command.exec())
}

/// How the terminal was set before somebody was asked, and is again when this is dropped: a question that nobody answers any
/// more leaves it otherwise.
pub(crate) struct Terminal(Option<Termios>);

impl Terminal {
    pub(crate) fn now() -> Self {
        Self(tcgetattr(stdin()).ok())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // Gone, it needs nothing.
            tcsetattr(stdin(), OptionalActions::Now, before).unwrap_or_default();
        }
    }
}
