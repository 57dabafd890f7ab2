//! Gives a connection another label: only what people call it changes, never its credential or its generation.

use connection_contract::DisplayText;

use super::Connection;
use crate::{ConnectionInfo, Error, event, guard, store::Lock};

impl Connection {
    /// Calls it something else, without spaces around it. A label is unique per owner and kind.
    ///
    /// # Repetition
    ///
    /// The label that it has already changes nothing.
    ///
    /// # Cancellation
    ///
    /// Dropped, the change may have been made.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLabel`] when nothing is left to be shown, [`Error::LabelTaken`], [`Error::NotFound`] when it is
    /// gone, and the store's.
    pub async fn rename(&self, label: impl Into<DisplayText>) -> Result<ConnectionInfo, Error> {
        let label = label.into().as_str().trim().to_owned();
        if label.is_empty() {
            return Err(Error::InvalidLabel);
        }
        let shared = &self.shared;
        let (id, owner, kind) = (self.id(), self.info.owner.clone(), self.info.kind.clone());
        let (now, ids, sealer) = (shared.clock.now().seconds(), shared.ids.clone(), shared.sealer.clone());
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
                // Read here: what was done is told as done, whatever comes after it.
                Ok(Ok(tx.listed(id).await?))
            })
        });
        renamed.await??.and_then(|row| self.shared.info(row)).ok_or(Error::NotFound(id))
    }
}
