//! What a file has that is no error, and that its author or its reader should hear of.

use std::fmt;

use connection_contract::{DisplayText, Text};

/// Something in a file that is taken otherwise than its author may expect. Holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// Where, as a JSON pointer (RFC 6901).
    pub field: String,
    /// What becomes of it, as one sentence.
    pub text: Text,
}

impl Note {
    pub(crate) fn new(field: impl Into<String>, text: impl Into<Text>) -> Self {
        Self { field: field.into(), text: text.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A field may hold a key that somebody else chose.
        write!(f, "field '{}': {}", DisplayText::from(self.field.clone()), self.text)
    }
}
