//! What touches the whole process or differs between systems: the panic hook, the log, file modes, signals, the terminal.

mod interrupts;
#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

pub(crate) use interrupts::{Interrupts, interrupted};
#[cfg(not(unix))]
pub(crate) use other::{
    Passed, Signals, Terminal, create_private_dir, exit_code, is_private, is_writable, keep_memory_private,
    run_instead, with_own_limits,
};
#[cfg(unix)]
pub(crate) use unix::{
    Passed, Signals, Terminal, create_private_dir, exit_code, is_private, is_writable, keep_memory_private,
    run_instead, with_own_limits,
};

use std::io::Write as _;

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::name;

/// Whether every session of a person is a desktop; elsewhere variables tell.
pub(crate) const ALWAYS_A_DESKTOP: bool = cfg!(any(windows, target_os = "macos"));

/// A line on standard error. When nobody reads it any more, what the program does goes on all the same.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    let line = line.to_string();
    let line = if line.starts_with('{') { name::quoted_hints(&line) } else { name::hints(&line) };
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// A panic's payload may hold anything, so only its place is printed; with `--json` not even that.
pub(crate) fn quiet_panics(json: bool) {
    std::panic::set_hook(Box::new(move |info| {
        if json {
            return;
        }
        match info.location() {
            Some(place) => {
                tell(format_args!("a bug: a part of the program crashed at {}:{}", place.file(), place.line()));
            }
            None => tell(format_args!("a bug: a part of the program crashed")),
        }
    }));
}

/// The target of what an operator reads also where no level is configured.
pub(crate) const OPERATIONS: &str = "connections::operations";

/// Logs our own crates to standard error. Others may log what they carry, so they are left out.
///
/// Where no level is configured, a server logs warnings and what concerns its operation, and other commands nothing.
pub(crate) fn log(level: Option<&str>, is_server: bool) {
    let ours = match level.map(str::parse::<LevelFilter>) {
        Some(Ok(level)) => Targets::new().with_target("connection", level),
        Some(Err(_)) => return,
        None if is_server => {
            Targets::new().with_target("connection", LevelFilter::WARN).with_target(OPERATIONS, LevelFilter::INFO)
        }
        None => return,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    // It fails only when a host that embeds us has its own.
    drop(tracing_subscriber::registry().with(ours).with(layer).try_init());
}
