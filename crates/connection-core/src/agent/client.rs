//! The client of an agent: a program that signed in, to which a person gave an agent of its own.

use std::{future::IntoFuture, time::Duration};

use connection_contract::{BoxFuture, Timestamp};
use connection_rules::Rules;
use secrecy::SecretString;

use super::{
    Agent,
    agents::{is_name, name_refusal, new_row, remove},
    grants::{MAX_TIME, USUAL_TIME, refusal_of},
};
use crate::{
    AgentError, ClientProof, ConnectionId, Error, ModelClient,
    access_token::{ClientCode, client_text, read_client, renewal},
    event,
    grant::agent,
    ground::{Ground, OwnedScope},
    store::{
        Lock, StoreError, Tx,
        rows::{AgentGrantRow, AgentRow},
    },
};

/// The time for which the client of an agent gets tokens.
///
/// ```
/// use connection_core::{Agent, Error};
///
/// async fn sentence(agent: &Agent) -> Result<Option<String>, Error> {
///     let signed_in = agent.signed_in().await?;
///     Ok(agent.client().zip(signed_in).map(|(client, of)| format!("{} until {}", client.name, of.ends_at)))
/// }
/// # let _ = sentence;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedIn {
    /// The time at which the client got its last refresh token.
    pub renewed_at: Timestamp,
    /// The time at which its last token ends.
    pub ends_at: Timestamp,
}

/// The agent that was created for a client, and the code that the client exchanges for tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdmittedClient {
    /// The new agent.
    pub agent: Agent,
    /// The text of the code, which is accepted once within 60 seconds.
    pub code: SecretString,
}

/// An agent for a client, which is awaited. Without a grant, the agent can use no connection.
///
/// ```
/// use connection_core::{AdmittedClient, ModelClient, ClientProof, ConnectionId, ConnectionRegistry, Error};
/// use connection_rules::Rules;
///
/// async fn admit(registry: &ConnectionRegistry, connection: ConnectionId) -> Result<AdmittedClient, Error> {
///     let client = ModelClient::new("https://app.example/client.json", "Example", "app.example");
///     let proof = ClientProof { client: [1; 32], code: [2; 32] };
///     registry.agents().admit("example", client, proof).grant(connection, Rules::ask()).await
/// }
/// # let _ = admit;
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is created until it is awaited"]
pub struct AdmitClient {
    scope: OwnedScope<Ground>,
    name: String,
    client: ModelClient,
    proof: ClientProof,
    grants: Vec<(ConnectionId, Rules)>,
    time: Duration,
    replaces: Option<Agent>,
}

impl AdmitClient {
    pub(super) fn new(scope: OwnedScope<Ground>, name: &str, client: ModelClient, proof: ClientProof) -> Self {
        let name = name.to_owned();
        Self { scope, name, client, proof, grants: Vec::new(), time: USUAL_TIME, replaces: None }
    }

    /// Adds a grant. It ends with the client.
    pub fn grant(mut self, connection: ConnectionId, rules: Rules) -> Self {
        self.grants.push((connection, rules));
        self
    }

    /// Sets the time after which the client and its grants end: 1 second to 365 days, in whole seconds. It is 24 hours
    /// unless another one is set.
    pub fn expires(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// Removes a former agent, with its grants and its tokens, in the same transaction.
    pub fn replacing(self, agent: Agent) -> Self {
        Self { replaces: Some(agent), ..self }
    }

    async fn create(self) -> Result<AdmittedClient, Error> {
        let Self { scope, name, client, proof, grants, time, replaces } = self;
        if !is_name(&name) {
            return Err(AgentError::InvalidName.into());
        }
        if time < Duration::from_secs(1) || time > MAX_TIME {
            return Err(AgentError::InvalidExpiry.into());
        }
        let ground = scope.system.clone();
        let row = AgentRow { client: client_text(&client), ..new_row(&ground, &scope.owner, &name) };
        let created = Agent::of(scope, row.clone());
        let given =
            grants.into_iter().map(|(connection, rules)| created.grant(connection).rules(rules).expires(time).row());
        let mut given = given.collect::<Result<Vec<AgentGrantRow>, Error>>()?;
        given.sort_by_key(|grant| grant.connection_id);
        given.dedup_by_key(|grant| grant.connection_id);
        let ends = ground.clock.now().after(time.as_secs());
        let code = ClientCode::new(&ground, &row.owner, row.id, &client, proof, ends)?;
        let new = created.clone();
        let job = created.scope.system.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&row.owner)).await?;
                if let Some(error) = refusal_to_admit(tx, &ground, &row, &new, &given, replaces.as_ref()).await? {
                    return Ok(Err(error));
                }
                // Nothing is refused from here on, so all of it is stored.
                let former = match &replaces {
                    Some(former) => tx.agent(former.id).await?.filter(|row| row.removed_at.is_none()),
                    None => None,
                };
                if let Some(former) = former {
                    remove(tx, &ground, former).await?;
                }
                agent::insert(tx, &ground.sealer, &row).await?;
                for grant in &given {
                    agent::write(tx, &ground, grant, &row.name, event::AGENT_GRANTED).await?;
                }
                let text = code.put(tx, &ground.sealer).await?;
                tx.made(&row.id.to_string()).await.map(|()| Ok(text))
            })
        });
        Ok(AdmittedClient { code: job.await??, agent: created })
    }
}

/// Returns why the client cannot be admitted, before anything is changed. Locks the connections.
async fn refusal_to_admit(
    tx: &mut Tx,
    ground: &Ground,
    row: &AgentRow,
    agent: &Agent,
    given: &[AgentGrantRow],
    former: Option<&Agent>,
) -> Result<Option<Error>, StoreError> {
    let mut connections: Vec<_> = given.iter().map(|grant| grant.connection_id).collect();
    if let Some(former) = former {
        if former.scope.owner != agent.scope.owner {
            return Ok(Some(former.unknown()));
        }
        match former.checked(tx).await? {
            // Somebody else has removed it.
            Ok(()) | Err(Error::Agent(AgentError::Unknown(_))) => {}
            Err(error) => return Ok(Some(error)),
        }
        connections.extend(tx.agent_grants(&row.owner, former.id).await?.iter().map(|grant| grant.connection_id));
    }
    // All transactions take the locks of several connections in the order of their ids.
    connections.sort_unstable();
    connections.dedup();
    for connection in connections {
        tx.lock(Lock::Connection(connection)).await?;
    }
    if let Some(error) = name_refusal(tx, ground, row, former.map(|former| former.id)).await? {
        return Ok(Some(error));
    }
    for grant in given {
        if let Some(error) = refusal_of(tx, agent, grant.connection_id).await? {
            return Ok(Some(error));
        }
    }
    Ok(None)
}

impl IntoFuture for AdmitClient {
    type Output = Result<AdmittedClient, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// Creates the agent with its grants and the code, in one transaction. If anything is refused, nothing is changed.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the agent may have been created, and nobody has its code.
    ///
    /// # Errors
    ///
    /// The errors of [`Agents::create`](super::Agents::create) and of [`GrantAgent`](super::GrantAgent);
    /// [`AgentError::Unknown`] for a former agent of another owner; [`Error::AccessToken`] for a name of the client that is
    /// empty or too long.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.create())
    }
}

impl Agent {
    /// Returns the client for which the agent was created; `None` for an agent that a person created otherwise.
    pub fn client(&self) -> Option<ModelClient> {
        read_client(self.client.as_deref()?)
    }

    /// Returns the time for which the client of the agent gets tokens; `None` if it has not exchanged its code, or must sign
    /// in again.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn signed_in(&self) -> BoxFuture<'_, Result<Option<SignedIn>, Error>> {
        Box::pin(async move {
            let rows = self.scope.system.reader().await?.agent_tokens(self.id).await?;
            let found = renewal(&self.scope.system, &rows);
            Ok(found.map(|(renewed_at, ends_at)| SignedIn { renewed_at, ends_at }))
        })
    }
}
