//! Makes a connection the default of its provider.
//!
//! At most one connection of an owner and a provider is the default. A row does not name its provider, so the
//! transaction takes the default from all kinds of the same provider, under the owner's lock. Extensions that may use
//! one of these connections are notified, since another connection may now be selected for them.

use connection_contract::BoxFuture;

use super::Connection;
use crate::{
    ChangedPart, ConnectionInfo, Error, ExtensionError, event,
    grant::Affected,
    store::{Lock, rows::RowClaim},
};

/// The parts that change for an extension when another connection is selected for it.
const ANOTHER: [ChangedPart; 2] = [ChangedPart::ConnectionConfig, ChangedPart::Credential];

impl Connection {
    /// Makes this connection the default of its provider, in place of another.
    ///
    /// # Repetition
    ///
    /// Another call changes nothing.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the change may have been made.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the connection was removed, [`ExtensionError::Reserved`] for a connection that is for one
    /// extension alone, and the store's errors.
    pub fn make_default(&self) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        Box::pin(async move {
            match ExtensionError::reserved(&self.info.kind, None) {
                Some(error) => Err(error.into()),
                None => self.change_default(true).await,
            }
        })
    }

    /// Leaves the provider without a default, if this connection is the default.
    ///
    /// # Errors
    ///
    /// The errors of [`make_default`](Self::make_default).
    pub fn clear_default(&self) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        Box::pin(self.change_default(false))
    }

    async fn change_default(&self, is_default: bool) -> Result<ConnectionInfo, Error> {
        let system = &self.system;
        let id = self.id();
        let owner = self.info.owner.clone();
        let siblings = system.ground.kinds_of(&system.ground.provider_of(&self.info.kind));
        let now = system.ground.clock.now().seconds();
        let on = system.clone();
        let order = system.ground.extension_changes.order().await;
        let changed = system.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&owner)).await?;
                let Some(account) = tx.account(id).await?.filter(|account| account.owner == owner) else {
                    return Ok(Err(Error::NotFound(id)));
                };
                if let Some(error) = event::refusal(tx, &on.ground.sealer, &account).await? {
                    return Ok(Err(error.into()));
                }
                let mut changes = Vec::new();
                // This connection comes first: if it was removed meanwhile, the others stay as they are.
                if account.is_default != is_default {
                    changes.push((id, is_default));
                }
                if is_default {
                    let defaults = tx.default_accounts(&owner).await?;
                    let others = defaults.into_iter().filter(|(other, _)| *other != id);
                    let replaced = others.filter(|(_, kind)| siblings.iter().any(|sibling| sibling.as_str() == kind));
                    changes.extend(replaced.map(|(other, _)| (other, false)));
                }
                let mut affected: Option<Affected> = None;
                for (changed, is_default) in changes {
                    tx.lock(Lock::Connection(changed)).await?;
                    // An event does not vouch for another connection whose row was edited.
                    let is_sound = match tx.account(changed).await? {
                        Some(other) if changed != id => event::refusal(tx, &on.ground.sealer, &other).await?.is_none(),
                        _ => true,
                    };
                    if tx.set_account_default(changed, is_default, now).await? {
                        let body = serde_json::json!({ "isDefault": is_default });
                        let mut event = event::at(now, &*on.ground.ids, &owner, changed, event::DEFAULT_CHANGED, body);
                        if !is_sound {
                            event.says = RowClaim::Same;
                        }
                        event::append(tx, &on.ground.sealer, &event).await?;
                        let of_it = Affected::of(tx, &owner, changed, &ANOTHER).await?;
                        affected = Some(match affected {
                            Some(affected) => affected.and(of_it),
                            None => of_it,
                        });
                    } else if changed == id {
                        return Ok(Err(Error::NotFound(id)));
                    }
                }
                // The row is read in this transaction, so that the change is reported even if the connection is removed
                // right after it.
                let row = tx.listed(id).await?;
                Ok(Ok((on.ground.info_of(tx, row).await?, affected)))
            })
        });
        let (info, affected) = changed.await??;
        if let Some(affected) = affected {
            affected.notify(&order);
        }
        info.ok_or(Error::NotFound(id))
    }
}
