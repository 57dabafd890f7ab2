//! The agents of an owner: a person creates, lists and removes them.

use connection_contract::BoxFuture;

use super::{AdmitClient, Agent, AgentGrant, grants};
use crate::{
    AgentError, AgentId, ClientProof, Error, ModelClient,
    access_token::revoke_of_agent,
    grant::agent,
    ground::{Ground, Scope},
    store::{
        Lock, StoreError, Tx,
        rows::{AgentGrantKey, AgentRow, Marked},
    },
};

/// The maximum number of characters in a name.
const MAX_NAME: usize = 64;

/// The agents of one owner. Only the host calls these methods, after a person decided so.
///
/// ```
/// use connection_core::{ConnectionRegistry, Error};
///
/// async fn replace(registry: &ConnectionRegistry) -> Result<(), Error> {
///     let former = registry.agents().create("deploy").await?;
///     assert!(registry.agents().remove("deploy").await?);
///     // The tokens and grants of the former agent do not serve the new one.
///     let agent = registry.agents().create("deploy").await?;
///     assert_ne!(agent.id(), former.id());
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Agents<'a> {
    scope: Scope<'a, Ground>,
}

impl<'a> Agents<'a> {
    pub(crate) fn new(scope: Scope<'a, Ground>) -> Self {
        Self { scope }
    }

    /// Creates an agent. It has neither a grant nor a token. The name has 1 to 64 of the characters `a-z`, `0-9` and
    /// `-`.
    ///
    /// # Errors
    ///
    /// [`AgentError::InvalidName`]; [`AgentError::Exists`] if an agent of the owner has the name, or [`Error::Row`] if
    /// the row of that agent was edited; and the store's errors.
    pub fn create(self, name: &'a str) -> BoxFuture<'a, Result<Agent, Error>> {
        Box::pin(async move {
            if !is_name(name) {
                return Err(AgentError::InvalidName.into());
            }
            let ground = self.scope.system.clone();
            let row = new_row(&ground, self.scope.owner, name);
            let new = row.clone();
            let job = self.scope.system.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&new.owner)).await?;
                    if let Some(error) = name_refusal(tx, &ground, &new, None).await? {
                        return Ok(Err(error));
                    }
                    agent::insert(tx, &ground.sealer, &new).await?;
                    tx.made(&new.id.to_string()).await.map(Ok)
                })
            });
            job.await??;
            Ok(Agent::of(self.scope.owned(), row))
        })
    }

    /// Returns an agent to be created for a client, which gets its tokens for a code. Only the host awaits it, after a
    /// person decided so. The name is as in [`create`](Self::create).
    pub fn admit(self, name: &str, client: ModelClient, proof: ClientProof) -> AdmitClient {
        AdmitClient::new(self.scope.owned(), name, client, proof)
    }

    /// Returns the newest agent that was created for a client with this id and was not removed, whether or not the client
    /// can still get a token.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn of_client(self, id: &'a str) -> BoxFuture<'a, Result<Option<Agent>, Error>> {
        Box::pin(async move {
            let agents = self.list().await?.into_iter();
            let of_client = agents.filter(|agent| agent.client().is_some_and(|client| client.id == id));
            Ok(of_client.max_by_key(|agent| (agent.made_at(), agent.id())))
        })
    }

    /// Returns the agents, by name. An agent whose row was edited or restored outside of the program is left out;
    /// [`edited_rows`](crate::Events::edited_rows) names it.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn list(self) -> BoxFuture<'a, Result<Vec<Agent>, Error>> {
        Box::pin(async move {
            let mut rows = self.scope.system.reader().await?.agents(self.scope.owner).await?;
            rows.retain(|row| agent::check(&self.scope.system.sealer, row).is_ok());
            Ok(rows.into_iter().map(|row| Agent::of(self.scope.owned(), row)).collect())
        })
    }

    /// Returns the grants of all agents of the owner, by agent and connection, with those that were revoked or have
    /// ended, and with those of removed agents.
    ///
    /// As in [`Agent::grants`], a grant whose row was edited or restored is left out, and one with rules that this
    /// version cannot read, too.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn grants(self) -> BoxFuture<'a, Result<Vec<AgentGrant>, Error>> {
        Box::pin(async move {
            let mut reader = self.scope.system.reader().await?;
            let rows = reader.every_agent_grant(self.scope.owner).await?;
            let budgets = reader.every_budget(self.scope.owner).await?;
            let widenings = reader.widenings(self.scope.owner).await?;
            Ok(grants::listed(self.scope.system, &rows, &budgets, &widenings))
        })
    }

    /// Returns the agent with this name.
    ///
    /// # Errors
    ///
    /// [`AgentError::Unknown`], [`Error::Row`] if its row was edited or restored, and the store's errors.
    pub fn get(self, name: &'a str) -> BoxFuture<'a, Result<Agent, Error>> {
        Box::pin(async move {
            let rows = match is_name(name) {
                true => self.scope.system.reader().await?.agents_named(self.scope.owner, name).await?,
                // No agent has such a name, and not every database accepts it in a query.
                false => Vec::new(),
            };
            let row = rows.into_iter().find(|row| row.removed_at.is_none());
            let row = row.ok_or_else(|| Error::from(AgentError::Unknown(name.to_owned().into())))?;
            agent::check(&self.scope.system.sealer, &row)?;
            Ok(Agent::of(self.scope.owned(), row))
        })
    }

    /// Returns the agent with this id.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    pub(crate) async fn with_id(self, id: AgentId) -> Result<Agent, Error> {
        let row = self.scope.system.reader().await?.agent(id).await?;
        let row = row.filter(|row| row.owner == self.scope.owner && row.removed_at.is_none());
        let row = row.ok_or_else(|| Error::from(AgentError::Unknown(id.to_string().into())))?;
        agent::check(&self.scope.system.sealer, &row)?;
        Ok(Agent::of(self.scope.owned(), row))
    }

    /// Removes an agent and returns whether there was one. In one transaction, its grants and its tokens are revoked.
    ///
    /// An agent whose row was edited is removed, too.
    ///
    /// # Errors
    ///
    /// The store's errors. Nothing was changed.
    pub fn remove(self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            if !is_name(name) {
                return Ok(false);
            }
            let ground = self.scope.system.clone();
            let owner = self.scope.owner.to_owned();
            let name = name.to_owned();
            let job = self.scope.system.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&owner)).await?;
                    let mut rows = tx.agents_named(&owner, &name).await?;
                    // A row that somebody marked as removed by hand still has its grants and its tokens.
                    rows.retain(|row| row.removed_at.is_none() || agent::check(&ground.sealer, row).is_err());
                    let was_there = !rows.is_empty();
                    for row in rows {
                        remove(tx, &ground, row).await?;
                    }
                    Ok(was_there)
                })
            });
            Ok(job.await?)
        })
    }
}

/// Returns the row of an agent that is to be inserted.
pub(super) fn new_row(ground: &Ground, owner: &str, name: &str) -> AgentRow {
    AgentRow {
        id: ground.ids.next().into(),
        owner: owner.to_owned(),
        name: name.to_owned(),
        made_at: ground.clock.now().seconds(),
        removed_at: None,
        client: None,
        marked: Marked::default(),
    }
}

/// Returns why an agent cannot have its name: another one has it, apart from `former`, which is to be removed. The
/// transaction holds the owner's lock.
pub(super) async fn name_refusal(
    tx: &mut Tx,
    ground: &Ground,
    new: &AgentRow,
    former: Option<AgentId>,
) -> Result<Option<Error>, StoreError> {
    let known = tx.agents_named(&new.owner, &new.name).await?;
    let taken = known.iter().find(|known| known.removed_at.is_none() && Some(known.id) != former);
    Ok(taken.map(|known| match agent::check(&ground.sealer, known) {
        Ok(()) => AgentError::Exists(new.name.clone().into()).into(),
        Err(edited) => edited.into(),
    }))
}

/// Revokes what an agent has, and marks it as removed.
pub(super) async fn remove(tx: &mut Tx, ground: &Ground, row: AgentRow) -> Result<(), StoreError> {
    let grants = tx.agent_grants(&row.owner, row.id).await?;
    for connection in grants.iter().filter(|grant| grant.revoked_at.is_none()).map(|grant| grant.connection_id) {
        tx.lock(Lock::Connection(connection)).await?;
        let grant = AgentGrantKey { owner: &row.owner, agent: row.id, connection };
        agent::take_back(tx, ground, grant, &row.name).await?;
    }
    let now = ground.clock.now().seconds();
    revoke_of_agent(tx, &ground.sealer, row.id, now).await?;
    agent::remove(tx, &ground.sealer, row, now).await
}

pub(super) fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
}
