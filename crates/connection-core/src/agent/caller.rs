//! An agent that sent its token, and the permit by which each of its requests is decided.

use std::sync::Arc;

use connection_contract::{BoxFuture, Timestamp};
use connection_rules::{Decision, Request, Rules};
use secrecy::SecretString;

use super::{Agent, AgentGrant};
use crate::{
    AccessToken, AgentError, Audience, ConnectionId, Error,
    access_token::{accepted_of_agent, find_of_agent},
    grant::agent,
    ground::{Ground, OwnedScope},
    store::rows::{AgentRow, AgentUseRow, GrantedAgentRow},
};

/// The permit to decide about requests of an agent through one connection. It was valid when it was read, and a door
/// reads it again for each request.
///
/// ```
/// use connection_core::{AgentCaller, ConnectionId, Error};
/// use connection_rules::{Effect, Request};
///
/// async fn effect(caller: &AgentCaller, connection: ConnectionId, request: &Request) -> Result<Effect, Error> {
///     Ok(caller.granted(connection).await?.decide(request).effect())
/// }
/// # let _ = effect;
/// ```
#[derive(Clone, Debug)]
pub struct Permit {
    grant: AgentGrant,
}

impl Permit {
    /// Decides about a request. The first rule that matches decides, and a request that no rule matches is denied.
    pub fn decide<'a>(&'a self, request: &'a Request) -> Decision<'a> {
        self.grant.rules.decide(request)
    }

    /// Returns the grant, with its rules, its budget and its end.
    pub fn grant(&self) -> &AgentGrant {
        &self.grant
    }

    /// Returns the rules, which also say whether the body of a request must be read.
    pub fn rules(&self) -> &Rules {
        &self.grant.rules
    }

    /// Returns the time at which the grant ends.
    pub fn expires_at(&self) -> Timestamp {
        self.grant.expires_at
    }
}

/// An agent whose token was accepted.
///
/// ```
/// use connection_core::{Audience, ConnectionRegistry, Error};
/// use secrecy::SecretString;
///
/// async fn name(registry: &ConnectionRegistry, token: &SecretString) -> Result<Option<String>, Error> {
///     let caller = registry.authenticate_agent(token, Audience::Doors).await?;
///     Ok(caller.map(|caller| caller.agent().name().to_owned()))
/// }
/// # let _ = name;
/// ```
#[derive(Clone, Debug)]
pub struct AgentCaller {
    agent: Agent,
    token: AccessToken,
}

impl AgentCaller {
    /// Finds the agent whose token has this text.
    pub(crate) fn authenticated<'a>(
        ground: &'a Arc<Ground>,
        text: &'a SecretString,
        audience: Audience,
    ) -> BoxFuture<'a, Result<Option<Self>, Error>> {
        Box::pin(async move {
            let Some(token) = find_of_agent(ground, text, audience).await? else { return Ok(None) };
            let (Some(id), Some(owner)) = (token.agent, token.owner.as_deref()) else { return Ok(None) };
            let Some(row) = ground.reader().await?.agent(id).await? else { return Ok(None) };
            let agent = Agent::of(OwnedScope { system: ground.clone(), owner: owner.into() }, row.clone());
            let checked = agent.check(Some(&row));
            let checked = checked.inspect_err(|error| tracing::warn!(%error, "the token of an agent is not accepted"));
            Ok(checked.is_ok().then_some(Self { agent, token }))
        })
    }

    /// Returns the agent.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Returns the token.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Returns the permit to use a connection. Token, agent and grant are read together.
    ///
    /// # Errors
    ///
    /// [`AgentError::TokenEnded`]; [`AgentError::Unknown`] if the agent was removed; [`AgentError::NotGranted`], also
    /// for a connection that the owner does not have; [`AgentError::GrantEnded`]; [`Error::Row`] if one of the rows was
    /// edited or restored; [`AgentError::UnreadableRules`]; and the store's errors.
    pub fn granted(&self, connection: ConnectionId) -> BoxFuture<'_, Result<Permit, Error>> {
        Box::pin(async move {
            let ground = &self.agent.scope.system;
            let found = ground.reader().await?.agent_use(self.token.id, connection).await?;
            let ended = || Error::from(AgentError::TokenEnded(self.agent.name.to_string().into()));
            let AgentUseRow { token, agent, granted } = found.ok_or_else(ended)?;
            let token = accepted_of_agent(ground, token).ok_or_else(ended)?;
            if token.agent != Some(self.agent.id) || token.audience != self.token.audience {
                return Err(ended());
            }
            self.agent.permit(&agent, granted, connection)
        })
    }
}

impl Agent {
    /// Returns the permit to use a connection, for a host that has authenticated the agent by itself.
    ///
    /// # Errors
    ///
    /// The errors of [`AgentCaller::granted`], except for that of the token.
    pub fn granted(&self, connection: ConnectionId) -> BoxFuture<'_, Result<Permit, Error>> {
        Box::pin(async move {
            let found = self.scope.system.reader().await?.agent_with_grant(self.id, connection).await?;
            let (row, granted) = found.ok_or_else(|| self.unknown())?;
            self.permit(&row, granted, connection)
        })
    }

    /// Returns the permit in rows that were read together.
    fn permit(&self, row: &AgentRow, granted: GrantedAgentRow, connection: ConnectionId) -> Result<Permit, Error> {
        self.check(Some(row))?;
        let name = || self.name.to_string().into();
        let grant = granted.grant(row, connection).filter(|grant| grant.revoked_at.is_none());
        let grant = grant.ok_or_else(|| AgentError::NotGranted { agent: name(), connection })?;
        agent::check_grant(&self.scope.system.sealer, &grant)?;
        let grant = AgentGrant::of(&grant).ok_or_else(|| AgentError::UnreadableRules { agent: name(), connection })?;
        match grant.is_live(self.scope.system.clock.now()) {
            true => Ok(Permit { grant }),
            false => Err(AgentError::GrantEnded { agent: name(), connection }.into()),
        }
    }
}
