//! A callback from the network, and the session that took it.

use std::fmt;

use connection_contract::{BoxFuture, Kind, Secret, encode};

use super::{SetupSession, Setups, deliver::DeliverError};
use crate::Error;

/// Seconds for which the browser that brought a callback can be shown the result.
const RESULT_SHOWN_FOR: i64 = 10 * 60;

/// The decoded query or form parameters that a browser brought to a redirect URI, and what is known about the browser.
///
/// A callback that consists of parameters alone may have come from anywhere, such as from an address that a person
/// pasted.
pub struct Callback {
    pub(super) parameters: Vec<(String, Secret)>,
    pub(super) kind: Option<Kind>,
    pub(super) browser: Vec<Secret>,
}

impl Callback {
    /// Creates a callback with these parameters.
    pub fn new(parameters: Vec<(String, Secret)>) -> Self {
        Self { parameters, kind: None, browser: Vec::new() }
    }

    /// Sets the kind at whose redirect URI the callback arrived. A session of another kind refuses it (RFC 9700,
    /// section 4.4.2.2).
    #[must_use]
    pub fn at(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
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

impl<'a> Setups<'a> {
    /// Returns the session that took a callback of this kind, by the reference that [`deliver`](Self::deliver)
    /// returned. This is for the page to which the browser is redirected.
    ///
    /// # Errors
    ///
    /// [`DeliverError::Unknown`] for a reference that does not exist or has expired, and the store's.
    pub fn delivered(self, kind: &'a Kind, reference: &'a str) -> BoxFuture<'a, Result<SetupSession, DeliverError>> {
        Box::pin(async move {
            let hash = encode::from_hex(reference).and_then(|hash| <[u8; 32]>::try_from(hash).ok());
            let hash = hash.ok_or(DeliverError::Unknown)?;
            let shared = self.scope.system;
            let found = shared.reader().await?.endpoint(&hash).await.map_err(Error::from)?;
            let now = shared.clock.now().seconds();
            let fresh = |used: i64| now < used.saturating_add(RESULT_SHOWN_FOR);
            let found = found.filter(|found| found.used_at.is_some_and(fresh)).ok_or(DeliverError::Unknown)?;
            let row = shared.reader().await?.setup(found.session_id).await.map_err(Error::from)?;
            let row = row.filter(|row| row.kind == kind.as_str()).ok_or(DeliverError::Unknown)?;
            let slot = shared.slot(&row)?;
            super::follow::check_row(shared, &slot, &mut None).await?;
            Ok(SetupSession::at(shared, slot))
        })
    }
}
