//! Windows: files have the protection of the user's directory. This code has not been run.

use std::{
    convert::Infallible,
    ffi::OsStr,
    fs::Metadata,
    io,
    path::Path,
    process::{Command, ExitStatus},
};

use axum::Router;
use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown,
};

use super::StopSignal;

/// The requests to end the program, from the console and from the system. They are caught once this exists. The system
/// ends a process a few seconds after its console was closed.
#[derive(Debug)]
pub(crate) struct Signals {
    stop: CtrlBreak,
    interrupt: CtrlC,
    close: CtrlClose,
    log_off: CtrlLogoff,
    shut_down: CtrlShutdown,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            stop: ctrl_break()?,
            interrupt: ctrl_c()?,
            close: ctrl_close()?,
            log_off: ctrl_logoff()?,
            shut_down: ctrl_shutdown()?,
        })
    }

    /// Resolves at the next request.
    pub(crate) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.stop.recv() => StopSignal::Terminate,
            _ = self.shut_down.recv() => StopSignal::Terminate,
            _ = self.close.recv() => StopSignal::HangUp,
            _ = self.log_off.recv() => StopSignal::HangUp,
        }
    }
}

/// The signals for a program that runs in place of this one. The system delivers control-C to both.
#[derive(Debug)]
pub(crate) struct Passed;

/// A caught signal, to be passed on to that program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassedSignal;

impl Passed {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Resolves at the next signal, which is caught so that the program can end first.
    pub(crate) async fn next(&mut self) -> PassedSignal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        PassedSignal
    }
}

impl PassedSignal {
    /// Returns the exit code that shells report for a program ended by control-C.
    pub(crate) fn exit_code(self) -> u8 {
        130
    }

    pub(crate) fn pass_to(self, _: u32) {}
}

/// A server at a Unix socket, which these systems do not have.
#[derive(Debug)]
pub(crate) struct DoorSocket(Infallible);

impl DoorSocket {
    pub(crate) async fn bind(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) async fn serve(self, _: Router, _: impl Future<Output = ()>) {
        match self.0 {}
    }
}

/// A connection to a Unix socket, which these systems do not have.
pub(crate) struct DoorStream;

impl DoorStream {
    pub(crate) async fn connect(_: &Path) -> io::Result<tokio::net::TcpStream> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Returns `false`, because there is no socket.
pub(crate) fn is_own(_: &tokio::net::TcpStream) -> bool {
    false
}

/// Returns `false`, because this cannot be determined.
pub(crate) fn is_writable_by_others(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Returns the exit code of a program. Codes have 32 bits on Windows; one that does not fit becomes a failure.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Creates a directory and its parents.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Returns `None`, because this cannot be determined.
pub(crate) fn is_private(_: &Path) -> Option<bool> {
    None
}

/// Returns the same number for each file, because metadata does not tell the device.
pub(crate) fn device(_: &Metadata) -> u64 {
    0
}

/// Returns `true` if the path is not marked read-only.
pub(crate) fn is_writable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.permissions().readonly())
}

/// Does nothing, because there are no core files.
pub(crate) fn keep_memory_private() {}

/// Runs `work`; there are no limits to restore.
pub(crate) fn with_own_limits<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Runs the program to its end and returns its exit code. Control-C reaches both, and the program decides what to do.
pub(crate) fn run_instead(mut command: Command) -> io::Result<u8> {
    let mut child = command.spawn()?;
    // The system has the variables now; keep no copy of them in this process.
    drop(command);
    let code = child.wait()?.code();
    // Codes have 32 bits on Windows; one that does not fit becomes a failure.
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

/// A terminal whose settings are not changed.
pub(crate) struct Terminal;

impl Terminal {
    pub(crate) fn now() -> Self {
        Self
    }
}

/// Fails: no service manager of this system waits at a socket.
pub(crate) fn notify(_: &OsStr, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
