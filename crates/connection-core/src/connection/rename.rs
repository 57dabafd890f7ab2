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
            let shared = &self.shared;
            let id = self.id();
            let owner = self.info.owner.clone();
            let kind = self.info.kind.clone();
            let now = shared.clock.now().seconds();
            let ids = shared.ids.clone();
            let sealer = shared.sealer.clone();
            let renamed = shared.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&owner)).await?;
                    tx.lock(Lock::Connection(id)).await?;
                    let Some(row) = tx.standing(id).await?.filter(|row| row.account.owner == owner) else {
                        return Ok(Err(Error::NotFound(id)));
                    };
                    let account = &row.account;
                    if account.label == label {
                        return Ok(Ok(tx.listed(id).await?));
                    }
                    if let Some(error) = guard::refused(&sealer, &row) {
                        return Ok(Err(error.into()));
                    }
                    if tx.account_by_label(&owner, &account.kind, &label).await?.is_some() {
                        return Ok(Err(Error::LabelTaken { kind, label }));
                    }
                    tx.set_account_label(id, &label, now).await?;
                    let body = serde_json::json!({ "before": account.label, "label": label });
                    event::append(tx, &sealer, &event::at(now, &*ids, &owner, id, event::RENAMED, body)).await?;
                    // The row is read in this transaction, so that the change is reported even if the connection is
                    // removed right after it.
                    Ok(Ok(tx.listed(id).await?))
                })
            });
            renamed.await??.and_then(|row| self.shared.info(row)).ok_or(Error::NotFound(id))
        })
    }
}
