//! A request as a rule sees it, and the result of comparing the two.

use serde_json::Value;

use crate::request::Request;

/// A request as a rule sees it: as a whole, or as one message of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) request: &'a Request,
    pub(crate) message: Option<&'a Value>,
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// The rule is not about the request.
    No,
    /// The rule could be about the request, and the request cannot be read well enough to say.
    Unclear,
    /// The rule matches.
    Yes,
}
