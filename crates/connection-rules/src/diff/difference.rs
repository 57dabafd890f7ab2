//! The result of comparing two rule sets.

use std::fmt;

use crate::{
    request::{Place, Request},
    rules::Effect,
};

/// The result of comparing two rule sets with [`Rules::diff`](crate::Rules::diff).
///
/// ```
/// use connection_rules::{Diff, Rules};
///
/// let (narrow, wide) = (Rules::ask(), Rules::everything());
/// assert!(matches!(narrow.diff(&wide), Diff::Found(_)));
/// assert!(matches!(wide.diff(&narrow), Diff::None));
/// ```
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle each of them")]
pub enum Diff {
    /// The second rule set permits nothing that the first one does not permit.
    None,
    /// The second rule set permits a request that the first one treats more strictly.
    Found(Box<Difference>),
    /// The rules have so many combinations that the search was given up. A caller treats this as a difference.
    Unknown,
}

impl Diff {
    /// Returns the difference, if one was found.
    pub fn found(self) -> Option<Difference> {
        match self {
            Self::Found(difference) => Some(*difference),
            Self::None | Self::Unknown => None,
        }
    }
}

/// A request that one rule set permits and another one treats more strictly.
///
/// ```
/// use connection_rules::{Effect, Rules};
///
/// let difference = Rules::ask().diff(&Rules::everything()).found().unwrap();
/// assert_eq!((difference.before(), difference.after()), (Effect::Ask, Effect::Allow));
/// assert_eq!(difference.to_string(), "GET / is asked about before and allowed after");
/// ```
#[derive(Debug, Clone)]
pub struct Difference {
    request: Request,
    before: Effect,
    after: Effect,
}

impl Difference {
    pub(super) fn new(request: Request, before: Effect, after: Effect) -> Self {
        Self { request, before, after }
    }

    /// Returns the difference of the two rule sets in the other order.
    ///
    /// ```
    /// use connection_rules::Rules;
    ///
    /// let difference = Rules::ask().diff(&Rules::everything()).found().unwrap().reversed();
    /// assert_eq!(difference.to_string(), "GET / is allowed before and asked about after");
    /// ```
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { before: self.after, after: self.before, ..self }
    }

    /// Returns the request.
    ///
    /// It is read with the exceptions that a kind may state, so that an encoded `/` in a pattern can be shown.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Returns the effect that the first rule set has on the request.
    pub fn before(&self) -> Effect {
        self.before
    }

    /// Returns the effect that the second rule set has on the request.
    pub fn after(&self) -> Effect {
        self.after
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.request.head();
        write!(f, "{} {}", head.method(), head.target())?;
        if let Place::Origin(_) = head.place() {
            f.write_str(" outside the base address")?;
        }
        if let Some(protocol) = head.upgrade() {
            write!(f, " with an upgrade to {protocol}")?;
        }
        if let Some(media) = head.media.as_ref().filter(|_| head.has_body()) {
            write!(f, " with a body of type {}", media.essence)?;
            match (self.request.body(), head.body_length()) {
                (Some(body), _) if body.len() <= 1024 => write!(f, ": {},", String::from_utf8_lossy(body))?,
                (_, Some(length)) => write!(f, " and {length} bytes")?,
                (_, None) => f.write_str(" and of unknown length")?,
            }
        }
        let word = |effect| match effect {
            Effect::Allow => "allowed",
            Effect::Ask => "asked about",
            Effect::Deny => "denied",
        };
        write!(f, " is {} before and {} after", word(self.before), word(self.after))
    }
}
