//! The errors of agents and of their grants.

use connection_contract::DisplayText;

use crate::{ConnectionId, error::table::codes_and_remedies};

/// The reason why a request for an agent, or of an agent, was refused. Nothing was changed, and nothing was sent.
///
/// ```
/// use connection_core::AgentError;
///
/// let error = AgentError::Exists("deploy".into());
/// assert_eq!(error.to_string(), "there is already an agent 'deploy'");
/// assert_eq!(error.code(), "agent_exists");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The owner has an agent with this name.
    #[error("there is already an agent '{0}'")]
    Exists(DisplayText),
    /// The grant has ended.
    #[error("the grant of connection {connection} to the agent '{agent}' has ended")]
    GrantEnded {
        /// The agent that requested the use.
        agent: DisplayText,
        /// The connection that the agent may no longer use.
        connection: ConnectionId,
    },
    /// A grant to an agent ends after 1 second to 365 days.
    #[error("a grant to an agent must end after 1 second to 365 days")]
    InvalidExpiry,
    /// The name has characters other than `a-z0-9-`, or is empty or longer than 64 characters.
    #[error("the name of an agent must have 1 to 64 of the characters a-z, 0-9 and '-'")]
    InvalidName,
    /// The agent has no grant for this connection.
    #[error("the agent '{agent}' is not granted connection {connection}")]
    NotGranted {
        /// The agent that requested the use.
        agent: DisplayText,
        /// The connection that the agent may not use.
        connection: ConnectionId,
    },
    /// The grant lets the agent send requests, and does not let a secret be handed out.
    #[error("the grant of connection {connection} to the agent '{agent}' lets no secret be handed out")]
    NotReleased {
        /// The agent whose program asked for the secret.
        agent: DisplayText,
        /// The connection whose secret was asked for.
        connection: ConnectionId,
    },
    /// The token has ended or was revoked.
    #[error("the token of the agent '{0}' has ended or was revoked")]
    TokenEnded(DisplayText),
    /// The owner has no agent with this name, or it was removed.
    #[error("there is no agent '{0}'")]
    Unknown(DisplayText),
    /// The rules of the grant were written by a later version of this program.
    #[error("the rules of the grant of connection {connection} to the agent '{agent}' cannot be read")]
    UnreadableRules {
        /// The agent with the grant.
        agent: DisplayText,
        /// The connection that is granted.
        connection: ConnectionId,
    },
}

codes_and_remedies! {
    AgentError {
        Self::Exists(_) => "agent_exists", "choose another name, or remove the agent with this name first";
        Self::GrantEnded { agent, connection } => "grant_ended",
            format!("grant '{agent}' connection {connection} again if it still needs it");
        Self::InvalidExpiry => "invalid_expiry", "choose an end within the next 365 days";
        Self::InvalidName => "invalid_agent_name", "choose a name such as 'nightly-report'";
        Self::NotGranted { agent, connection } => "not_granted", format!("grant '{agent}' connection {connection}");
        Self::NotReleased { agent, connection } => "not_released",
            format!("grant '{agent}' connection {connection} again with the release of its secret, if its program needs it");
        Self::TokenEnded(_) => "token_ended", "make a new token for the agent";
        Self::Unknown(_) => "unknown_agent", "list the agents to see their names";
        Self::UnreadableRules { .. } => "rules_unreadable", "update this program, or grant the connection again";
    }
}
