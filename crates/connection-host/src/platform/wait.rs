//! A line at the terminal that says what a command waits for, and for how long.
//!
//! The process has one such line, because it has one terminal. [`show_waits`] draws it beside the command, so that a
//! command only says what it waits for.

use std::{
    convert::Infallible,
    io::{IsTerminal as _, Write as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_core::{Clock as _, SystemClock};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::{Error, Exit};

/// The time before the line appears; shorter waits show nothing.
const QUIET: Duration = Duration::from_secs(1);
/// The time between two frames of the spinner.
const TICK: Duration = Duration::from_millis(120);

static LINE: Mutex<Line> = Mutex::new(Line { what: String::new(), is_within_line: false, changes: 0, spinner: None });

/// Names what the command waits for wherever it says nothing more specific. The seconds count from the last output
/// or answer.
pub(crate) fn waits_for(what: &str) {
    line().change(what);
}

/// Shows no line until the result is dropped, because a question or another program uses the terminal, or because the
/// command runs until it is stopped.
pub(crate) fn without_line() -> Wait {
    Wait::begin("")
}

/// Removes the line from the terminal before other output. The next wait begins now.
pub(crate) fn clear_line() {
    line().clear();
}

/// Writes to standard output. The line that shows a wait is removed from the terminal first.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Error> {
    clear_line_for(bytes);
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Error::new(Exit::Unexpected, "output_closed", "the output was closed"),
        _ => Error::io("standard output", &error),
    })
}

/// Returns the width of the terminal that is standard output; `None` if it is not a terminal or the width is unknown.
pub(crate) fn width() -> Option<usize> {
    let columns = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|columns| *columns > 0 && std::io::stdout().is_terminal())
}

/// Removes the line from the terminal before these bytes are printed to standard output.
///
/// The line stays away while the output at the terminal ends within a line, which it would overwrite.
fn clear_line_for(bytes: &[u8]) {
    let mut line = line();
    line.clear();
    if let Some(last) = bytes.last() {
        line.is_within_line = *last != b'\n' && std::io::stdout().is_terminal();
    }
}

/// Draws the line whenever a wait takes longer than a second. It never returns.
pub(crate) async fn show_waits() -> Infallible {
    if !std::io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    let clock = SystemClock::new();
    let mut began = clock.passed();
    let mut changes = 0;
    loop {
        clock.sleep(TICK).await;
        let mut line = line();
        if line.changes != changes {
            changes = line.changes;
            began = clock.passed();
        }
        line.draw(clock.passed().saturating_sub(began));
    }
}

/// A wait that has a name. The name before it returns when this is dropped.
#[derive(Debug)]
pub(crate) struct Wait {
    before: String,
}

impl Wait {
    /// Shows the line for this, unless the name is empty.
    pub(crate) fn begin(what: &str) -> Self {
        Self { before: line().change(what) }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        line().change(&self.before);
    }
}

struct Line {
    /// The name of what the command waits for. If it is empty, there is no line.
    what: String,
    /// `true` if the output at the terminal ends within a line.
    is_within_line: bool,
    /// The number of changes, each of which begins another wait.
    changes: u64,
    spinner: Option<ProgressBar>,
}

fn line() -> MutexGuard<'static, Line> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    /// Begins another wait, and returns the name of the one before.
    fn change(&mut self, what: &str) -> String {
        self.clear();
        std::mem::replace(&mut self.what, what.to_owned())
    }

    fn clear(&mut self) {
        self.changes = self.changes.wrapping_add(1);
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }

    fn draw(&mut self, waited: Duration) {
        if waited < QUIET || self.is_within_line || self.what.is_empty() {
            return;
        }
        let message = format!("Waiting for {} ({} s)", self.what, waited.as_secs());
        let spinner = self.spinner.get_or_insert_with(spinner);
        spinner.set_message(message);
        spinner.tick();
    }
}

fn spinner() -> ProgressBar {
    let spinner =
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_finish(ProgressFinish::AndClear);
    match ProgressStyle::with_template("{spinner} {msg}") {
        Ok(style) => spinner.with_style(style),
        Err(_) => spinner,
    }
}
