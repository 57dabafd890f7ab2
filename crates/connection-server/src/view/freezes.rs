//! What is frozen, as the API shows it.

use connection_api::{Freezes, Reason};
use connection_core::{ConnectionRegistry, Error, Frozen};

use crate::convert;

/// Returns what is frozen for the owner of a registry, and the last changes.
///
/// # Errors
///
/// Those of the store.
pub async fn freezes(registry: &ConnectionRegistry) -> Result<Freezes, Error> {
    let items = registry.freezes().list().await?;
    let changes = registry.freezes().changes().await?;
    let refused = registry.freezes().now().await?.refused();
    Ok(Freezes {
        items: items.iter().map(convert::freeze).collect(),
        changes: changes.iter().map(convert::freeze_change).collect(),
        refused: refused.map(|error| Reason {
            code: error.code().to_owned(),
            message: error.to_string(),
            remedy: Some(error.remedy()),
            provider_text: None,
        }),
    })
}

/// Returns the thing that a text names, such as `connection:ID`. An agent is named by its id or its name. `None` for a
/// text that names nothing.
///
/// # Errors
///
/// [`Error::Agent`] for an agent that the owner does not have, and those of the store.
pub async fn frozen(registry: &ConnectionRegistry, what: &str) -> Result<Option<Frozen>, Error> {
    match (what.parse(), what.strip_prefix("agent:")) {
        (Ok(frozen), _) => Ok(Some(frozen)),
        (Err(()), Some(name)) => Ok(Some(Frozen::Agent(registry.agents().get(name).await?.id()))),
        (Err(()), None) => Ok(None),
    }
}
