//! The exceptions that a kind states for the reading of its requests.

use connection_contract::Seat;

/// The exceptions that a kind's file states, each with a source, and the seats of all kinds of the provider.
///
/// [`Profile::strict`] has none. Setters take the value and return it.
///
/// ```
/// use connection_rules::{Profile, RequestHead, RequestParts};
///
/// let parts = || RequestParts::new("GET", "/projects/group%2Fproject");
/// assert!(RequestHead::read(parts(), &Profile::strict()).is_err());
///
/// let profile = Profile::strict().encoded_slash_is_data();
/// let head = RequestHead::read(parts(), &profile).unwrap();
/// assert_eq!(head.segments().collect::<Vec<_>>(), ["projects", "group/project"]);
/// assert_eq!(head.target(), "/projects/group%2Fproject");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Profile {
    /// `true` if an encoded `/` or `\` is a part of its segment.
    pub is_encoded_slash_data: bool,
    /// `true` if an empty segment in the middle of a path is a segment like others.
    pub is_empty_segment_data: bool,
    /// The seats of every kind of the provider.
    pub seats: Vec<Seat>,
    /// Usual names of credentials that are something else at this provider.
    pub exempt_names: Vec<String>,
}

impl Profile {
    /// Returns the profile of a kind that states no exception.
    pub fn strict() -> Self {
        Self::default()
    }

    /// Declares that an encoded `/` or `\` is a part of its segment.
    #[must_use]
    pub fn encoded_slash_is_data(mut self) -> Self {
        self.is_encoded_slash_data = true;
        self
    }

    /// Declares that an empty segment in the middle of a path is a segment like others.
    #[must_use]
    pub fn empty_segment_is_data(mut self) -> Self {
        self.is_empty_segment_data = true;
        self
    }

    /// Adds a seat of a kind of the provider. The header `Authorization`, which includes Basic and the key id of SigV4, is
    /// a seat of every provider in any case.
    ///
    /// ```
    /// use connection_contract::Seat;
    /// use connection_rules::{Profile, RequestHead, RequestParts};
    ///
    /// let profile = Profile::strict().seat(Seat::query("hapikey"));
    /// assert!(RequestHead::read(RequestParts::new("GET", "/contacts?hapikey=other"), &profile).is_err());
    /// ```
    #[must_use]
    pub fn seat(mut self, seat: Seat) -> Self {
        self.seats.push(seat);
        self
    }

    /// Exempts a name from the usual names of credentials.
    ///
    /// Seats, `Authorization`, `Proxy-Authorization` and `Cookie` cannot be exempted.
    #[must_use]
    pub fn exempt_name(mut self, name: impl Into<String>) -> Self {
        self.exempt_names.push(name.into());
        self
    }
}
