//! An agent that sent its token, and the permit by which each of its requests is decided.

use std::sync::Arc;

use connection_contract::{BoxFuture, Timestamp};
use connection_egress::Moment;
use connection_rules::{Decision, Request, Rules};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Agent, AgentGrant, KeptCallers};
use crate::{
    AccessToken, AgentError, Audience, ConnectionId, Door, Error, Grantee, RuleError,
    access_token::{accepted_of_agent, find_of_agent, token_hash},
    budget::Taken,
    frozen::{Permitted, Used, User},
    grant::agent,
    ground::{Ground, OwnedScope},
    guard,
    store::{
        Counted,
        rows::{AgentRow, AgentUseRow, GrantedAgentRow},
    },
    uses::UsedBy,
};

/// The permit to decide about requests of an agent through one connection. It was valid less than half a second before
/// it was returned, and a door asks for another one for each request.
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
    agent: Agent,
    granted: Arc<Granted>,
}

/// A grant in force, as it was read.
#[derive(Debug)]
pub(super) struct Granted {
    grant: AgentGrant,
    counted: Option<Counted>,
    permitted: Option<Permitted>,
}

impl Permit {
    /// Decides about a request. The first rule that matches decides, and a request that no rule matches is denied.
    pub fn decide<'a>(&'a self, request: &'a Request) -> Decision<'a> {
        self.granted.grant.rules.decide(request)
    }

    /// Takes one request from the budget, before it is sent. Without a budget, this does nothing.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, one request may have been taken.
    ///
    /// # Errors
    ///
    /// [`RuleError::BudgetSpent`] if nothing is left in this window, or if the grant was replaced meanwhile; and the
    /// store's errors. Nothing was taken.
    pub fn take(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let Granted { grant, counted: Some(counted), .. } = &*self.granted else { return Ok(()) };
            let Some(windows) = grant.windows() else { return Ok(()) };
            let ground = &self.agent.scope.system;
            match ground.budgets.take(counted.clone(), windows).await? {
                Taken::Yes => Ok(()),
                Taken::Spent(until) => {
                    let (grantee, connection) = (self.agent.name.to_string().into(), grant.connection);
                    Err(RuleError::BudgetSpent { grantee, connection, until }.into())
                }
            }
        })
    }

    /// Returns the agent that has the grant.
    pub(crate) fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Returns the revision of the grant in its mark. There is no permit by a grant without a mark.
    pub(crate) fn revision(&self) -> i64 {
        self.granted.counted.as_ref().map(|counted| counted.revision).unwrap_or_default()
    }

    /// Returns the rows on which a use with this permit depends.
    pub(crate) fn permitted(&self) -> Option<&Permitted> {
        self.granted.permitted.as_ref()
    }

    /// Returns the grant, with its rules, its budget and its end.
    pub fn grant(&self) -> &AgentGrant {
        &self.granted.grant
    }

    /// Returns the rules, which also say whether the body of a request must be read.
    pub fn rules(&self) -> &Rules {
        &self.granted.grant.rules
    }

    /// Returns the time at which the grant ends.
    pub fn expires_at(&self) -> Timestamp {
        self.granted.grant.expires_at
    }
}

/// An agent whose token was accepted, or that a host has authenticated by itself ([`Agent::caller`]).
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
    door: Door,
    /// `None` for an agent that a host has authenticated by itself.
    token: Option<(AccessToken, Arc<KeptCallers>)>,
}

impl AgentCaller {
    /// Finds the agent whose token has this text.
    pub(crate) fn authenticated<'a>(
        ground: &'a Arc<Ground>,
        kept: &'a Arc<KeptCallers>,
        text: &'a SecretString,
        audience: Audience,
    ) -> BoxFuture<'a, Result<Option<Self>, Error>> {
        Box::pin(async move {
            let Some(hash) = token_hash(ground, text) else { return Ok(None) };
            let now = Moment::of(&*ground.clock);
            let found = match kept.token(hash, audience, now) {
                Some(found) => Some(found).filter(|found| found.0.is_live(ground.clock.now())),
                None => {
                    let stamp = kept.begin_read(now);
                    let found = found(ground, &hash, audience).await?.map(Arc::new);
                    found.inspect(|found| kept.keep_token(stamp, hash, audience, found))
                }
            };
            let (door, kept) = (ground.recorder.by.door, kept.clone());
            Ok(found.map(|found| Self { agent: found.1.clone(), door, token: Some((found.0.clone(), kept)) }))
        })
    }

    /// Returns the caller with the door through which its requests arrive, for the record of use.
    #[must_use]
    pub fn through(self, door: Door) -> Self {
        Self { door, ..self }
    }

    /// Returns who uses a connection, for the record of use.
    pub(crate) fn used_by(&self) -> UsedBy {
        UsedBy {
            grantee: Some(Grantee::Agent(self.agent.id)),
            agent: Some(self.agent.name.to_string()),
            token: self.token().map(|token| token.id),
            door: self.door,
            ..UsedBy::default()
        }
    }

    /// Returns the agent.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Returns the token; `None` for an agent that a host has authenticated by itself.
    pub fn token(&self) -> Option<&AccessToken> {
        self.token.as_ref().map(|(token, _)| token)
    }

    /// Checks that the agent may act at all. A door calls this for each request that uses no connection, as
    /// [`granted`](Self::granted) says the same for one that does.
    ///
    /// # Errors
    ///
    /// [`AgentError::TokenEnded`]; [`AgentError::Unknown`] if the agent was removed; [`Error::Row`] if one of the rows was
    /// edited or restored; [`Error::Frozen`] if the agent, its owner or everything is frozen; and the store's errors.
    pub fn check(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            // No connection has this id, so there is no grant either.
            let connection = ConnectionId::from(Uuid::nil());
            match self.granted(connection).await {
                Ok(_) | Err(Error::Agent(AgentError::NotGranted { .. })) => {}
                Err(error) => return Err(error),
            }
            let used = Used { connection, owner: &self.agent.scope.owner, kind: None, agent: Some(self.agent.id) };
            Ok(self.agent.scope.system.freezes.check(used, User::Agent(self.agent.id)).await?)
        })
    }

    /// Returns the permit to use a connection. Token, agent and grant are read together, unless this process has read
    /// them less than half a second ago and has changed none of them since. Without a token, agent and grant are read each
    /// time.
    ///
    /// # Errors
    ///
    /// [`AgentError::TokenEnded`]; [`AgentError::Unknown`] if the agent was removed; [`AgentError::NotGranted`], also
    /// for a connection that the owner does not have; [`AgentError::GrantEnded`]; [`Error::Row`] if one of the rows was
    /// edited or restored; [`AgentError::UnreadableRules`]; [`Error::Frozen`] for an agent or a connection that is frozen;
    /// and the store's errors.
    pub fn granted(&self, connection: ConnectionId) -> BoxFuture<'_, Result<Permit, Error>> {
        Box::pin(async move {
            let Some((token, kept)) = &self.token else { return self.agent.granted(connection).await };
            let ground = &self.agent.scope.system;
            let (of, now) = ((token.id, connection), Moment::of(&*ground.clock));
            let ended = || Error::from(AgentError::TokenEnded(self.agent.name.to_string().into()));
            if let Some(granted) = kept.grant(of, now) {
                if !token.is_live(ground.clock.now()) {
                    return Err(ended());
                }
                return self.agent.permit(granted).await;
            }
            let (begun, stamp) = (kept.begin_read(now), ground.freezes.begin_read(None));
            let found = ground.reader().await?.agent_use(token.id, connection).await?;
            let AgentUseRow { token: row, agent, granted, freeze } = found.ok_or_else(ended)?;
            let (marked, until) = (row.marked.clone(), row.expires_at);
            let accepted = accepted_of_agent(ground, row).ok_or_else(ended)?;
            if accepted.agent != Some(self.agent.id) || accepted.audience != token.audience {
                return Err(ended());
            }
            ground.freezes.saw(stamp, &freeze).await?;
            let mut granted = self.agent.in_force(&agent, granted, connection)?;
            granted.permitted = granted.permitted.map(|permitted| permitted.with_token(&marked, until).read_at(stamp));
            let granted = Arc::new(granted);
            kept.keep_grant(begun, of, &granted);
            self.agent.permit(granted).await
        })
    }
}

/// Reads the token with this hash, and its agent.
async fn found(
    ground: &Arc<Ground>,
    hash: &[u8; 32],
    audience: Audience,
) -> Result<Option<(AccessToken, Agent)>, Error> {
    let Some(token) = find_of_agent(ground, hash, audience).await? else { return Ok(None) };
    let (Some(id), Some(owner)) = (token.agent, token.owner.as_deref()) else { return Ok(None) };
    let Some(row) = ground.reader().await?.agent(id).await? else { return Ok(None) };
    let agent = Agent::of(OwnedScope { system: ground.clone(), owner: owner.into() }, row.clone());
    let checked = agent.check(Some(&row));
    let checked = checked.inspect_err(|error| tracing::warn!(%error, "the token of an agent is not accepted"));
    Ok(checked.is_ok().then_some((token, agent)))
}

impl Agent {
    /// Returns the agent as one whose requests arrive through this door, for a host that has authenticated it by itself.
    pub fn caller(&self, door: Door) -> AgentCaller {
        AgentCaller { agent: self.clone(), door, token: None }
    }

    /// Returns the permit to use a connection, for a host that has authenticated the agent by itself.
    ///
    /// # Errors
    ///
    /// The errors of [`AgentCaller::granted`], except for that of the token.
    pub fn granted(&self, connection: ConnectionId) -> BoxFuture<'_, Result<Permit, Error>> {
        Box::pin(async move {
            let freezes = &self.scope.system.freezes;
            let stamp = freezes.begin_read(None);
            let found = self.scope.system.reader().await?.agent_with_grant(self.id, connection).await?;
            let (row, granted, freeze) = found.ok_or_else(|| self.unknown())?;
            freezes.saw(stamp, &freeze).await?;
            let mut granted = self.in_force(&row, granted, connection)?;
            granted.permitted = granted.permitted.map(|permitted| permitted.read_at(stamp));
            self.permit(granted.into()).await
        })
    }

    /// Returns the grant in rows that were read together.
    fn in_force(&self, row: &AgentRow, granted: GrantedAgentRow, connection: ConnectionId) -> Result<Granted, Error> {
        self.check(Some(row))?;
        let name = || self.name.to_string().into();
        let grant = granted.grant(row, connection).filter(|grant| grant.revoked_at.is_none());
        let grant = grant.ok_or_else(|| AgentError::NotGranted { agent: name(), connection })?;
        guard::check(&self.scope.system.sealer, &grant)?;
        let counted = agent::counted(&grant, &grant.marked);
        let (marked, ends_at) = (&grant.marked, grant.expires_at);
        let permitted = Permitted::by_grant(&self.name, &self.scope.owner, connection, marked, ends_at);
        let grant = AgentGrant::of(&grant).ok_or_else(|| AgentError::UnreadableRules { agent: name(), connection })?;
        Ok(Granted { grant, counted, permitted })
    }

    /// Returns the permit by a grant, if the grant has not ended and neither the agent nor the connection is frozen.
    async fn permit(&self, granted: Arc<Granted>) -> Result<Permit, Error> {
        let connection = granted.grant.connection;
        if !granted.grant.is_live(self.scope.system.clock.now()) {
            return Err(AgentError::GrantEnded { agent: self.name.to_string().into(), connection }.into());
        }
        // The kind is compared when the credential is attached.
        let used = Used { connection, owner: &self.scope.owner, kind: None, agent: Some(self.id) };
        self.scope.system.freezes.check(used, User::Agent(self.id)).await?;
        Ok(Permit { agent: self.clone(), granted })
    }
}
