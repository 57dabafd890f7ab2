//! Sets the tags of a connection.

use connection_contract::BoxFuture;

use super::Connection;
use crate::{ConnectionInfo, Error, Tags, event, store::Lock};

impl Connection {
    /// Sets the tags of the connection, in place of those that it had.
    ///
    /// # Repetition
    ///
    /// A call with the current tags changes nothing.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the change may have been made.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the connection was removed, and the store's errors.
    pub fn set_tags(&self, tags: Tags) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        Box::pin(async move {
            let system = &self.system;
            let id = self.id();
            let owner = self.info.owner.clone();
            let now = system.ground.clock.now().seconds();
            let ids = system.ground.ids.clone();
            let sealer = system.ground.sealer.clone();
            // After the commit, nothing is read whose failure could be taken for that of the change.
            let kind = system.ground.find_kind(&owner, &self.info.kind).await?;
            let set = system.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&owner)).await?;
                    tx.lock(Lock::Connection(id)).await?;
                    let Some(mut row) = tx.listed(id).await?.filter(|row| row.account.owner == owner) else {
                        return Ok(None);
                    };
                    let before = Tags::of_stored(row.tags.as_deref());
                    if before == tags {
                        return Ok(Some(row));
                    }
                    tx.set_tags(id, &tags, now).await?;
                    row.tags = tags.stored();
                    row.account.updated_at = now;
                    row.account.revision += 1;
                    let body = serde_json::json!({ "before": before.to_json(), "tags": tags.to_json() });
                    let event = event::at(now, &*ids, &owner, id, event::TAGS_CHANGED, body);
                    event::append(tx, &sealer, &event).await?;
                    // The row is of this transaction, so that the change is reported even if the connection is removed
                    // right after it.
                    Ok(Some(row))
                })
            });
            let row = set.await?.ok_or(Error::NotFound(id))?;
            system.ground.info(row, kind.as_deref()).ok_or(Error::NotFound(id))
        })
    }
}
