//! A callback as it comes from the network, and what becomes of it.

use std::fmt;

use connection_contract::{Kind, Secret, encode};

use super::{SetupSession, deliver::DeliverError};
use crate::{ConnectionRegistry, Error, registry::Shared};

/// For so long the browser that brought a callback is told what came of it.
const TOLD_FOR: i64 = 10 * 60;

/// What a browser brought to a redirect URI: the decoded query (or form) parameters, and what is known of the way.
///
/// Made of parameters alone, it may have come by any way: an address that a person pasted has none.
pub struct Callback {
    pub(super) parameters: Vec<(String, Secret)>,
    pub(super) kind: Option<Kind>,
    pub(super) browser: Vec<Secret>,
}

impl Callback {
    /// With these parameters.
    pub fn new(parameters: Vec<(String, Secret)>) -> Self {
        Self { parameters, kind: None, browser: Vec::new() }
    }

    /// It came to the redirect URI of this kind: for a session of another kind it is refused (RFC 9700, section 4.4.2.2).
    #[must_use]
    pub fn at(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// What the browser has in its cookies. A session that was begun [in a browser](super::BeginSetup::browser) wants its
    /// own among them.
    #[must_use]
    pub fn browser(mut self, proofs: Vec<Secret>) -> Self {
        self.browser = proofs;
        self
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names come from the network, too.
        f.debug_struct("Callback").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl From<Vec<(String, Secret)>> for Callback {
    fn from(parameters: Vec<(String, Secret)>) -> Self {
        Self::new(parameters)
    }
}

/// A callback that was taken, durably.
#[derive(Debug)]
#[non_exhaustive]
pub struct Delivered {
    /// The session that goes on with it, of whichever owner: for telling the browser what comes of it, and for nothing
    /// else.
    pub session: SetupSession,
    /// Finds that session again, in any process, for ten minutes; see [`delivered`](ConnectionRegistry::delivered). It
    /// cannot be guessed, not even by somebody who knows the callback's address, and lets nobody do anything.
    pub reference: String,
}

impl ConnectionRegistry {
    /// The session that took a callback of this kind, by the reference that [`deliver`](Self::deliver) gave: for the page
    /// to which the browser is sent on.
    ///
    /// # Errors
    ///
    /// [`DeliverError::Unknown`] for a reference that none was given or whose time is over, and the store's.
    pub async fn delivered(&self, kind: &Kind, reference: &str) -> Result<SetupSession, DeliverError> {
        let hash = encode::from_hex(reference).and_then(|hash| <[u8; 32]>::try_from(hash).ok());
        let hash = hash.ok_or(DeliverError::Unknown)?;
        let shared = &self.shared;
        let found = shared.reader().await?.endpoint(&hash).await.map_err(Error::from)?;
        let now = shared.clock.now().seconds();
        let fresh = |used: i64| now < used.saturating_add(TOLD_FOR);
        let found = found.filter(|found| found.used_at.is_some_and(fresh)).ok_or(DeliverError::Unknown)?;
        let row = shared.reader().await?.setup(found.session_id).await.map_err(Error::from)?;
        let row = row.filter(|row| row.kind == kind.as_str()).ok_or(DeliverError::Unknown)?;
        let slot = shared.slot(&row)?;
        super::follow::look(shared, &slot, &mut None).await?;
        Ok(SetupSession::at(shared, slot))
    }
}

impl Shared {
    /// What is kept of a browser's proof.
    pub(super) fn browser_hash(&self, proof: &Secret) -> [u8; 32] {
        self.sealer.mac("connections/browser/v1", proof.expose())
    }
}
