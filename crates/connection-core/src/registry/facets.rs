//! The parts of a registry that have a page of their own.

use connection_contract::Kind;

use crate::{ConnectionRegistry, Error, Extensions, Profiles, Setups, Webhooks};

impl ConnectionRegistry {
    /// Returns the setups: sessions that make a connection.
    pub fn setups(&self) -> Setups<'_> {
        Setups::new(self.connections().on(&self.systems.setup))
    }

    /// Returns the extensions that a person added, with their grants.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.connections().on(&self.systems.extension))
    }

    /// Returns the profiles of a kind.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`ProfileError::Unsupported`](crate::ProfileError::Unsupported) for a kind whose tool has a single identity, and
    /// [`ProfileError::NotAllowed`](crate::ProfileError::NotAllowed) if the host's policy does not allow what the kind declares for its tool.
    pub fn profiles(&self, kind: &Kind) -> Result<Profiles, Error> {
        Profiles::new(self.connections(), kind)
    }

    /// Returns the webhooks of all connections.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks::new(self.connections().on(&self.systems.webhook))
    }
}
