//! The error for a request that two systems could read in different ways.

use std::fmt;

/// The part of a request that cannot be read in exactly one way.
///
/// ```
/// use connection_rules::RequestPart;
///
/// assert_eq!(RequestPart::Header("cookie".to_owned()).to_string(), "the header \"cookie\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestPart {
    /// The method.
    Method,
    /// The path, up to the first `?`.
    Path,
    /// The query, from the first `?` on.
    Query,
    /// A header, by its name in lower case.
    Header(String),
    /// All headers together.
    Headers,
    /// The body.
    Body,
}

impl fmt::Display for RequestPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("the method"),
            Self::Path => f.write_str("the path"),
            Self::Query => f.write_str("the query"),
            Self::Header(name) => write!(f, "the header \"{name}\""),
            Self::Headers => f.write_str("the list of headers"),
            Self::Body => f.write_str("the body"),
        }
    }
}

/// A request is refused because two systems could read it in different ways, or because it carries a second identity.
///
/// The text names the part, the problem and the way out. It contains no value of the request.
///
/// ```
/// use connection_rules::{Profile, RequestHead, RequestPart, RequestParts};
///
/// let parts = RequestParts::new("GET", "/repos/../user");
/// let refused = RequestHead::read(parts, &Profile::strict()).unwrap_err();
/// assert_eq!(refused.part(), &RequestPart::Path);
/// assert_eq!(
///     refused.to_string(),
///     "the path has a segment that is \".\" or \"..\"; send the path to which it leads"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} {problem}; {way_out}")]
pub struct Ambiguous {
    part: RequestPart,
    problem: &'static str,
    way_out: &'static str,
}

impl Ambiguous {
    pub(crate) fn new(part: RequestPart, problem: &'static str, way_out: &'static str) -> Self {
        Self { part, problem, way_out }
    }

    /// Returns the part of the request that is the reason.
    pub fn part(&self) -> &RequestPart {
        &self.part
    }

    /// Returns the problem, as a clause that follows the name of the part.
    pub fn problem(&self) -> &'static str {
        self.problem
    }
}
