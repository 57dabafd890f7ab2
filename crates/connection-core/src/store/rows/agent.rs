//! Agents, and their grants.

use super::{AccessTokenRow, FreezeSign, StoredMark, row};
use crate::ids::{AgentId, ConnectionId};

row! {
    /// A row of `connection_agent`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct AgentRow {
        pub(crate) id: AgentId,
        pub(crate) owner: String,
        pub(crate) name: String,
        pub(crate) made_at: i64,
        /// `None` while the agent exists.
        pub(crate) removed_at: Option<i64>,
        /// The client for which the agent was created, as JSON.
        pub(crate) client: Option<String>,
        pub(crate) marked: StoredMark,
    }
}

/// The primary key of a grant to an agent. It is a part of the key of what widens the grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgentGrantKey<'a> {
    pub(crate) owner: &'a str,
    pub(crate) agent: AgentId,
    pub(crate) connection: ConnectionId,
}

row! {
    /// A row of `connection_agent_grant`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct AgentGrantRow {
        pub(crate) owner: String,
        pub(crate) agent_id: AgentId,
        pub(crate) connection_id: ConnectionId,
        /// The rules with the budget, as JSON.
        pub(crate) rules: String,
        pub(crate) created_at: i64,
        pub(crate) expires_at: i64,
        pub(crate) revoked_at: Option<i64>,
        pub(crate) marked: StoredMark,
    }
}

row! {
    /// A grant of a connection that exists, as it is read beside its agent. Every column is `None` without a grant.
    #[derive(Clone, Debug)]
    pub(crate) struct GrantedAgentRow {
        rules: Option<String>,
        created_at: Option<i64>,
        expires_at: Option<i64>,
        revoked_at: Option<i64>,
        mark: Option<Vec<u8>>,
        newest: Option<i64>,
    }
}

impl GrantedAgentRow {
    /// Returns the row of the grant.
    pub(crate) fn grant(self, agent: &AgentRow, connection_id: ConnectionId) -> Option<AgentGrantRow> {
        let Self { rules, created_at, expires_at, revoked_at, mark, newest } = self;
        Some(AgentGrantRow {
            owner: agent.owner.clone(),
            agent_id: agent.id,
            connection_id,
            rules: rules?,
            created_at: created_at?,
            expires_at: expires_at?,
            revoked_at,
            marked: StoredMark { mark, newest },
        })
    }
}

row! {
    /// The token of an agent, with the agent and its grant of one connection, all from the same moment.
    #[derive(Clone, Debug)]
    pub(crate) struct AgentUseRow {
        pub(crate) token: AccessTokenRow,
        pub(crate) agent: AgentRow,
        pub(crate) granted: GrantedAgentRow,
        pub(crate) freeze: FreezeSign,
    }
}
