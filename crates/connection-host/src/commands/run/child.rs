//! A program that runs in place of this one: it has the terminal, receives the signals, and decides the exit code.

use std::{io, process::Command};

use crate::{
    platform::without_line,
    platform::{self, Passed},
};

/// Runs the program to its end; returns its exit code, or 128 plus the signal that ended it.
///
/// `signals` catches signals from before the start, so that none is lost in between.
pub(in crate::commands) async fn run(command: Command, signals: &mut Passed) -> io::Result<u8> {
    let _running = without_line();
    let mut child = platform::with_own_limits(|| tokio::process::Command::from(command).spawn())?;
    loop {
        tokio::select! {
            status = child.wait() => return status.map(platform::exit_code),
            signal = signals.next() => {
                // The id is `None` if the process has been waited for.
                if let Some(id) = child.id() {
                    signal.pass_to(id);
                }
            }
        }
    }
}
