//! Agents: which connections they may use within which rules, and their tokens.

use async_trait::async_trait;
use connection_api::{
    Agent, AgentGrant, Explanation, GrantPreview, IssuedAgentToken, LearnedRules, NewAgentGrant, NewAgentToken,
    RemovedAgent, SendRequest, ShownAgent, Withdrawal,
};
use connection_contract::Timestamp;
use connection_core::{AccessTokenId, LearnFrom};
use connection_server::{agents, convert, view};

use super::{Local, Remote};
use crate::{Error, Exit};

/// The operations on agents.
#[async_trait(?Send)]
pub(crate) trait Agents {
    /// Returns the agents with their grants.
    async fn agents(&self) -> Result<Vec<Agent>, Error>;

    /// Returns an agent with its grants and its tokens.
    async fn agent(&self, name: &str) -> Result<ShownAgent, Error>;

    /// Creates an agent, which has neither a grant nor a token.
    async fn create_agent(&self, name: &str) -> Result<Agent, Error>;

    /// Removes an agent with its grants and tokens.
    async fn remove_agent(&self, name: &str) -> Result<RemovedAgent, Error>;

    /// Returns what a grant would permit, and how it differs from the grant that is in force.
    async fn preview_agent_grant(
        &self,
        agent: &str,
        connection: &str,
        new: &NewAgentGrant,
    ) -> Result<GrantPreview, Error>;

    /// Returns what the rules of the grant in force decide about a request, and why.
    async fn explain_agent_request(
        &self,
        agent: &str,
        connection: &str,
        request: &SendRequest,
    ) -> Result<Explanation, Error>;

    /// Returns the narrowest rules that cover what the record shows of an agent since a time (RFC 3339).
    async fn learned_rules(
        &self,
        agent: &str,
        connection: &str,
        since: Option<&str>,
        refused: bool,
    ) -> Result<LearnedRules, Error>;

    /// Lets an agent use a connection within rules, in place of the grant that it has for the connection.
    async fn grant_agent(&self, agent: &str, connection: &str, new: &NewAgentGrant) -> Result<AgentGrant, Error>;

    /// Revokes the grant of a connection, if there is one. Returns where that is not in force yet.
    async fn revoke_agent_grant(&self, agent: &str, connection: &str) -> Result<Withdrawal, Error>;

    /// Makes a token for an agent.
    async fn create_agent_token(&self, agent: &str, new: NewAgentToken) -> Result<IssuedAgentToken, Error>;

    /// Revokes a token of an agent. Returns where that is not in force yet.
    async fn revoke_agent_token(&self, agent: &str, id: &str) -> Result<Withdrawal, Error>;
}

#[async_trait(?Send)]
impl Agents for Local {
    async fn agents(&self) -> Result<Vec<Agent>, Error> {
        Ok(view::agents(&self.registry, None, None).await?.items)
    }

    async fn agent(&self, name: &str) -> Result<ShownAgent, Error> {
        Ok(view::agent(&self.registry, name).await?)
    }

    async fn create_agent(&self, name: &str) -> Result<Agent, Error> {
        Ok(convert::agent(&self.registry.agents().create(name).await?, Vec::new()))
    }

    async fn remove_agent(&self, name: &str) -> Result<RemovedAgent, Error> {
        Ok(agents::remove(&self.registry, name).await?)
    }

    async fn preview_agent_grant(
        &self,
        agent: &str,
        connection: &str,
        new: &NewAgentGrant,
    ) -> Result<GrantPreview, Error> {
        let agent = self.registry.agents().get(agent).await?;
        let connection = self.connection(connection).await?;
        let before = agents::in_force(&self.registry, &agent, connection.info()).await?;
        Ok(agents::preview(&self.registry, &agent, connection.info(), new, before.as_ref()).await?)
    }

    async fn explain_agent_request(
        &self,
        agent: &str,
        connection: &str,
        request: &SendRequest,
    ) -> Result<Explanation, Error> {
        let agent = self.registry.agents().get(agent).await?;
        let connection = self.connection(connection).await?;
        Ok(agents::explain(&self.registry, &agent, connection.info(), request).await?)
    }

    async fn learned_rules(
        &self,
        agent: &str,
        connection: &str,
        since: Option<&str>,
        refused: bool,
    ) -> Result<LearnedRules, Error> {
        let agent = self.registry.agents().get(agent).await?;
        let connection = self.connection(connection).await?;
        let from = LearnFrom::new().refused(refused);
        let from = since.and_then(Timestamp::parse_rfc3339).map_or(from, |since| from.since(since));
        Ok(agents::learned(&self.registry, &agent, connection.info(), from).await?)
    }

    async fn grant_agent(&self, agent: &str, connection: &str, new: &NewAgentGrant) -> Result<AgentGrant, Error> {
        let agent = self.registry.agents().get(agent).await?;
        let connection = self.connection(connection).await?;
        Ok(agents::grant(&self.registry, &agent, connection.info(), new).await?)
    }

    async fn revoke_agent_grant(&self, agent: &str, connection: &str) -> Result<Withdrawal, Error> {
        let agent = self.registry.agents().get(agent).await?;
        let id = connection.parse().map_err(|_| Error::new(Exit::NotFound, "not_found", "there is no such connection"));
        // A grant is revoked even if its connection cannot be read.
        let revoked = agent.revoke(id?).await?;
        if !revoked.was_there {
            self.connection(connection).await?;
        }
        Ok(convert::withdrawal(&revoked.in_force))
    }

    async fn create_agent_token(&self, agent: &str, new: NewAgentToken) -> Result<IssuedAgentToken, Error> {
        let agent = self.registry.agents().get(agent).await?;
        Ok(agents::new_token(&agent, new).await?)
    }

    async fn revoke_agent_token(&self, agent: &str, id: &str) -> Result<Withdrawal, Error> {
        let unknown = || Error::new(Exit::NotFound, "token_not_found", "the agent has no such token");
        let agent = self.registry.agents().get(agent).await?;
        let id: AccessTokenId = id.parse().map_err(|_| unknown())?;
        agents::revoke_token(&agent, id).await?.ok_or_else(unknown)
    }
}

#[async_trait(?Send)]
impl Agents for Remote {
    async fn agents(&self) -> Result<Vec<Agent>, Error> {
        Ok(self.client.agents().await?)
    }

    async fn agent(&self, name: &str) -> Result<ShownAgent, Error> {
        Ok(self.client.agent(name).await?)
    }

    async fn create_agent(&self, name: &str) -> Result<Agent, Error> {
        Ok(self.client.create_agent(name).await?)
    }

    async fn remove_agent(&self, name: &str) -> Result<RemovedAgent, Error> {
        Ok(self.client.remove_agent(name).await?)
    }

    async fn preview_agent_grant(
        &self,
        agent: &str,
        connection: &str,
        new: &NewAgentGrant,
    ) -> Result<GrantPreview, Error> {
        Ok(self.client.preview_agent_grant(agent, connection, new).await?)
    }

    async fn explain_agent_request(
        &self,
        agent: &str,
        connection: &str,
        request: &SendRequest,
    ) -> Result<Explanation, Error> {
        Ok(self.client.explain_agent_request(agent, connection, request).await?)
    }

    async fn learned_rules(
        &self,
        agent: &str,
        connection: &str,
        since: Option<&str>,
        refused: bool,
    ) -> Result<LearnedRules, Error> {
        Ok(self.client.learned_rules(agent, connection, since, refused).await?)
    }

    async fn grant_agent(&self, agent: &str, connection: &str, new: &NewAgentGrant) -> Result<AgentGrant, Error> {
        Ok(self.client.grant_agent(agent, connection, new).await?)
    }

    async fn revoke_agent_grant(&self, agent: &str, connection: &str) -> Result<Withdrawal, Error> {
        Ok(self.client.revoke_agent_grant(agent, connection).await?)
    }

    async fn create_agent_token(&self, agent: &str, new: NewAgentToken) -> Result<IssuedAgentToken, Error> {
        Ok(self.client.create_agent_token(agent, &new).await?)
    }

    async fn revoke_agent_token(&self, agent: &str, id: &str) -> Result<Withdrawal, Error> {
        Ok(self.client.revoke_agent_token(agent, id).await?)
    }
}
