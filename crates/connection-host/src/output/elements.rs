//! A JSON array that is printed element by element.

use serde::Serialize;

use super::Output;
use crate::Error;

#[derive(Debug, Default)]
pub(crate) struct Elements {
    begun: bool,
}

impl Elements {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Prints the next element, indented as in an array that is printed at once.
    pub(crate) fn push(&mut self, output: &Output, element: &impl Serialize) -> Result<(), Error> {
        let text = Output::text(element)?.replace('\n', "\n  ");
        let before = if self.begun { ",\n  " } else { "[\n  " };
        self.begun = true;
        output.bytes(format!("{before}{text}").as_bytes())
    }

    pub(crate) fn end(self, output: &Output) -> Result<(), Error> {
        output.line(if self.begun { "\n]" } else { "[]" })
    }
}
