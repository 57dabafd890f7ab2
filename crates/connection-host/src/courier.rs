//! Couriers: processes of this program, each of which sends one request for a command that may be killed.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    os::{
        fd::{AsFd as _, OwnedFd, RawFd},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    process::{Command, ExitCode},
    thread,
};

use connection_core::{CourierStream, Couriers, run_courier};
use nix::unistd::close;
use rustix::{process::setsid, stdio::dup2_stderr};
use tokio::signal::unix::{SignalKind, signal};

/// The only argument of a courier.
const ARGUMENT: &str = "__courier";

/// The starter of couriers, with their environment.
pub(crate) struct CourierProcesses(pub(crate) Vec<(OsString, OsString)>);

impl Couriers for CourierProcesses {
    fn start(&self, lock: File, slot: File) -> io::Result<Box<dyn CourierStream>> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        // An upgrade may have replaced the file of this program, but not this link to it.
        let program = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
        let mut command = Command::new(program);
        command.arg0("connections").arg(ARGUMENT).env_clear().envs(self.0.iter().cloned());
        // In the places of the standard streams, no other process that is started now inherits them too.
        command.stdin(OwnedFd::from(theirs)).stdout(lock).stderr(slot);
        let mut child = command.spawn()?;
        // The command holds the files of the courier.
        drop(command);
        thread::Builder::new().spawn(move || child.wait())?;
        Ok(Box::new(tokio::net::UnixStream::from_std(ours)?))
    }
}

/// Works as a courier if this process was started as one, and returns its exit code.
pub(crate) fn work() -> Option<ExitCode> {
    let is_courier = std::env::args_os().skip(1).eq([OsStr::new(ARGUMENT)]);
    is_courier.then(|| ExitCode::from(u8::from(deliver().is_err())))
}

fn deliver() -> io::Result<()> {
    // Before it reads, nobody can read its memory, and neither a terminal nor a kill of the group of its caller ends it.
    crate::platform::keep_memory_private();
    setsid()?;
    // It keeps neither a mount nor a pipe in use with which its caller was started.
    std::env::set_current_dir("/")?;
    let number = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok();
    let open: Vec<_> = fs::read_dir("/dev/fd")?.filter_map(number).filter(|number| *number > 2).collect();
    // The descriptor by which the directory was read is closed.
    open.into_iter().for_each(|number| close(number).unwrap_or_default());
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let slot = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    // The message of a panic must not reach the slot.
    dup2_stderr(File::options().write(true).open("/dev/null")?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let delivered = runtime.block_on(async {
        // A supervisor that ends the caller lets it finish. Caught signals end no courier.
        let kinds = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate()];
        let _caught = kinds.into_iter().map(signal).collect::<io::Result<Vec<_>>>()?;
        stream.set_nonblocking(true)?;
        run_courier(Box::new(tokio::net::UnixStream::from_std(stream)?), slot).await
    });
    // A name that is being looked up must not keep the process, and with it the lock.
    runtime.shutdown_background();
    delivered
}
