//! The seconds that each step took, and whether all of them were few enough.

use std::fmt;
use std::time::Duration;

use crate::failure::Failure;

/// What was run so far.
#[derive(Debug)]
pub(crate) struct Report {
    longest: Duration,
    steps: Vec<(&'static str, Duration, bool)>,
}

impl Report {
    /// An empty one, and the time that all may take.
    pub(crate) fn new(longest: Duration) -> Self {
        Self { longest, steps: Vec::new() }
    }

    /// Notes a step.
    pub(crate) fn add(&mut self, name: &'static str, took: Duration, passed: bool) {
        self.steps.push((name, took, passed));
    }

    /// Whether the run was short enough.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        let total = self.total();
        if total <= self.longest {
            return Ok(());
        }
        let (took, longest) = (total.as_secs() / 60, self.longest.as_secs() / 60);
        Err(Failure::new(format!("the steps took {took} minutes, more than {longest}; make the slowest faster")))
    }

    fn total(&self) -> Duration {
        self.steps.iter().map(|(_, took, _)| *took).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<10} {:>8}", "step", "seconds")?;
        for (name, took, passed) in &self.steps {
            let mark = if *passed { "" } else { "  failed" };
            writeln!(f, "{name:<10} {:>8.1}{mark}", took.as_secs_f64())?;
        }
        write!(f, "{:<10} {:>8.1}", "total", self.total().as_secs_f64())
    }
}
