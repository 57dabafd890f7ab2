//! State of the whole process, and differences between systems: the panic hook, the log, file modes, signals,
//! terminals.

mod interrupts;
#[cfg(not(unix))]
mod other;
mod stop_signal;
#[cfg(unix)]
mod unix;
mod wait;

#[cfg(unix)]
pub(crate) use connection_inbound::SocketServer as DoorSocket;
pub(crate) use interrupts::{Interrupts, finish, interrupted};
#[cfg(not(unix))]
pub(crate) use other::{
    DoorSocket, DoorStream, Passed, Signals, Terminal, create_private_dir, device, exit_code, is_own, is_private,
    is_writable, is_writable_by_others, keep_memory_private, notify, run_instead, with_own_limits,
};
pub(crate) use stop_signal::StopSignal;
#[cfg(unix)]
pub(crate) use tokio::net::UnixStream as DoorStream;
#[cfg(unix)]
pub(crate) use unix::{
    Passed, Signals, Terminal, create_private_dir, device, exit_code, is_own, is_private, is_writable,
    is_writable_by_others, keep_memory_private, notify, run_instead, with_own_limits,
};

pub(crate) use wait::{Wait, clear_line, print, show_waits, waits_for, width, without_line};

use std::io::Write as _;

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::name;

/// `true` on systems where every session of a person is a desktop; elsewhere environment variables decide.
pub(crate) const ALWAYS_A_DESKTOP: bool = cfg!(any(windows, target_os = "macos"));

/// Writes a line to standard error. A closed standard error does not stop the program.
pub(crate) fn write_stderr(line: std::fmt::Arguments<'_>) {
    let line = line.to_string();
    let line = if line.starts_with('{') { name::quoted_hints(&line) } else { name::hints(&line) };
    clear_line();
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Replaces the panic hook by one that prints only the location, because the payload may hold anything.
///
/// With `--json` it prints nothing.
pub(crate) fn quiet_panics(json: bool) {
    std::panic::set_hook(Box::new(move |info| {
        if json {
            return;
        }
        match info.location() {
            Some(place) => {
                write_stderr(format_args!("a bug: a part of the program crashed at {}:{}", place.file(), place.line()));
            }
            None => write_stderr(format_args!("a bug: a part of the program crashed")),
        }
    }));
}

/// The target of log messages that an operator reads even if no level is configured.
pub(crate) const OPERATIONS: &str = "connections::operations";

/// Logs our own crates to standard error. Other crates are left out, because they may log the data that they carry.
///
/// If no level is configured, a server logs warnings and messages about its operation, and other commands log nothing.
pub(crate) fn log(level: Option<&str>, is_json: bool, is_server: bool) {
    let ours = match level.map(str::parse::<LevelFilter>) {
        Some(Ok(level)) => Targets::new().with_target("connection", level),
        Some(Err(_)) => return,
        None if is_server => {
            Targets::new().with_target("connection", LevelFilter::WARN).with_target(OPERATIONS, LevelFilter::INFO)
        }
        None => return,
    };
    let layer = || tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry().with(ours);
    // This fails only if a host that embeds us has installed its own subscriber.
    drop(match is_json {
        true => registry.with(layer().json().flatten_event(true)).try_init(),
        false => registry.with(layer()).try_init(),
    });
}
