//! A callback from the network, and the session that took it.

use std::fmt;

use connection_contract::{Kind, Secret};

use super::SetupSession;

/// The decoded query or form parameters that a browser brought to a redirect URI, and what is known about the browser.
///
/// A callback that consists of parameters alone may have come from anywhere, such as from an address that a person
/// pasted.
pub struct Callback {
    pub(super) parameters: Vec<(String, Secret)>,
    pub(super) kind: Option<Kind>,
    pub(super) part: Option<String>,
    pub(super) browser: Vec<Secret>,
}

impl Callback {
    /// Creates a callback with these parameters.
    pub fn new(parameters: Vec<(String, Secret)>) -> Self {
        Self { parameters, kind: None, part: None, browser: Vec::new() }
    }

    /// Sets the kind at whose redirect URI the callback arrived. A session of another kind refuses it (RFC 9700,
    /// section 4.4.2.2).
    #[must_use]
    pub fn at(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets the part after the kind in the address at which the callback arrived. A session that gave out an address with
    /// another part, or without one, refuses the callback.
    #[must_use]
    pub fn part(mut self, part: impl Into<String>) -> Self {
        self.part = Some(part.into());
        self
    }

    /// Sets the proofs that the browser has in its cookies. A session that is bound to a browser, such as one that was
    /// begun [in a browser](super::BeginSetup::browser), requires its own proof among them.
    #[must_use]
    pub fn browser(mut self, proofs: Vec<Secret>) -> Self {
        self.browser = proofs;
        self
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names of parameters come from the network, too, and are not shown.
        f.debug_struct("Callback").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl From<Vec<(String, Secret)>> for Callback {
    fn from(parameters: Vec<(String, Secret)>) -> Self {
        Self::new(parameters)
    }
}

/// A callback that was accepted and recorded durably.
#[derive(Debug)]
#[non_exhaustive]
pub struct Delivered {
    /// The session that continues with the callback, whichever owner it has. Use it only to show the browser the
    /// result.
    pub session: SetupSession,
    /// A reference that finds the session again, in any process, for ten minutes; see
    /// [`delivered`](super::Setups::delivered). It cannot be guessed, even by someone who knows the callback's
    /// address, and it authorizes nothing.
    pub reference: String,
}
