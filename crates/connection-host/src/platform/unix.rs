//! Unix: permission bits, signals, and how a terminal is set.

use std::{
    fs::DirBuilder,
    future::poll_fn,
    io::{self, stdin},
    os::unix::{
        fs::{DirBuilderExt as _, PermissionsExt as _},
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::{Command, ExitStatus},
    sync::OnceLock,
    task::Poll,
};

use rustix::{
    fs::Access,
    process::{Pid, Resource, Rlimit, Signal as Number, getpgrp, getrlimit, kill_process, setrlimit},
    termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
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

/// What a program that runs in the place of this one is to get, as this one gets it. Caught from when this is made, but for
/// what whoever started this one had it ignore, as `nohup` does: the program ignores that, too.
#[derive(Debug)]
pub(crate) struct Passed(Vec<(Number, SignalKind, Signal)>);

/// One of them.
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
        let ignored = ignored();
        let heard = all.into_iter().filter(|(number, _)| ignored & bit(*number) == 0);
        let caught = heard.map(|(number, kind)| Ok((number, kind, signal(kind)?)));
        caught.collect::<io::Result<_>>().map(Self)
    }

    /// The next one.
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

/// Which signals this process ignores, where the system says so; a bit for each.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn bit(number: Number) -> u64 {
    u32::try_from(number.as_raw() - 1).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or_default()
}

impl PassedSignal {
    /// The code of a program that one ends, as shells tell it.
    pub(crate) fn exit_code(self) -> u8 {
        u8::try_from(128 + self.0.as_raw()).unwrap_or(u8::MAX)
    }

    /// Sends it, unless the terminal has: what is typed there goes to all that run in its foreground.
    pub(crate) fn pass_to(self, process: u32) {
        let typed = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()].contains(&self.1);
        if typed && tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == getpgrp()) {
            return;
        }
        if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
            // It may have ended by now.
            kill_process(process, self.0).unwrap_or_default();
        }
    }
}

/// How a program ended, as shells tell it.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Makes a directory, and those above it, for its owner only.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether nobody but the owner may do anything with it; `None` when that cannot be told.
pub(crate) fn is_private(path: &Path) -> Option<bool> {
    Some(path.metadata().ok()?.permissions().mode() & 0o077 == 0)
}

/// Whether who runs this may make something in the directory; what the system really allows shows when it is made.
pub(crate) fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The limit of core files that this process was started with.
static CORE: OnceLock<Rlimit> = OnceLock::new();

/// Keeps what is in memory from core files and, on Linux, from whoever would trace this process as the same user. The hard
/// limit stays, so that programs that are started from here can be given the limit that the user has set.
pub(crate) fn keep_memory_private() {
    let before = CORE.get_or_init(|| getrlimit(Resource::Core));
    // Lowering it is always allowed.
    setrlimit(Resource::Core, Rlimit { current: Some(0), ..*before }).unwrap_or_default();
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable).unwrap_or_default();
    }
}

/// Starts a program of the user's with the limits that the user has set; whether its memory may be dumped, the system
/// decides anew for each program.
pub(crate) fn with_own_limits<T>(start: impl FnOnce() -> T) -> T {
    let Some(before) = CORE.get() else { return start() };
    setrlimit(Resource::Core, *before).unwrap_or_default();
    let started = start();
    keep_memory_private();
    started
}

/// Becomes that program: its exit code and its signals are those of this process, whose memory is gone with all secrets in
/// it. Comes back when it cannot be started alone.
pub(crate) fn run_instead(mut command: Command) -> io::Result<u8> {
    Err(with_own_limits(|| command.exec()))
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
