//! Changes the label of a connection. The credential and its generation stay as they are.

use connection_contract::{BoxFuture, DisplayText};

use super::Connection;
use crate::{ConnectionInfo, Error, event, guard, store::Lock};

impl Connection {
    /// Changes the label, which is unique per owner and kind. Surrounding spaces are removed.
    ///
    /// # Repetition
    ///
    /// A call with the current label changes nothing.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the change may have been made.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLabel`] if nothing visible is left, [`Error::LabelTaken`], [`Error::NotFound`] if the connection
    /// was removed, and the store's errors.
    pub fn rename(&self, label: impl Into<DisplayText>) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        self.set_label(label.into())
    }

    fn set_label(&self, label: DisplayText) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        Box::pin(async move {
            let label = label.as_str().trim().to_owned();
            if label.is_empty() {
                return Err(Error::InvalidLabel);
            }
            let system = &self.system;
            let id = self.id();
            let owner = self.info.owner.clone();
            let kind = self.info.kind.clone();
            let now = system.ground.clock.now().seconds();
            let ids = system.ground.ids.clone();
            let sealer = system.ground.sealer.clone();
            // After the commit, nothing is read whose failure could be taken for that of the change.
            let entry = system.ground.find_kind(&owner, &kind).await?;
            let renamed = system.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&owner)).await?;
                    tx.lock(Lock::Connection(id)).await?;
                    let Some(row) = tx.renamed(id, &label).await?.filter(|row| row.listed.account.owner == owner)
                    else {
                        return Ok(Err(Error::NotFound(id)));
                    };
                    let before = row.listed.account.label.clone();
                    if before == label {
                        return Ok(Ok(row.listed));
                    }
                    if let Some(error) = guard::refused(&sealer, &row.standing()) {
                        return Ok(Err(error.into()));
                    }
                    if row.is_taken {
                        return Ok(Err(Error::LabelTaken { kind, label }));
                    }
                    tx.set_account_label(id, &label, now).await?;
                    let row = row.renamed(&label, now);
                    let body = serde_json::json!({ "before": before, "label": label });
                    let event = event::at(now, &*ids, &owner, id, event::RENAMED, body);
                    event::append_row_change(tx, &sealer, &event, &row.standing()).await?;
                    // The row is of this transaction, so that the change is reported even if the connection is removed
                    // right after it.
                    Ok(Ok(row.listed))
                })
            });
            system.ground.info(renamed.await??, entry.as_deref()).ok_or(Error::NotFound(id))
        })
    }
}
