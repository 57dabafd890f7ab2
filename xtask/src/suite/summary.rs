//! The summary of a run: the seconds of each part, its slowest tests, and all failures.

use std::fmt::Write as _;
use std::time::Duration;

use crate::failure::Failure;
use crate::suite::runner::Done;

/// Number of slowest tests that are shown for each part.
const SLOWEST: usize = 10;

/// The parts and failures of the run so far.
#[derive(Debug, Default)]
pub(super) struct Summary {
    parts: Vec<(&'static str, Duration)>,
    failures: Vec<String>,
}

impl Summary {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Records the time of a part.
    pub(super) fn add(&mut self, part: &'static str, took: Duration) {
        println!("{part}: {:.1} seconds", took.as_secs_f64());
        self.parts.push((part, took));
    }

    /// Records a part that another tool has run.
    pub(super) fn step(&mut self, part: &'static str, took: Duration, done: Result<(), Failure>) {
        self.add(part, took);
        self.failures.extend(done.err().map(|failure| failure.to_string()));
    }

    /// Records a part of the tests and prints its slowest tests.
    pub(super) fn tests(&mut self, part: &'static str, (took, mut done): (Duration, Vec<Done>)) {
        self.add(part, took);
        println!("{}", slowest(&mut done));
        self.failures.extend(done.into_iter().filter_map(|done| Some(format!("{}: {}", done.title, done.failure?))));
    }

    /// Prints the parts, and returns an error that names the failed tests, if there are any.
    pub(super) fn end(self) -> Result<(), Failure> {
        let parts = self.parts.iter().map(|(part, took)| format!("{part} {:.0}", took.as_secs_f64()));
        println!("seconds: {}", parts.collect::<Vec<_>>().join(", "));
        Failure::unless_empty("tests that failed", &self.failures)
    }
}

/// Returns the counts and the slowest of these tests as text, one test in each line.
pub(super) fn slowest(done: &mut [Done]) -> String {
    done.sort_by_key(|done| std::cmp::Reverse(done.took));
    let failed = done.iter().filter(|done| done.failure.is_some()).count();
    let mut text = format!("{} passed, {failed} failed; the slowest:", done.len() - failed);
    for done in done.iter().take(SLOWEST) {
        write!(text, "\n{:>8.1}  {}", done.took.as_secs_f64(), done.title).unwrap_or_default();
    }
    text
}
