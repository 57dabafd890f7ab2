//! The tokens of agents. They are refused where the tokens of a host's callers are accepted.

use std::{sync::Arc, time::Duration};

use connection_contract::DisplayText;
use secrecy::SecretString;

use super::{AccessToken, AccessTokens, Audience, IssuedToken, NewAccessToken, Role, put, row_marks};
use crate::{
    AgentId, Error,
    ground::Ground,
    keys::Sealer,
    store::{
        StoreError, Tx,
        rows::{AccessTokenRow, TokenPurpose},
    },
};

/// A token of an agent that is to be inserted, and its text.
pub(crate) struct AgentToken {
    row: AccessTokenRow,
    text: SecretString,
}

impl AgentToken {
    /// Prepares a token that ends after the lifetime.
    pub(crate) fn new(
        ground: &Arc<Ground>,
        owner: &str,
        agent: AgentId,
        name: DisplayText,
        audience: Audience,
        lifetime: Duration,
    ) -> Result<Self, Error> {
        let token = NewAccessToken::new(name, Role::Agent).owner(owner).lifetime(lifetime);
        let (row, text) = AccessTokens::new(ground).prepared(token, TokenPurpose::Program, None)?;
        let audience = Some(audience.as_str().to_owned());
        Ok(Self { row: AccessTokenRow { agent_id: Some(agent.as_uuid()), audience, ..row }, text })
    }

    /// Inserts the token. The transaction holds the owner's lock, and has checked that the agent exists.
    pub(crate) async fn put(
        self,
        tx: &mut Tx,
        sealer: &Sealer,
    ) -> Result<Result<Option<IssuedToken>, Error>, StoreError> {
        let Self { row, text } = self;
        let inserted = put(tx, sealer, &row).await?;
        Ok(inserted.map(|()| AccessToken::of(&row).map(|token| IssuedToken { token, text })))
    }
}

/// Returns the hash by which a token is found; `None` for a text that is none of a token.
pub(crate) fn token_hash(ground: &Arc<Ground>, text: &SecretString) -> Option<[u8; 32]> {
    AccessTokens::new(ground).hash(text)
}

/// Returns the token of an agent that has this hash, is accepted now, and is for this audience. The use is recorded at
/// most once a minute.
pub(crate) async fn find_of_agent(
    ground: &Arc<Ground>,
    hash: &[u8; 32],
    audience: Audience,
) -> Result<Option<AccessToken>, Error> {
    let tokens = AccessTokens::new(ground);
    let row = ground.reader().await?.access_token_by_hash(&hash[..]).await?;
    let found = row.and_then(|row| tokens.accepted(row)).filter(|(_, token)| token.audience == Some(audience));
    let Some((row, token)) = found else { return Ok(None) };
    tokens.note_use(&row).await;
    Ok(Some(token))
}

/// Returns the token of an agent in a row, if it is accepted now.
pub(crate) fn accepted_of_agent(ground: &Arc<Ground>, row: AccessTokenRow) -> Option<AccessToken> {
    AccessTokens::new(ground).accepted(row).map(|(_, token)| token).filter(|token| token.agent.is_some())
}

/// Returns the tokens in these rows of an agent. Those that were edited or restored are left out.
pub(crate) fn listed_of_agent(ground: &Arc<Ground>, rows: &[AccessTokenRow]) -> Vec<AccessToken> {
    let tokens = AccessTokens::new(ground);
    rows.iter().filter(|row| tokens.is_ours(row)).filter_map(AccessToken::of).collect()
}

/// Revokes the tokens of an agent that is removed. The transaction holds the owner's lock.
pub(crate) async fn revoke_of_agent(tx: &mut Tx, sealer: &Sealer, agent: AgentId, now: i64) -> Result<(), StoreError> {
    for row in tx.agent_tokens(agent).await? {
        if row.revoked_at.is_none() {
            row_marks::revoke(tx, sealer, row, now).await?;
        }
    }
    Ok(())
}
