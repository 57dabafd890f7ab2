//! A program in the place of this one: it has the terminal and gets the signals, and its end is this one's.

use std::{io, process::Command};

use crate::platform::{self, Passed};

/// Runs it to its end; its exit code, or 128 and the signal that ended it. The signals are caught from before it starts, so
/// that none is lost in between.
pub(super) async fn run(command: Command, signals: &mut Passed) -> io::Result<u8> {
    let mut child = platform::with_own_limits(|| tokio::process::Command::from(command).spawn())?;
    loop {
        tokio::select! {
            status = child.wait() => return status.map(platform::exit_code),
            signal = signals.next() => {
                // `None` for one that was waited for.
                if let Some(id) = child.id() {
                    signal.pass_to(id);
                }
            }
        }
    }
}
