//! What a proxy reports to the program that runs it.

use std::fmt;
use std::sync::Arc;

/// A report of something that the client does not learn from an answer.
///
/// A diagnostic contains no credential, no id of a session and no body of a message.
///
/// ```
/// use connection_mcp::proxy::Diagnostic;
///
/// fn report(diagnostic: Diagnostic) -> String {
///     format!("{:?}: {diagnostic}", diagnostic.level)
/// }
/// # let _: fn(Diagnostic) -> String = report;
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How important the report is.
    pub level: DiagnosticLevel,
    /// One sentence that says what happened.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The importance of a [`Diagnostic`].
///
/// ```
/// use connection_mcp::proxy::DiagnosticLevel;
///
/// assert_ne!(DiagnosticLevel::Info, DiagnosticLevel::Warning);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiagnosticLevel {
    /// Something that happens in normal use.
    Info,
    /// A message was lost or changed, or the server does not follow the protocol.
    Warning,
}

/// The receiver of diagnostics.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<dyn Fn(Diagnostic) + Send + Sync>);

impl Reporter {
    pub(crate) fn new(report: impl Fn(Diagnostic) + Send + Sync + 'static) -> Self {
        Self(Arc::new(report))
    }

    pub(crate) fn info(&self, message: impl Into<String>) {
        (self.0)(Diagnostic { level: DiagnosticLevel::Info, message: message.into() });
    }

    pub(crate) fn warning(&self, message: impl Into<String>) {
        (self.0)(Diagnostic { level: DiagnosticLevel::Warning, message: message.into() });
    }
}
