//! Agents: programs without a manifest that a person lets use connections, within rules and until an end.
//!
//! An agent has an id that is never used again. Its tokens and its grants name the id, so that neither serves a later
//! agent with the same name. A request is decided by the grant that [`granted`](AgentCaller::granted) returns, which is
//! read together with the agent and the token.

mod agents;
mod caller;
mod client;
mod grants;
mod kept;
mod tokens;

use std::{fmt, sync::Arc};

use connection_contract::Timestamp;

use crate::{
    AgentError, AgentId, Error,
    ground::{Ground, OwnedScope},
    guard,
    store::{StoreError, Tx, rows::AgentRow},
};

pub use agents::Agents;
pub use caller::{AgentCaller, Permit};
pub use client::{AdmitClient, AdmittedClient, SignedIn};
pub use grants::{AgentGrant, GrantAgent};
pub use tokens::NewAgentToken;

pub(crate) use kept::KeptCallers;

/// The handle of one agent of one owner. A clone is another handle of the same agent.
///
/// ```
/// use std::time::Duration;
///
/// use connection_core::{Audience, ConnectionId, ConnectionRegistry, Error, IssuedToken, NewAgentToken};
///
/// /// Creates an agent that asks before each reading request for eight hours.
/// async fn admit(registry: &ConnectionRegistry, connection: ConnectionId) -> Result<IssuedToken, Error> {
///     let agent = registry.agents().create("nightly-report").await?;
///     agent.grant(connection).expires(Duration::from_secs(8 * 3600)).await?;
///     agent.new_token(NewAgentToken::new("on the build server", Audience::Doors)).await
/// }
/// ```
#[derive(Clone)]
pub struct Agent {
    scope: OwnedScope<Ground>,
    id: AgentId,
    name: Arc<str>,
    made_at: Timestamp,
    /// The client for which the agent was created, as its row has it.
    client: Option<Arc<str>>,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({}, {})", self.name, self.id)
    }
}

impl Agent {
    fn of(scope: OwnedScope<Ground>, row: AgentRow) -> Self {
        let made_at = Timestamp::from_seconds(row.made_at);
        Self { scope, id: row.id, name: row.name.into(), made_at, client: row.client.map(Arc::from) }
    }

    /// Returns the id, which no other agent has had.
    pub fn id(&self) -> AgentId {
        self.id
    }

    /// Returns the name, which is unique among the agents of the owner.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the owner.
    pub fn owner_name(&self) -> &str {
        &self.scope.owner
    }

    /// Returns the time at which the agent was created.
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    fn unknown(&self) -> Error {
        AgentError::Unknown(self.name.to_string().into()).into()
    }

    /// Returns an error unless the agent exists and its row is as this program wrote it.
    fn check(&self, row: Option<&AgentRow>) -> Result<(), Error> {
        let row = row.filter(|row| row.owner == *self.scope.owner).ok_or_else(|| self.unknown())?;
        guard::check(&self.scope.system.sealer, row)?;
        if row.removed_at.is_some() { Err(self.unknown()) } else { Ok(()) }
    }

    /// Checks the agent in a transaction, which holds the owner's lock.
    async fn checked(&self, tx: &mut Tx) -> Result<Result<(), Error>, StoreError> {
        Ok(self.check(tx.agent(self.id).await?.as_ref()))
    }
}
