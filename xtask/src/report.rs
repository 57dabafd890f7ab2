//! The report of a run, with the seconds of each step and their limit.

use std::fmt;
use std::time::Duration;

use crate::failure::Failure;

/// The steps of the run so far.
#[derive(Debug)]
pub(crate) struct Report {
    longest: Duration,
    steps: Vec<(&'static str, Duration, bool)>,
}

impl Report {
    /// Creates an empty report with the time limit for all steps together.
    pub(crate) fn new(longest: Duration) -> Self {
        Self { longest, steps: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &'static str, took: Duration, passed: bool) {
        self.steps.push((name, took, passed));
    }

    /// Returns an error if the run took longer than its limit.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        let total = self.total();
        if total <= self.longest {
            return Ok(());
        }
        let took = total.as_secs() / 60;
        let longest = self.longest.as_secs() / 60;
        Err(Failure::new(format!("the steps took {took} minutes, more than {longest}; make the slowest faster")))
    }

    fn total(&self) -> Duration {
        self.steps.iter().map(|(_, took, _)| *took).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<12} {:>8}", "step", "seconds")?;
        for (name, took, passed) in &self.steps {
            let mark = if *passed { "" } else { "  failed" };
            writeln!(f, "{name:<12} {:>8.1}{mark}", took.as_secs_f64())?;
        }
        write!(f, "{:<12} {:>8.1}", "total", self.total().as_secs_f64())
    }
}
