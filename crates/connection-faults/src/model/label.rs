//! The name of a step in a history.

use std::fmt::{self, Display, Formatter};

/// A text in which `#` stands for a process, which is displayed as a letter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    process: usize,
    text: &'static str,
}

impl Label {
    pub(crate) fn new(process: usize, text: &'static str) -> Self {
        Self { process, text }
    }

    /// Creates the label of a step that belongs to no process.
    pub(crate) fn world(text: &'static str) -> Self {
        Self { process: 0, text }
    }
}

impl Display for Label {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text.replace('#', ["A", "B", "C", "D"][self.process]))
    }
}
