//! An array of JSON shapes that is printed as its elements come.

use serde::Serialize;

use super::Output;
use crate::Error;

/// How far it is printed.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    begun: bool,
}

impl Elements {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The next element, indented as in a shape that is printed whole.
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
