//! The parts of a registry that have a page of their own.

use connection_contract::{BoxFuture, Kind};
use secrecy::SecretString;

use super::AgentAccess;
use crate::{
    AgentCaller, Agents, Approvals, Audience, ClientCredential, ClientTokens, ConnectionRegistry, Cursor, Error,
    Extensions, ListedProfile, Page, Profiles, Setups, Webhooks, access_token, profiles,
};

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
        AgentCaller::authenticated(&self.systems.ground, &self.systems.callers, text, audience)
    }

    /// Returns the access of an agent to the connections of this registry's owner, who is also the owner of the agent.
    pub fn for_agent<'a>(&'a self, caller: &'a AgentCaller) -> AgentAccess<'a> {
        AgentAccess::new(&self.systems.connection, caller)
    }

    /// Exchanges what the client of an agent presents for tokens. Returns `None` if it is refused: unknown, used, ended,
    /// revoked or of another client.
    ///
    /// A code that is presented twice within its 60 seconds, or by somebody who cannot prove to be its client, ends what
    /// was given for it. A refresh token returns the same successor for 60 seconds, and nothing after that.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the code may have been used up. A refresh token can be presented again.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] if a row was edited or restored, and the store's errors.
    pub fn client_tokens(&self, credential: ClientCredential) -> BoxFuture<'_, Result<Option<ClientTokens>, Error>> {
        access_token::present(&self.systems.ground, credential)
    }

    /// Returns the requests of agents about which a person is asked.
    pub fn approvals(&self) -> Approvals<'_> {
        Approvals::new(self.connections())
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

    /// Returns a page of the profiles of all kinds, by the name of the kind and in the order in which they were created. As
    /// in [`Profiles::list`], a kind without a profile gets the first one.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the errors of [`profiles`](Self::profiles) and [`Profiles::list`]. An owner who has no
    /// profile of a kind, and gets none, is no error.
    pub fn list_profiles(
        &self,
        after: Option<Cursor>,
        limit: Option<u32>,
    ) -> BoxFuture<'_, Result<Page<ListedProfile>, Error>> {
        Box::pin(profiles::list(self.connections(), after, limit))
    }

    /// Returns the webhooks of all connections.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks::new(self.connections().on(&self.systems.webhook))
    }
}
