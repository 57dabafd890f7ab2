//! Unix: permission bits, signals, and terminal settings.

#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
use std::{
    ffi::OsStr,
    fs::{DirBuilder, Metadata},
    future::poll_fn,
    io::{self, stdin},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
        net::{SocketAddr, UnixDatagram},
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::{Command, ExitStatus},
    sync::OnceLock,
    task::Poll,
    time::Duration,
};

use rustix::{
    fs::Access,
    process::{Pid, Resource, Rlimit, Signal as Number, geteuid, getpgrp, getrlimit, kill_process, setrlimit},
    termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};
use tokio::{
    net::UnixStream,
    signal::unix::{Signal, SignalKind, signal},
};

use super::StopSignal;

/// The requests to end the program, from the terminal and from a supervisor. They are caught once this exists.
///
/// Those that this process was started to ignore, as by `nohup`, are not caught, so that they stay ignored.
#[derive(Debug)]
pub(crate) struct Signals {
    hang_up: Option<Signal>,
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            hang_up: unless_ignored(Number::HUP, SignalKind::hangup())?,
            interrupt: unless_ignored(Number::INT, SignalKind::interrupt())?,
            terminate: unless_ignored(Number::TERM, SignalKind::terminate())?,
        })
    }

    /// Resolves at the next request.
    pub(crate) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            () = received(self.interrupt.as_mut()) => StopSignal::Interrupt,
            () = received(self.terminate.as_mut()) => StopSignal::Terminate,
            () = received(self.hang_up.as_mut()) => StopSignal::HangUp,
        }
    }
}

/// Catches a signal, unless this process was started to ignore it.
fn unless_ignored(number: Number, kind: SignalKind) -> io::Result<Option<Signal>> {
    (ignored() & bit(number) == 0).then(|| signal(kind)).transpose()
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The signals for a program that runs in place of this one. They are caught once this exists.
///
/// Signals that this process was started to ignore, as by `nohup`, are not caught, so that the program ignores them
/// too.
#[derive(Debug)]
pub(crate) struct Passed(Vec<(Number, SignalKind, Signal)>);

/// A caught signal, to be passed on to that program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassedSignal(Number, SignalKind);

impl Passed {
    pub(crate) fn new() -> io::Result<Self> {
        let all = [
            (Number::HUP, SignalKind::hangup()),
            (Number::INT, SignalKind::interrupt()),
            (Number::QUIT, SignalKind::quit()),
            (Number::TERM, SignalKind::terminate()),
            (Number::USR1, SignalKind::user_defined1()),
            (Number::USR2, SignalKind::user_defined2()),
        ];
        let caught = all.into_iter().filter_map(|(number, kind)| {
            let heard = unless_ignored(number, kind).transpose()?;
            Some(heard.map(|signal| (number, kind, signal)))
        });
        caught.collect::<io::Result<_>>().map(Self)
    }

    /// Resolves at the next signal.
    pub(crate) async fn next(&mut self) -> PassedSignal {
        poll_fn(|context| {
            for (number, kind, signal) in &mut self.0 {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(PassedSignal(*number, *kind));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Returns the signals that this process was started to ignore, one bit for each, if the system reports them. They are read
/// once, before the first signal is caught, because one that is caught is no longer reported.
fn ignored() -> u64 {
    static IGNORED: OnceLock<u64> = OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
    })
}

fn bit(number: Number) -> u64 {
    u32::try_from(number.as_raw() - 1).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or_default()
}

impl PassedSignal {
    /// Returns the exit code that shells report for a program ended by this signal.
    pub(crate) fn exit_code(self) -> u8 {
        u8::try_from(128 + self.0.as_raw()).unwrap_or(u8::MAX)
    }

    /// Sends the signal, unless the terminal already has: it signals all processes in its foreground.
    pub(crate) fn pass_to(self, process: u32) {
        let typed = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()].contains(&self.1);
        if typed && tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == getpgrp()) {
            return;
        }
        if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
            // The process may have ended by now.
            kill_process(process, self.0).unwrap_or_default();
        }
    }
}

/// Returns the exit code of a program, as shells report it.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Creates a directory and its parents, accessible to the owner only.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Returns `true` if only the owner can access the path; `None` if this cannot be determined.
pub(crate) fn is_private(path: &Path) -> Option<bool> {
    Some(path.metadata().ok()?.permissions().mode() & 0o077 == 0)
}

/// Returns the number of the device of a file.
pub(crate) fn device(metadata: &Metadata) -> u64 {
    metadata.dev()
}

/// Returns `true` if the user may create files in the directory. Only creating a file shows whether it is really
/// possible.
pub(crate) fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The limit for core files that this process was started with.
static CORE: OnceLock<Rlimit> = OnceLock::new();

/// Keeps memory out of core files and, on Linux, away from other processes of the same user that would trace this one.
///
/// The hard limit stays, so that programs started from here can get the limit that the user has set.
pub(crate) fn keep_memory_private() {
    let before = CORE.get_or_init(|| getrlimit(Resource::Core));
    // Lowering the limit is always allowed.
    setrlimit(Resource::Core, Rlimit { current: Some(0), ..*before }).unwrap_or_default();
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable).unwrap_or_default();
    }
}

/// Starts a program with the limits that the user has set. The system decides for each program whether its memory may
/// be dumped.
pub(crate) fn with_own_limits<T>(start: impl FnOnce() -> T) -> T {
    let Some(before) = CORE.get() else { return start() };
    setrlimit(Resource::Core, *before).unwrap_or_default();
    let started = start();
    keep_memory_private();
    started
}

/// Returns `true` if the other side of a socket is a process of this user or of root.
pub(crate) fn is_own(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw() || peer.uid() == 0)
}

/// Returns `true` if users other than its owner can write the directory.
pub(crate) fn is_writable_by_others(path: &Path) -> io::Result<bool> {
    path.metadata().map(|metadata| metadata.permissions().mode() & 0o022 != 0)
}

/// Replaces this process by the program, so that the exit code and the signals are the program's, and no secret stays
/// in memory. Returns only if the program cannot be started.
pub(crate) fn run_instead(mut command: Command) -> io::Result<u8> {
    Err(with_own_limits(|| command.exec()))
}

/// The terminal settings before a question, which are restored when this is dropped. A question that is abandoned
/// does not restore them.
pub(crate) struct Terminal(Option<Termios>);

impl Terminal {
    pub(crate) fn now() -> Self {
        Self(tcgetattr(stdin()).ok())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // If the terminal is gone, there is nothing to restore.
            tcsetattr(stdin(), OptionalActions::Now, before).unwrap_or_default();
        }
    }
}

/// Sends a message to a service manager at its socket, which is a path, or on Linux an abstract name after `@`.
pub(crate) fn notify(socket: &OsStr, message: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(socket)?,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let sender = UnixDatagram::unbound()?;
    // A manager that reads nothing holds up no server.
    sender.set_write_timeout(Some(Duration::from_secs(1)))?;
    sender.send_to_addr(message.as_bytes(), &address).map(drop)
}
