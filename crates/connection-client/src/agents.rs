//! Agents: which connections they may use within which rules, and their tokens.

use connection_api::{
    Agent, AgentGrant, Explanation, GrantPreview, IssuedAgentToken, LearnedRules, NewAgent, NewAgentGrant,
    NewAgentToken, Page, RemovedAgent, SendRequest, ShownAgent, Withdrawal,
};

use crate::{Client, Error};

impl Client {
    /// Returns the agents with their grants, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn agents(&self) -> Result<Vec<Agent>, Error> {
        self.get(&["agents"]).answer().await.map(|page: Page<Agent>| page.items)
    }

    /// Returns an agent with its grants and its tokens.
    ///
    /// # Errors
    ///
    /// As [`agents`](Self::agents); with the code `unknown_agent` if there is none.
    pub async fn agent(&self, name: &str) -> Result<ShownAgent, Error> {
        self.get(&["agents", name]).answer().await
    }

    /// Creates an agent, which has neither a grant nor a token.
    ///
    /// # Errors
    ///
    /// As [`agents`](Self::agents); with the code `agent_exists` if there is one of that name, and `invalid_agent_name`
    /// for a name that no agent may have.
    pub async fn create_agent(&self, name: &str) -> Result<Agent, Error> {
        self.post(&["agents"]).body(&NewAgent { name: name.to_owned() }, 0).answer().await
    }

    /// Removes an agent with its grants and tokens. Connections stay.
    ///
    /// # Errors
    ///
    /// As [`agent`](Self::agent).
    pub async fn remove_agent(&self, name: &str) -> Result<RemovedAgent, Error> {
        self.delete(&["agents", name]).answer().await
    }

    /// Returns what a grant would permit, and how it differs from the grant that is in force. Nothing is changed.
    ///
    /// # Errors
    ///
    /// As [`grant_agent`](Self::grant_agent).
    pub async fn preview_agent_grant(
        &self,
        agent: &str,
        connection: &str,
        new: &NewAgentGrant,
    ) -> Result<GrantPreview, Error> {
        self.post(&["agents", agent, "grants", connection, "preview"]).body(new, 0).answer().await
    }

    /// Returns what the rules of the grant in force decide about a request, and why. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As [`agent`](Self::agent), and those of [`connection`](Self::connection); with the code `not_granted` without a
    /// grant in force.
    pub async fn explain_agent_request(
        &self,
        agent: &str,
        connection: &str,
        request: &SendRequest,
    ) -> Result<Explanation, Error> {
        self.post(&["agents", agent, "grants", connection, "explain"]).body(request, 0).answer().await
    }

    /// Returns the narrowest rules that cover what the record shows of an agent. Nothing is changed. `since` is a time
    /// (RFC 3339); `refused` also covers requests that were denied because no rule is about them.
    ///
    /// # Errors
    ///
    /// As [`explain_agent_request`](Self::explain_agent_request).
    pub async fn learned_rules(
        &self,
        agent: &str,
        connection: &str,
        since: Option<&str>,
        refused: bool,
    ) -> Result<LearnedRules, Error> {
        let path = ["agents", agent, "grants", connection, "learned"];
        self.get(&path).query("since", since).query("refused", refused.then_some(true)).answer().await
    }

    /// Lets an agent use a connection within rules, in place of the grant that it has for the connection.
    ///
    /// # Errors
    ///
    /// As [`agent`](Self::agent), and those of [`connection`](Self::connection); with the codes `invalid_rules`,
    /// `unknown_preset` and `invalid_expiry` for a grant that cannot be made.
    pub async fn grant_agent(&self, agent: &str, connection: &str, new: &NewAgentGrant) -> Result<AgentGrant, Error> {
        self.put(&["agents", agent, "grants", connection]).body(new, 0).answer().await
    }

    /// Takes a connection away from an agent. Revoking it again changes nothing. The answer names the processes of the
    /// server's store of which it is not known that they no longer use it.
    ///
    /// # Errors
    ///
    /// As [`agent`](Self::agent), and those of [`connection`](Self::connection).
    pub async fn revoke_agent_grant(&self, agent: &str, connection: &str) -> Result<Withdrawal, Error> {
        self.delete(&["agents", agent, "grants", connection]).withdrawal().await
    }

    /// Makes a token for an agent, whose text is in the answer and nowhere else.
    ///
    /// # Errors
    ///
    /// As [`agent`](Self::agent); with the code `invalid_expiry` for a lifetime that is not valid.
    pub async fn create_agent_token(&self, agent: &str, new: &NewAgentToken) -> Result<IssuedAgentToken, Error> {
        self.post(&["agents", agent, "tokens"]).body(new, 0).answer().await
    }

    /// Revokes a token of an agent. Revoking it again changes nothing. The answer is as that of
    /// [`revoke_agent_grant`](Self::revoke_agent_grant).
    ///
    /// # Errors
    ///
    /// As [`agent`](Self::agent); with the code `token_not_found` if the agent has no such token.
    pub async fn revoke_agent_token(&self, agent: &str, id: &str) -> Result<Withdrawal, Error> {
        self.delete(&["agents", agent, "tokens", id]).withdrawal().await
    }
}
