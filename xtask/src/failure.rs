//! The error of all commands of xtask, a text for the person who ran the command.
//!
//! No code distinguishes failures, so the type has no variants.

use std::fmt;

/// A description of what went wrong and, where it helps, of what to do.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// Creates a failure with this text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns an error that lists the findings, one in each line, or `Ok` if there are none.
    pub(crate) fn unless_empty(title: &str, findings: &[String]) -> Result<(), Self> {
        if findings.is_empty() {
            return Ok(());
        }
        Err(Self(format!("{title}: {} found\n  {}", findings.len(), findings.join("\n  "))))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
