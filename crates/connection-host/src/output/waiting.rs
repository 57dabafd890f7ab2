//! A line at the terminal that says what a command waits for, and for how long.

use std::{future::Future, io::IsTerminal as _, pin::pin, time::Duration};

use connection_core::{Clock as _, SystemClock};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use super::Output;

/// The time before the line appears; shorter waits show nothing.
const QUIET: Duration = Duration::from_secs(1);
/// The time between two frames of the spinner.
const TICK: Duration = Duration::from_millis(120);

impl Output {
    /// Awaits `work`.
    ///
    /// After one second, a line on standard error shows what the command waits for and for how many seconds, until the
    /// work ends. There is no such line with `--json`, or if standard error is not a terminal.
    pub(crate) async fn waiting<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        if self.json || !std::io::stderr().is_terminal() {
            return work.await;
        }
        let mut work = pin!(work);
        let clock = SystemClock::new();
        let began = clock.passed();
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = clock.sleep(QUIET) => {}
        }
        let spinner = spinner();
        loop {
            let seconds = clock.passed().saturating_sub(began).as_secs();
            spinner.set_message(format!("Waiting for {what} ({seconds} s)"));
            spinner.tick();
            tokio::select! {
                biased;
                done = &mut work => {
                    spinner.finish_and_clear();
                    return done;
                }
                () = clock.sleep(TICK) => {}
            }
        }
    }
}

/// Returns a line that disappears even if the wait is abandoned.
fn spinner() -> ProgressBar {
    let spinner =
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_finish(ProgressFinish::AndClear);
    match ProgressStyle::with_template("{spinner} {msg}") {
        Ok(style) => spinner.with_style(style),
        Err(_) => spinner,
    }
}
