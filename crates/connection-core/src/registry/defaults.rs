//! Selects the connection for a kind that is named without a label: the only one, or the default of the provider.
//!
//! The first connection of a provider is its default until a person chooses another. At most one connection of an owner
//! and a provider is the default. A row does not name its provider, so the transaction takes the default from all kinds
//! of the same provider, under the owner's lock. Extensions that may use one of these connections are notified, since
//! another connection may now be selected for them.

use connection_contract::{BoxFuture, Kind};

use crate::{
    ChangedPart, Connection, ConnectionInfo, ConnectionRegistry, Error, Filter, event,
    grant::{self, Affected},
    registry::Shared,
    store::{
        Lock, StoreError, Tx,
        rows::{AccountRow, RowClaim},
    },
};

/// Maximum number of candidates in an error.
const MAX_CANDIDATES: u16 = 20;
/// The parts that change for an extension when another connection is selected for it.
const ANOTHER: [ChangedPart; 2] = [ChangedPart::ConnectionConfig, ChangedPart::Credential];

impl ConnectionRegistry {
    /// Returns the owner's only connection of this kind, or the default if there are several.
    ///
    /// # Errors
    ///
    /// [`Error::NoConnection`], [`Error::Ambiguous`] with the candidates, and the store's errors.
    pub fn connection_of<'a>(&'a self, kind: &'a Kind) -> BoxFuture<'a, Result<Connection, Error>> {
        Box::pin(async move {
            let of_kind = Filter::new().kind(kind.clone());
            let mut candidates = self.list_connections(of_kind.limit(MAX_CANDIDATES)).await?.connections;
            let meant = match candidates.as_slice() {
                [] => return Err(Error::NoConnection(kind.clone())),
                [_] => candidates.pop(),
                _ => self.default_of(kind).await?,
            };
            match meant {
                Some(info) => Ok(Connection { shared: self.shared.clone(), info: info.into() }),
                None => Err(Error::Ambiguous { kind: kind.clone(), candidates }),
            }
        })
    }

    pub(crate) async fn default_of(&self, kind: &Kind) -> Result<Option<ConnectionInfo>, Error> {
        let defaults = self.shared.reader().await?.default_accounts(&self.owner).await?;
        match defaults.into_iter().find(|(_, of)| *of == *kind.as_str()) {
            Some((id, _)) => self.info(id).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Returns `true` if a new connection is the first one of its provider, and therefore its default.
///
/// If exactly one other connection exists and is not the default, it becomes the default, so that a second account
/// changes nothing for the users of the first. If the default was removed and several connections are left, there is no
/// default until a person chooses one.
///
/// The transaction holds the owner's lock.
pub(crate) async fn is_first(tx: &mut Tx, shared: &Shared, new: &AccountRow) -> Result<bool, StoreError> {
    let Some(kind) = Kind::parse(&new.kind) else { return Ok(false) };
    let mut known = Vec::new();
    for sibling in shared.kinds_of(&shared.provider_of(&kind)) {
        known.extend(tx.first_two_accounts(&new.owner, sibling.as_str()).await?);
    }
    let (id, is_default) = match known.as_slice() {
        [] => return Ok(true),
        [only] => *only,
        _ => return Ok(false),
    };
    if is_default {
        return Ok(false);
    }
    tx.lock(Lock::Connection(id)).await?;
    let Some(account) = tx.account(id).await? else { return Ok(false) };
    // An edited row stays as it is: an event for it would vouch for the edit.
    if event::refusal(tx, &shared.sealer, &account).await?.is_none() {
        tx.set_account_default(id, true, new.created_at).await?;
        let body = serde_json::json!({ "isDefault": true });
        let event = event::at(new.created_at, &*shared.ids, &new.owner, id, event::DEFAULT_CHANGED, body);
        event::append(tx, &shared.sealer, &event).await?;
    }
    Ok(false)
}

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
    /// [`Error::NotFound`] if the connection was removed, and the store's errors.
    pub fn make_default(&self) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        Box::pin(self.change_default(true))
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
        let shared = &self.shared;
        let id = self.id();
        let owner = self.info.owner.clone();
        let siblings = shared.kinds_of(&shared.provider_of(&self.info.kind));
        let now = shared.clock.now().seconds();
        let ids = shared.ids.clone();
        let sealer = shared.sealer.clone();
        let turn = grant::notification_order(shared).await;
        let changed = shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&owner)).await?;
                let Some(account) = tx.account(id).await?.filter(|account| account.owner == owner) else {
                    return Ok(Err(Error::NotFound(id)));
                };
                if let Some(error) = event::refusal(tx, &sealer, &account).await? {
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
                        Some(other) if changed != id => event::refusal(tx, &sealer, &other).await?.is_none(),
                        _ => true,
                    };
                    if tx.set_account_default(changed, is_default, now).await? {
                        let body = serde_json::json!({ "isDefault": is_default });
                        let mut event = event::at(now, &*ids, &owner, changed, event::DEFAULT_CHANGED, body);
                        if !is_sound {
                            event.says = RowClaim::Same;
                        }
                        event::append(tx, &sealer, &event).await?;
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
                Ok(Ok((tx.listed(id).await?, affected)))
            })
        });
        let (row, affected) = changed.await??;
        if let Some(affected) = affected {
            affected.notify(shared, &turn);
        }
        row.and_then(|row| self.shared.info(row)).ok_or(Error::NotFound(id))
    }
}
