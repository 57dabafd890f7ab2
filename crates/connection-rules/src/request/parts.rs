//! A request as it arrived, before it was read.

/// The place to which the path of a request is relative.
///
/// ```
/// use connection_rules::Place;
///
/// assert!(!Place::Base.is_origin());
/// assert!(Place::Origin("https://uploads.example.com".to_owned()).is_origin());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a door has to decide both")]
pub enum Place {
    /// The base address of the connection.
    Base,
    /// An address outside the base: the path begins at this origin of the connection.
    Origin(String),
}

impl Place {
    /// Returns `true` for an address outside the base.
    pub fn is_origin(&self) -> bool {
        matches!(self, Self::Origin(_))
    }
}

/// A request as it arrived, after the token of the agent was removed.
///
/// ```
/// use connection_rules::RequestParts;
///
/// let parts = RequestParts::new("POST", "/repos/acme/site/issues?draft=true")
///     .header("content-type", "application/json")
///     .body_length(Some(17));
/// assert_eq!(parts.headers.len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestParts {
    /// The method.
    pub method: String,
    /// The place to which the path is relative.
    pub place: Place,
    /// Path and query, as they were sent; empty for the base address itself, to which nothing is added.
    pub target: String,
    /// The headers that will be sent, in their order. `Host` and the headers of one hop belong to the door.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The length of the body in bytes, or `None` if it is not known.
    pub body_length: Option<u64>,
}

impl RequestParts {
    /// Returns a request relative to the base address, without a header or a body.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        let (method, target) = (method.into(), target.into());
        Self { method, place: Place::Base, target, headers: Vec::new(), body_length: Some(0) }
    }

    /// Sets the place to which the path is relative.
    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the length of the body; `None` is a length that is not known.
    #[must_use]
    pub fn body_length(mut self, length: Option<u64>) -> Self {
        self.body_length = length;
        self
    }
}
