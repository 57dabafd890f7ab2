//! The grants of an agent: each names one connection, with rules and an end.

use std::{future::IntoFuture, time::Duration};

use connection_contract::{BoxFuture, Kind, Timestamp};
use connection_rules::{Budget, Rules};

use super::Agent;
use crate::{
    AgentError, AgentId, BudgetLeft, ConnectionId, Error, ExtensionError, InForce, Widening, Withdrawal,
    budget::Windows,
    event,
    grant::agent,
    ground::Ground,
    guard,
    store::{
        BudgetRow, Lock, StoreError, Tx,
        rows::{AgentGrantKey, AgentGrantRow, StoredMark, WideningRow},
    },
};

/// The time after which a grant ends for which no other one is stated.
pub(super) const USUAL_TIME: Duration = Duration::from_hours(24);
/// The longest time for which a grant may last.
pub(super) const MAX_TIME: Duration = Duration::from_hours(365 * 24);

/// The permission of an agent to use one connection within rules, as a person gave it.
///
/// ```
/// use connection_core::{Agent, AgentGrant, Error};
///
/// async fn what_it_may(agent: &Agent) -> Result<Vec<String>, Error> {
///     let describe = |grant: &AgentGrant| format!("{}: {}", grant.connection, grant.rules.words().join(", "));
///     Ok(agent.grants().await?.iter().filter(|grant| grant.revoked_at.is_none()).map(describe).collect())
/// }
/// # let _ = what_it_may;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentGrant {
    /// The agent that may use the connection.
    pub agent: AgentId,
    /// The connection that may be used.
    pub connection: ConnectionId,
    /// The rules about the requests of the agent, with their budget.
    pub rules: Rules,
    /// The time at which it was granted. The windows of the budget begin with it.
    pub created_at: Timestamp,
    /// The time at which the grant ends, unless it is revoked before.
    pub expires_at: Timestamp,
    /// The time at which it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// What was left of the budget when the grant was read. `None` without a budget, and in a
    /// [`Permit`](super::Permit).
    pub left: Option<BudgetLeft>,
    /// The widenings of the grant that have not ended. Empty in a [`Permit`](super::Permit).
    pub widened: Vec<Widening>,
    /// Whether the grant has replaced the former one in every process. Only giving it says so.
    pub in_force: InForce,
}

impl AgentGrant {
    /// Returns the grant in a row, without what is left of its budget; `None` for rules that this version does not
    /// know.
    pub(super) fn of(row: &AgentGrantRow) -> Option<Self> {
        Some(Self {
            agent: row.agent_id,
            connection: row.connection_id,
            rules: read_rules(&row.rules)?,
            created_at: Timestamp::from_seconds(row.created_at),
            expires_at: Timestamp::from_seconds(row.expires_at),
            revoked_at: row.revoked_at.map(Timestamp::from_seconds),
            left: None,
            widened: Vec::new(),
            in_force: InForce::default(),
        })
    }

    /// Adds what is left of the budget at this time.
    fn with_left(self, now: Timestamp, row: Option<&BudgetRow>) -> Self {
        let left = self.windows().map(|windows| windows.left(now, row));
        Self { left, ..self }
    }

    /// Sets what is left of the budget before the first request.
    fn whole(self) -> Self {
        Self { left: self.windows().map(Windows::whole), ..self }
    }

    /// Returns the windows of the budget.
    pub(super) fn windows(&self) -> Option<Windows> {
        self.budget().map(|budget| Windows::new(budget, self.created_at))
    }

    /// Returns the number of requests that the agent may send in a time, if it is limited.
    pub fn budget(&self) -> Option<Budget> {
        self.rules.budget()
    }

    /// Returns `true` if the grant is valid at this time.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

fn read_rules(text: &str) -> Option<Rules> {
    Rules::from_value(&serde_json::from_str(text).ok()?).ok()
}

/// A grant to be given, which is awaited. Without other rules, a person is asked about each `GET` and `HEAD`, and all
/// else is denied. Without another end, the grant ends as the rules say, or after 24 hours.
///
/// ```
/// use std::time::Duration;
///
/// use connection_core::{Agent, AgentGrant, ConnectionId, Error};
/// use connection_rules::Rules;
///
/// async fn let_read(agent: &Agent, connection: ConnectionId) -> Result<AgentGrant, Error> {
///     let rules = serde_json::json!({
///         "budget": { "requests": 100, "per": "1h" },
///         "rule": [{ "name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow" }],
///     });
///     let rules = Rules::from_value(&rules).expect("the rules are well formed");
///     agent.grant(connection).rules(rules).expires(Duration::from_secs(3600)).await
/// }
/// # let _ = let_read;
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is granted until it is awaited"]
pub struct GrantAgent {
    agent: Agent,
    connection: ConnectionId,
    rules: Rules,
    time: Option<Duration>,
}

impl GrantAgent {
    /// Sets the rules, with their budget.
    pub fn rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Sets the time after which the grant ends: 1 second to 365 days, in whole seconds.
    pub fn expires(self, time: Duration) -> Self {
        Self { time: Some(time), ..self }
    }

    /// Returns the grant as it would be if it were given now. Nothing is stored, and the connection is not looked up.
    ///
    /// # Errors
    ///
    /// [`AgentError::InvalidExpiry`].
    pub fn preview(&self) -> Result<AgentGrant, Error> {
        let row = self.row()?;
        AgentGrant::of(&row).map(AgentGrant::whole).ok_or_else(|| self.unreadable())
    }

    fn unreadable(&self) -> Error {
        let agent = self.agent.name.to_string().into();
        AgentError::UnreadableRules { agent, connection: self.connection }.into()
    }

    /// Returns the row of the grant, if it is given now.
    pub(super) fn row(&self) -> Result<AgentGrantRow, Error> {
        let time = self.time.or(self.rules.expires()).unwrap_or(USUAL_TIME);
        if time < Duration::from_secs(1) || time > MAX_TIME {
            return Err(AgentError::InvalidExpiry.into());
        }
        let now = self.agent.scope.system.clock.now().seconds();
        Ok(AgentGrantRow {
            owner: self.agent.scope.owner.to_string(),
            agent_id: self.agent.id,
            connection_id: self.connection,
            rules: self.rules.to_value().to_string(),
            created_at: now,
            expires_at: now.saturating_add_unsigned(time.as_secs()),
            revoked_at: None,
            marked: StoredMark::default(),
        })
    }

    async fn give(self) -> Result<AgentGrant, Error> {
        let row = self.row()?;
        let stored = row.clone();
        let by = self.agent.clone();
        let job = self.agent.scope.system.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&stored.owner)).await?;
                tx.lock(Lock::Connection(stored.connection_id)).await?;
                if let Some(error) = refusal(tx, &by, stored.connection_id).await? {
                    return Ok(Err(error));
                }
                let has_replaced = agent::give(tx, &by.scope.system, &stored, &by.name).await?;
                tx.made(&stored.connection_id.to_string()).await.map(|()| Ok(has_replaced))
            })
        });
        let has_replaced = job.await??;
        let given = AgentGrant::of(&row).map(AgentGrant::whole).ok_or_else(|| self.unreadable())?;
        Ok(match has_replaced {
            true => AgentGrant { in_force: self.agent.scope.system.freezes.in_force().await, ..given },
            false => given,
        })
    }
}

/// Returns why the agent cannot be granted the connection.
async fn refusal(tx: &mut Tx, agent: &Agent, connection: ConnectionId) -> Result<Option<Error>, StoreError> {
    match agent.checked(tx).await? {
        Ok(()) => refusal_of(tx, agent, connection).await,
        Err(error) => Ok(Some(error)),
    }
}

/// Returns why no agent of this owner can be granted the connection.
pub(super) async fn refusal_of(
    tx: &mut Tx,
    agent: &Agent,
    connection: ConnectionId,
) -> Result<Option<Error>, StoreError> {
    let account = tx.account(connection).await?.filter(|account| *account.owner == *agent.scope.owner);
    let kind = account.as_ref().and_then(|account| Kind::parse(&account.kind));
    let (Some(account), Some(kind)) = (account, kind) else { return Ok(Some(Error::NotFound(connection))) };
    if let Some(error) = ExtensionError::reserved(&kind, None) {
        return Ok(Some(error.into()));
    }
    Ok(event::refusal(tx, &agent.scope.system.sealer, &account).await?.map(Error::from))
}

impl IntoFuture for GrantAgent {
    type Output = Result<AgentGrant, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// Stores the grant. An existing grant of the agent for the connection is replaced: once this returns, no process
    /// decides by it, except for those that [`AgentGrant::in_force`] names.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the owner has no such connection; [`ExtensionError::Reserved`] for a connection that is
    /// for an extension alone; [`AgentError::InvalidExpiry`]; [`AgentError::Unknown`] if the agent was removed;
    /// [`Error::Row`] if the row of the agent or of the connection was edited; and the store's errors.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.give())
    }
}

impl Agent {
    /// Returns a grant of this connection to be given. Only the host gives one, after a person decided so.
    pub fn grant(&self, connection: ConnectionId) -> GrantAgent {
        GrantAgent { agent: self.clone(), connection, rules: Rules::ask(), time: None }
    }

    /// Revokes a grant. No further request is decided by it, in any process, once this returns; the result names the
    /// processes of which that is not known. A request that is being sent is cut.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the grant may have been revoked, and other processes learn of it within half a second.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn revoke(&self, connection: ConnectionId) -> BoxFuture<'_, Result<Withdrawal, Error>> {
        Box::pin(async move {
            let agent = self.clone();
            let job = self.scope.system.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&agent.scope.owner)).await?;
                    tx.lock(Lock::Connection(connection)).await?;
                    let grant = AgentGrantKey { owner: &agent.scope.owner, agent: agent.id, connection };
                    agent::take_back(tx, &agent.scope.system, grant, agent.name()).await
                })
            });
            let was_there = job.await?;
            Ok(self.scope.system.freezes.withdrawn(was_there).await)
        })
    }

    /// Returns the grants of the agent, including those that were revoked or have ended, by connection.
    ///
    /// A grant whose row was edited or restored outside of the program grants nothing and is left out;
    /// [`edited_rows`](crate::Events::edited_rows) names it. So is one with rules that this version cannot read.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn grants(&self) -> BoxFuture<'_, Result<Vec<AgentGrant>, Error>> {
        Box::pin(async move {
            let ground = &self.scope.system;
            let mut reader = ground.reader().await?;
            let rows = reader.agent_grants(&self.scope.owner, self.id).await?;
            let budgets = reader.budgets(&self.scope.owner, &self.id.grantee()).await?;
            let widenings = reader.widenings(&self.scope.owner).await?;
            Ok(listed(ground, &rows, &budgets, &widenings))
        })
    }
}

/// Returns the grants in rows that are as this program wrote them, each with what is left of its budget and what widens
/// it.
pub(super) fn listed(
    ground: &Ground,
    rows: &[AgentGrantRow],
    budgets: &[BudgetRow],
    widenings: &[WideningRow],
) -> Vec<AgentGrant> {
    let now = ground.clock.now();
    let of_row = |row: &AgentGrantRow| {
        guard::check(&ground.sealer, row).ok()?;
        let grantee = row.agent_id.grantee();
        let budget = budgets.iter().find(|budget| {
            (&budget.grantee, budget.connection_id) == (&grantee, row.connection_id)
                && Some(budget.revision) == row.marked.newest
        });
        let of_grant =
            widenings.iter().filter(|of| (of.agent_id, of.connection_id) == (row.agent_id, row.connection_id));
        let widened = of_grant.filter_map(|of| Widening::of(ground, of, row.marked.newest)).collect();
        Some(AgentGrant { widened, ..AgentGrant::of(row)?.with_left(now, budget) })
    };
    rows.iter().filter_map(of_row).collect()
}
