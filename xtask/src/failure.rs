//! Why a command of xtask failed: one text for the person who ran it.
//!
//! Nothing here is matched on, so it has no variants.

use std::fmt;

/// What went wrong, and where that helps, what to do.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// Makes one from a sentence.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Passes when nothing was found; otherwise lists the findings, one per line.
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
