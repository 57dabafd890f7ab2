//! Queries of `connection_agent` and `connection_agent_grant`, and of the tokens of agents.

use super::{
    Reader, StoreError, Tx,
    access_tokens::{token_columns, tokens},
    engine::{all, later, optional},
    freezes::freeze_columns,
    row_events::newest,
    rows::{AccessTokenRow, AgentGrantRow, AgentRow, AgentUseRow, FreezeSign, GrantedAgentRow},
    signals::Changed,
};
use crate::ids::{AccessTokenId, AgentId, ConnectionId};

/// The columns of an [`AgentRow`].
macro_rules! agent_columns {
    () => {
        concat!(
            "b.id, b.owner, b.name, b.made_at, b.removed_at, b.client, b.mark, ",
            newest!("b.owner", "b.mark"),
            " AS newest"
        )
    };
}

macro_rules! agents {
    ($rest:literal) => {
        concat!("SELECT ", agent_columns!(), " FROM connection_agent AS b WHERE ", $rest)
    };
}

macro_rules! grants {
    ($rest:literal) => {
        concat!(
            "SELECT g.owner, g.agent_id, g.connection_id, g.rules, g.created_at, g.expires_at, g.revoked_at, g.mark, ",
            newest!("g.owner", "g.mark"),
            " AS newest FROM connection_agent_grant AS g WHERE ",
            $rest
        )
    };
}

pub(super) const AGENTS: &str =
    agents!("b.owner = $1 AND b.removed_at IS NULL AND b.name > $2 ORDER BY b.name LIMIT $3");
pub(super) const GRANTS_WITHIN: &str = grants!(
    "g.owner = $1 AND g.agent_id IN (SELECT b.id FROM connection_agent AS b WHERE b.owner = $1 \
     AND b.removed_at IS NULL AND b.name >= $2 AND b.name <= $3)"
);

/// The columns of a [`GrantedAgentRow`].
macro_rules! granted_columns {
    () => {
        concat!(
            "g.rules, g.created_at, g.expires_at, g.revoked_at, g.mark, ",
            newest!("g.owner", "g.mark"),
            " AS newest"
        )
    };
}

/// The columns of a [`FreezeSign`](super::rows::FreezeSign), after others.
macro_rules! with_freeze {
    () => {
        concat!(", ", freeze_columns!())
    };
}

/// The grant of the agent `b` for the connection `$2`, if that is a connection of its owner.
macro_rules! granted {
    () => {
        " LEFT JOIN connection_account AS a ON a.id = $2 AND a.owner = b.owner \
         LEFT JOIN connection_agent_grant AS g ON g.owner = b.owner AND g.agent_id = b.id AND g.connection_id = a.id \
         LEFT JOIN connection_freeze AS z ON z.id = 1"
    };
}

impl Reader {
    /// Returns an agent, which may have been removed.
    pub(crate) async fn agent(&mut self, id: AgentId) -> Result<Option<AgentRow>, StoreError> {
        const SQL: &str = agents!("b.id = $1");
        optional!(self, AgentRow, SQL, id.as_uuid())
    }

    /// Returns the first agents of an owner after a name that were not removed, by name.
    pub(crate) async fn agents(&mut self, owner: &str, after: &str, limit: i64) -> Result<Vec<AgentRow>, StoreError> {
        all!(self, AgentRow, AGENTS, owner, after, limit)
    }

    /// Returns the agents of an owner, with those that were removed, by name.
    pub(crate) async fn every_agent(&mut self, owner: &str) -> Result<Vec<AgentRow>, StoreError> {
        const SQL: &str = agents!("b.owner = $1 ORDER BY b.name, b.id");
        all!(self, AgentRow, SQL, owner)
    }

    /// Returns the agents of an owner that have or had this name, in the order of their ids.
    pub(crate) async fn agents_named(&mut self, owner: &str, name: &str) -> Result<Vec<AgentRow>, StoreError> {
        const SQL: &str = agents!("b.owner = $1 AND b.name = $2 ORDER BY b.id");
        all!(self, AgentRow, SQL, owner, name)
    }

    /// Returns an agent, and its grant for a connection of its owner.
    pub(crate) async fn agent_with_grant(
        &mut self,
        id: AgentId,
        connection: ConnectionId,
    ) -> Result<Option<(AgentRow, GrantedAgentRow, FreezeSign)>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            agent_columns!(),
            ", ",
            granted_columns!(),
            with_freeze!(),
            " FROM connection_agent AS b",
            granted!(),
            " WHERE b.id = $1"
        );
        optional!(self, (AgentRow, GrantedAgentRow, FreezeSign), SQL, id.as_uuid(), connection.as_uuid())
    }

    /// Returns the token of an agent, with the agent and its grant for a connection of its owner.
    pub(crate) async fn agent_use(
        &mut self,
        token: AccessTokenId,
        connection: ConnectionId,
    ) -> Result<Option<AgentUseRow>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            token_columns!(),
            ", ",
            agent_columns!(),
            ", ",
            granted_columns!(),
            with_freeze!(),
            " FROM connection_access_token AS t JOIN connection_agent AS b ON b.id = t.agent_id AND b.owner = t.owner",
            granted!(),
            " WHERE t.id = $1"
        );
        optional!(self, AgentUseRow, SQL, token.as_uuid(), connection.as_uuid())
    }

    /// Returns the tokens of an agent, with those that have ended, in the order of their ids.
    pub(crate) async fn agent_tokens(&mut self, id: AgentId) -> Result<Vec<AccessTokenRow>, StoreError> {
        const SQL: &str = tokens!("t.agent_id = $1 ORDER BY t.id");
        all!(self, AccessTokenRow, SQL, id.as_uuid())
    }

    /// Returns a grant, even if it was revoked or has ended.
    pub(crate) async fn agent_grant(
        &mut self,
        owner: &str,
        id: AgentId,
        connection: ConnectionId,
    ) -> Result<Option<AgentGrantRow>, StoreError> {
        const SQL: &str = grants!("g.owner = $1 AND g.agent_id = $2 AND g.connection_id = $3");
        optional!(self, AgentGrantRow, SQL, owner, id.as_uuid(), connection.as_uuid())
    }

    /// Returns the grants of an agent, with those that were revoked or have ended, by connection.
    pub(crate) async fn agent_grants(&mut self, owner: &str, id: AgentId) -> Result<Vec<AgentGrantRow>, StoreError> {
        const SQL: &str = grants!("g.owner = $1 AND g.agent_id = $2 ORDER BY g.connection_id");
        all!(self, AgentGrantRow, SQL, owner, id.as_uuid())
    }

    /// Returns the grants of all agents of an owner, with those that were revoked or have ended.
    pub(crate) async fn every_agent_grant(&mut self, owner: &str) -> Result<Vec<AgentGrantRow>, StoreError> {
        const SQL: &str = grants!("g.owner = $1 ORDER BY g.agent_id, g.connection_id");
        all!(self, AgentGrantRow, SQL, owner)
    }

    /// Returns the grants of the agents whose names are from `first` to `last`, with those that were revoked or have ended,
    /// in any order.
    pub(crate) async fn agent_grants_within(
        &mut self,
        owner: &str,
        first: &str,
        last: &str,
    ) -> Result<Vec<AgentGrantRow>, StoreError> {
        all!(self, AgentGrantRow, GRANTS_WITHIN, owner, first, last)
    }

    /// Returns the grants of a connection that were not revoked, by agent. Some may have ended.
    pub(crate) async fn open_agent_grants(
        &mut self,
        connection: ConnectionId,
    ) -> Result<Vec<AgentGrantRow>, StoreError> {
        const SQL: &str = grants!("g.connection_id = $1 AND g.revoked_at IS NULL ORDER BY g.agent_id");
        all!(self, AgentGrantRow, SQL, connection.as_uuid())
    }
}

impl Tx {
    pub(crate) async fn insert_agent(&mut self, row: &AgentRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_agent (id, owner, name, made_at, removed_at, client, mark) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7)";
        later!(self, SQL, row.id.as_uuid(), &row.owner, &row.name, row.made_at, row.removed_at, &row.client, mark)
    }

    /// Records that an agent was removed. Its row stays, so that its id is not used again.
    pub(crate) async fn remove_agent(&mut self, id: AgentId, at: i64, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_agent SET removed_at = $2, mark = $3 WHERE id = $1";
        self.changed(Changed::Agents);
        self.withdraws();
        later!(self, SQL, id.as_uuid(), at, mark)
    }

    /// Stores a grant, replacing an existing one, which may have been revoked.
    pub(crate) async fn put_agent_grant(&mut self, row: &AgentGrantRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_agent_grant (owner, agent_id, connection_id, rules, created_at, \
                           expires_at, revoked_at, mark) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                           ON CONFLICT (owner, agent_id, connection_id) DO UPDATE \
                           SET rules = excluded.rules, created_at = excluded.created_at, \
                           expires_at = excluded.expires_at, revoked_at = excluded.revoked_at, mark = excluded.mark";
        self.changed(Changed::Agents);
        self.changed(Changed::Connection(row.connection_id));
        if row.revoked_at.is_some() {
            self.withdraws();
        }
        let AgentGrantRow { owner, agent_id, connection_id, rules, created_at, expires_at, revoked_at, marked: _ } =
            row;
        let agent = agent_id.as_uuid();
        let connection = connection_id.as_uuid();
        later!(self, SQL, owner, agent, connection, rules, *created_at, *expires_at, *revoked_at, mark)
    }
}
