//! The agents of an owner: a person creates, lists and removes them.

use connection_contract::BoxFuture;

use super::{AdmitClient, Agent, AgentGrant, grants};
use crate::{
    AgentError, AgentId, ClientProof, Cursor, Error, Fields, ModelClient, Page, Withdrawal,
    access_token::revoke_of_agent,
    grant::agent,
    ground::{Ground, Scope},
    guard,
    page::one_more,
    store::{
        Lock, StoreError, Tx,
        rows::{AgentGrantKey, AgentRow, StoredMark},
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
///     assert!(registry.agents().remove("deploy").await?.was_there);
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

    /// Returns all agents, as [`page`](Self::page) does.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn list(self) -> BoxFuture<'a, Result<Vec<Agent>, Error>> {
        Box::pin(async move { Ok(self.page(None, None).await?.items) })
    }

    /// Returns a page of the agents, by name. An agent whose row was edited or restored outside of the program is left
    /// out; [`edited_rows`](crate::Events::edited_rows) names it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the store's errors.
    pub fn page(self, after: Option<Cursor>, limit: Option<u32>) -> BoxFuture<'a, Result<Page<Agent>, Error>> {
        Box::pin(async move {
            let after = after.as_ref().map(Cursor::position::<Fields<[String; 1]>>).transpose()?;
            let Fields([after]) = after.unwrap_or_default();
            let rows = self.scope.system.reader().await?.agents(self.scope.owner, &after, one_more(limit)).await?;
            let page = Page::of(rows, limit, |row| Fields([row.name.clone()]));
            let is_ours = |row: &AgentRow| guard::check(&self.scope.system.sealer, row).is_ok();
            Ok(page.filter_map(|row| is_ours(&row).then(|| Agent::of(self.scope.owned(), row))))
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

    /// Returns the grants of these agents as [`grants`](Self::grants) does, if the agents follow each other in the
    /// [list](Self::page).
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn grants_of(self, agents: &'a [Agent]) -> BoxFuture<'a, Result<Vec<AgentGrant>, Error>> {
        Box::pin(async move {
            let ([first, .., last] | [first @ last]) = agents else { return Ok(Vec::new()) };
            let (first, last) = (first.name(), last.name());
            let mut reader = self.scope.system.reader().await?;
            let mut rows = reader.agent_grants_within(self.scope.owner, first, last).await?;
            rows.sort_unstable_by_key(|row| (row.agent_id, row.connection_id));
            let grantees = agents.iter().map(|agent| agent.id().grantee()).collect();
            let budgets = reader.budgets_of(self.scope.owner, &grantees).await?;
            let mut widenings = reader.widenings_within(self.scope.owner, first, last).await?;
            widenings.sort_unstable_by(|one, other| one.matched.cmp(&other.matched));
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
            guard::check(&self.scope.system.sealer, &row)?;
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
        guard::check(&self.scope.system.sealer, &row)?;
        Ok(Agent::of(self.scope.owned(), row))
    }

    /// Removes an agent. In one transaction, its grants and its tokens are revoked. Once this returns, the agent uses no
    /// connection in any process, except for those that the result names.
    ///
    /// An agent whose row was edited is removed, too.
    ///
    /// # Errors
    ///
    /// The store's errors. Nothing was changed.
    pub fn remove(self, name: &'a str) -> BoxFuture<'a, Result<Withdrawal, Error>> {
        Box::pin(async move {
            if !is_name(name) {
                return Ok(self.scope.system.freezes.withdrawn(false).await);
            }
            let ground = self.scope.system.clone();
            let owner = self.scope.owner.to_owned();
            let name = name.to_owned();
            let job = self.scope.system.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&owner)).await?;
                    let mut rows = tx.agents_named(&owner, &name).await?;
                    // A row that somebody marked as removed by hand still has its grants and its tokens.
                    rows.retain(|row| row.removed_at.is_none() || guard::check(&ground.sealer, row).is_err());
                    let was_there = !rows.is_empty();
                    for row in rows {
                        remove(tx, &ground, row).await?;
                    }
                    Ok(was_there)
                })
            });
            let was_there = job.await?;
            Ok(self.scope.system.freezes.withdrawn(was_there).await)
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
        marked: StoredMark::default(),
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
    Ok(taken.map(|known| match guard::check(&ground.sealer, known) {
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
