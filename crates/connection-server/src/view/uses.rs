//! The record of use.

use connection_api::UsePage;
use connection_core::{AgentId, ConnectionRegistry, Cursor, Error, Grantee, UseFilter};

use crate::convert;

/// Returns a page of uses, newest first.
///
/// # Errors
///
/// [`Error::InvalidCursor`], and those of the store.
pub async fn uses(
    registry: &ConnectionRegistry,
    filter: UseFilter,
    before: Option<Cursor>,
    limit: u32,
) -> Result<UsePage, Error> {
    let page = registry.uses().list(filter, before, limit).await?;
    let items = page.items.iter().map(convert::of_use).collect();
    Ok(UsePage { items, next: page.next.map(|next| next.to_string()) })
}

/// Returns the grantee that a text names: `agent:NAME`, `agent:ID` or `extension:NAME`. `None` for any other text. An
/// agent that was removed is named by its id.
///
/// # Errors
///
/// [`Error::Agent`] for an agent that the owner does not have, and those of the store.
pub async fn grantee(registry: &ConnectionRegistry, text: &str) -> Result<Option<Grantee>, Error> {
    if let Some(name) = text.strip_prefix("extension:") {
        return Ok(Some(Grantee::Extension(name.to_owned())));
    }
    let Some(agent) = text.strip_prefix("agent:") else { return Ok(None) };
    let id = match agent.parse::<AgentId>() {
        Ok(id) => id,
        Err(_) => registry.agents().get(agent).await?.id(),
    };
    Ok(Some(Grantee::Agent(id)))
}
