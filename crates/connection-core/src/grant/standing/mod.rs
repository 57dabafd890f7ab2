//! Whether an agent may still use a connection as it was decided.

use connection_contract::encode;

use crate::{
    AgentId, ConnectionId,
    approval::Facts,
    event,
    ground::Ground,
    guard::{self, RowError},
    store::{
        StoreError, Tx,
        rows::{AccountRow, AccountState, AgentGrantRow, AgentRow, ApprovalRow},
    },
};

/// The agent, the grant and the account with which a use of a connection was decided.
#[derive(Clone, Debug)]
pub(crate) struct AgentStanding {
    pub(crate) owner: String,
    pub(crate) agent: AgentId,
    pub(crate) connection: ConnectionId,
    /// The revision of the grant in its mark.
    pub(crate) revision: i64,
    /// The provider's id of the account.
    pub(crate) account_id: String,
    /// The digest of the kind's terms to which a person agreed, in hexadecimal.
    pub(crate) terms: Option<String>,
}

/// The reason why an agent may no longer use a connection as it was decided. A freeze is none of them, because it ends no
/// grant.
#[derive(Debug)]
pub(crate) enum Why {
    /// The agent was removed.
    AgentRemoved,
    /// The grant was revoked.
    GrantRevoked,
    /// The time of the grant has ended.
    GrantEnded,
    /// The connection was removed.
    ConnectionRemoved,
    /// The connection has another account.
    OtherAccount,
    /// A person agreed to other terms of the kind.
    OtherTerms,
    /// The grant was replaced. Everything else is as it was.
    GrantReplaced,
    /// The row of the agent, the grant or the connection was edited or restored outside of the program.
    Edited(RowError),
}

impl From<RowError> for Why {
    fn from(error: RowError) -> Self {
        Self::Edited(error)
    }
}

impl AgentStanding {
    /// Returns what the request of an approval was decided with, under the grant with this revision.
    pub(crate) fn of_approval(row: &ApprovalRow, facts: &Facts, revision: i64) -> Self {
        Self {
            owner: row.owner.clone(),
            agent: row.agent_id,
            connection: row.connection_id,
            revision,
            account_id: facts.account_id.clone(),
            terms: facts.terms.clone(),
        }
    }

    /// Returns the row of the connection, if the agent may use it as it was decided. The transaction holds the locks of
    /// the owner and the connection.
    pub(crate) async fn check(&self, tx: &mut Tx, ground: &Ground) -> Result<Result<AccountRow, Why>, StoreError> {
        let agent = tx.agent(self.agent).await?;
        let grant = tx.agent_grant(&self.owner, self.agent, self.connection).await?;
        let account = tx.account(self.connection).await?;
        let edited = match &account {
            Some(account) => event::refusal(tx, &ground.sealer, account).await?,
            None => None,
        };
        Ok(self.check_agent(ground, agent).and_then(|()| {
            let account =
                account.filter(|account| account.owner == self.owner && account.state == AccountState::Active);
            // The removal of a connection revokes its grants, too.
            let account = account.ok_or(Why::ConnectionRemoved)?;
            let grant = self.check_grant(ground, grant)?;
            self.check_account(&grant, account, edited)
        }))
    }

    fn check_agent(&self, ground: &Ground, agent: Option<AgentRow>) -> Result<(), Why> {
        let agent = agent.filter(|agent| agent.owner == self.owner && agent.removed_at.is_none());
        Ok(guard::check(&ground.sealer, &agent.ok_or(Why::AgentRemoved)?)?)
    }

    fn check_grant(&self, ground: &Ground, grant: Option<AgentGrantRow>) -> Result<AgentGrantRow, Why> {
        let grant = grant.filter(|grant| grant.revoked_at.is_none()).ok_or(Why::GrantRevoked)?;
        if grant.expires_at <= ground.clock.now().seconds() {
            return Err(Why::GrantEnded);
        }
        guard::check(&ground.sealer, &grant)?;
        Ok(grant)
    }

    fn check_account(
        &self,
        grant: &AgentGrantRow,
        account: AccountRow,
        edited: Option<RowError>,
    ) -> Result<AccountRow, Why> {
        if let Some(edited) = edited {
            return Err(edited.into());
        }
        let is_replaced = grant.marked.newest != Some(self.revision);
        // A change of the account ends the grants. Under the same grant, another id is a new name of the account.
        if is_replaced && account.account_id != self.account_id {
            return Err(Why::OtherAccount);
        }
        if account.terms.as_deref().map(encode::hex) != self.terms {
            return Err(Why::OtherTerms);
        }
        if is_replaced { Err(Why::GrantReplaced) } else { Ok(account) }
    }
}

#[cfg(test)]
pub(crate) mod tests;
