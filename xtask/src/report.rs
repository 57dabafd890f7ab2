//! The report of a run, with the seconds of each step and their limit.

use std::fmt;
use std::time::Duration;

use crate::failure::Failure;

/// The steps of the run so far.
#[derive(Debug)]
pub(crate) struct Report {
    longest: Duration,
    steps: Vec<Entry>,
}

/// A step that has ended.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) took: Duration,
    /// How long the step may take on an idle machine. The report marks a step that took longer; on a machine that also
    /// does other work, this is no failure.
    pub(crate) limit: Option<Duration>,
    pub(crate) passed: bool,
}

impl Report {
    /// Creates an empty report with the time limit for all steps together.
    pub(crate) fn new(longest: Duration) -> Self {
        Self { longest, steps: Vec::new() }
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        self.steps.push(entry);
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
        self.steps.iter().map(|entry| entry.took).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<12} {:>8}", "step", "seconds")?;
        for Entry { name, took, limit, passed } in &self.steps {
            write!(f, "{name:<12} {:>8.1}", took.as_secs_f64())?;
            if let Some(limit) = limit.filter(|limit| took > limit) {
                write!(f, "  more than {} minutes", limit.as_secs() / 60)?;
            }
            writeln!(f, "{}", if *passed { "" } else { "  failed" })?;
        }
        write!(f, "{:<12} {:>8.1}", "total", self.total().as_secs_f64())
    }
}
