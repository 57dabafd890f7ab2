//! The parts of a registry that have a page of their own.

use connection_contract::{BoxFuture, Kind};
use secrecy::SecretString;

use crate::{AgentCaller, Agents, Audience, ConnectionRegistry, Error, Extensions, Profiles, Setups, Webhooks};

impl ConnectionRegistry {
    /// Returns the setups: sessions that make a connection.
    pub fn setups(&self) -> Setups<'_> {
        Setups::new(self.connections().on(&self.systems.setup))
    }

    /// Returns the extensions that a person added, with their grants.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.connections().on(&self.systems.extension))
    }

    /// Returns the agents that a person created, with their grants and tokens.
    pub fn agents(&self) -> Agents<'_> {
        Agents::new(self.connections().on(&self.systems.ground))
    }

    /// Returns the agent, of any owner, whose token has this text and is for this audience. Returns `None` if there is
    /// no such token, if it has ended or was revoked, if the agent was removed, and if one of their rows was edited or
    /// restored. The use is recorded at most once a minute.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn authenticate_agent<'a>(
        &'a self,
        text: &'a SecretString,
        audience: Audience,
    ) -> BoxFuture<'a, Result<Option<AgentCaller>, Error>> {
        AgentCaller::authenticated(&self.systems.ground, text, audience)
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
