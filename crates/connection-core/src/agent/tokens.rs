//! The tokens of an agent.

use std::time::Duration;

use connection_contract::{BoxFuture, DisplayText};

use super::Agent;
use crate::{
    AccessToken, AccessTokenId, Audience, Error, IssuedToken, NewAccessToken, Withdrawal,
    access_token::{AgentToken, listed_of_agent},
    store::Lock,
};

/// The properties of a token that is to be made for an agent.
///
/// ```
/// use std::time::Duration;
///
/// use connection_core::{Audience, NewAgentToken};
///
/// let token = NewAgentToken::new("on the build server", Audience::Doors).lifetime(Duration::from_secs(3600));
/// assert_eq!(token.audience, Audience::Doors);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewAgentToken {
    /// The name that a person knows it by.
    pub name: DisplayText,
    /// The doors at which it is accepted.
    pub audience: Audience,
    /// The time after which it ends.
    pub lifetime: Duration,
}

impl NewAgentToken {
    /// Creates a token that ends after 90 days.
    pub fn new(name: impl Into<DisplayText>, audience: Audience) -> Self {
        Self { name: name.into(), audience, lifetime: NewAccessToken::LIFETIME }
    }

    /// Sets the time after which it ends.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }
}

impl Agent {
    /// Makes a token for the agent. Its text is returned once and stored nowhere.
    /// [`authenticate_agent`](crate::ConnectionRegistry::authenticate_agent) accepts it, and
    /// [`AccessTokens::authenticate`](crate::AccessTokens::authenticate) does not.
    ///
    /// # Errors
    ///
    /// [`Error::AccessToken`] for a name that is empty or too long, and if the agent has too many tokens;
    /// [`AgentError::Unknown`](crate::AgentError::Unknown) if the agent was removed, [`Error::Row`] if its row was
    /// edited, and the store's errors.
    pub fn new_token(&self, token: NewAgentToken) -> BoxFuture<'_, Result<IssuedToken, Error>> {
        Box::pin(async move {
            let NewAgentToken { name, audience, lifetime } = token;
            let ground = &self.scope.system;
            let new = AgentToken::new(ground, &self.scope.owner, self.id, name, audience, lifetime)?;
            let sealer = ground.sealer.clone();
            let agent = self.clone();
            let job = ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&agent.scope.owner)).await?;
                    match agent.checked(tx).await? {
                        Ok(()) => new.put(tx, &sealer).await,
                        Err(error) => Ok(Err(error)),
                    }
                })
            });
            job.await??.ok_or_else(|| self.unknown())
        })
    }

    /// Returns the tokens of the agent in the order in which they were made, with those that ended recently. A token
    /// whose row was edited or restored is left out, and so are those that a client got by itself
    /// ([`client`](Self::client)).
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn tokens(&self) -> BoxFuture<'_, Result<Vec<AccessToken>, Error>> {
        Box::pin(async move {
            let mut rows = self.scope.system.reader().await?.agent_tokens(self.id).await?;
            rows.retain(|row| row.client.is_none());
            Ok(listed_of_agent(&self.scope.system, &rows))
        })
    }

    /// Revokes a token of the agent. It is refused in every process once this returns, except for those that the result
    /// names. A request that is being sent with it is cut.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn revoke_token(&self, id: AccessTokenId) -> BoxFuture<'_, Result<Withdrawal, Error>> {
        Box::pin(async move {
            let ground = &self.scope.system;
            let rows = ground.reader().await?.agent_tokens(self.id).await?;
            let is_own = rows.iter().any(|row| row.id == id);
            let was_there = is_own && crate::AccessTokens::new(ground).end(id).await?;
            Ok(ground.freezes.withdrawn(was_there).await)
        })
    }
}
