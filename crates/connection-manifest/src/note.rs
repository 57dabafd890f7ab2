//! Notes: facts about a file that are not errors, but that its author or reader should know.

use std::fmt;

use connection_contract::{DisplayText, Text};

/// A part of a file that is treated differently than its author may expect. A note holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// The position, as a JSON pointer (RFC 6901).
    pub field: String,
    /// One sentence that says how the part is treated.
    pub text: Text,
}

impl Note {
    pub(crate) fn new(field: impl Into<String>, text: impl Into<Text>) -> Self {
        Self { field: field.into(), text: text.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A field may contain a key chosen by someone else.
        write!(f, "field '{}': {}", DisplayText::from(self.field.clone()), self.text)
    }
}
