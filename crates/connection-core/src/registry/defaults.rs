//! Which connection is meant when only the kind is said: the only one, or the default of its provider.
//!
//! The first connection of a provider is its default until a person chooses another. At most one connection of an owner and a provider is the default. A row knows no provider, so it is the transaction
//! that takes the default from all kinds of the same provider, under the owner's lock. Extensions that may use the one or
//! the other are told, since another connection may be meant for them.

use connection_contract::Kind;

use crate::{
    ChangedPart, Connection, ConnectionInfo, ConnectionRegistry, Error, Filter, event,
    extension::{self, Affected},
    registry::Shared,
    store::{
        Lock, StoreError, Tx,
        rows::{AccountRow, Says},
    },
};

/// So many are named when it is not clear which is meant.
const MOST_CANDIDATES: u16 = 20;
/// What is another one to an extension for which another connection is meant.
const ANOTHER: [ChangedPart; 2] = [ChangedPart::ConnectionConfig, ChangedPart::Credential];

impl ConnectionRegistry {
    /// The connection that is meant by its kind alone: the owner's only one of it, or its default.
    ///
    /// # Errors
    ///
    /// [`Error::NoConnection`], [`Error::Ambiguous`] with the candidates, and the store's.
    pub async fn connection_of(&self, kind: &Kind) -> Result<Connection, Error> {
        let of_kind = Filter::new().kind(kind.clone());
        let mut candidates = self.list_connections(of_kind.limit(MOST_CANDIDATES)).await?.connections;
        let meant = match candidates.as_slice() {
            [] => return Err(Error::NoConnection(kind.clone())),
            [_] => candidates.pop(),
            _ => self.default_of(kind).await?,
        };
        match meant {
            Some(info) => Ok(Connection { shared: self.shared.clone(), info: info.into() }),
            None => Err(Error::Ambiguous { kind: kind.clone(), candidates }),
        }
    }

    pub(crate) async fn default_of(&self, kind: &Kind) -> Result<Option<ConnectionInfo>, Error> {
        let defaults = self.shared.reader().await?.default_accounts(&self.owner).await?;
        match defaults.into_iter().find(|(_, of)| *of == *kind.as_str()) {
            Some((id, _)) => self.info(id).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Returns whether a connection that is about to be stored is the default of its provider, as the first one is. Where exactly
/// one other is there and is not the default, that one becomes it, so that a second account changes nothing for who uses the
/// first. Where the default was removed and several are left, there is none until a person chooses.
///
/// The transaction holds the owner.
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
    // What is wrong with an edited row is not made right by this.
    if event::refusal(tx, &shared.sealer, &account).await?.is_none() {
        tx.set_account_default(id, true, new.created_at).await?;
        let body = serde_json::json!({ "isDefault": true });
        let event = event::at(new.created_at, &*shared.ids, &new.owner, id, event::DEFAULT_CHANGED, body);
        event::append(tx, &shared.sealer, &event).await?;
    }
    Ok(false)
}

impl Connection {
    /// Makes it the default of its provider, in place of another.
    ///
    /// # Repetition
    ///
    /// Once is as good as twice.
    ///
    /// # Cancellation
    ///
    /// Dropped, the change may have been made.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is gone, and the store's.
    pub async fn make_default(&self) -> Result<ConnectionInfo, Error> {
        self.change_default(true).await
    }

    /// Leaves its provider without a default, if it is the one.
    ///
    /// # Errors
    ///
    /// As [`make_default`](Self::make_default).
    pub async fn clear_default(&self) -> Result<ConnectionInfo, Error> {
        self.change_default(false).await
    }

    async fn change_default(&self, is_default: bool) -> Result<ConnectionInfo, Error> {
        let shared = &self.shared;
        let (id, owner) = (self.id(), self.info.owner.clone());
        let siblings = shared.kinds_of(&shared.provider_of(&self.info.kind));
        let (now, ids, sealer) = (shared.clock.now().seconds(), shared.ids.clone(), shared.sealer.clone());
        let turn = extension::turn(shared).await;
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
                // This one first: when it was removed meanwhile, the others stay as they are.
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
                    // What is wrong with another one is not made right by this.
                    let is_sound = match tx.account(changed).await? {
                        Some(other) if changed != id => event::refusal(tx, &sealer, &other).await?.is_none(),
                        _ => true,
                    };
                    if tx.set_account_default(changed, is_default, now).await? {
                        let body = serde_json::json!({ "isDefault": is_default });
                        let mut event = event::at(now, &*ids, &owner, changed, event::DEFAULT_CHANGED, body);
                        if !is_sound {
                            event.says = Says::Same;
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
                // Read here: what was done is told as done, whatever comes after it.
                Ok(Ok((tx.listed(id).await?, affected)))
            })
        });
        let (row, affected) = changed.await??;
        if let Some(affected) = affected {
            affected.tell(shared, &turn);
        }
        row.and_then(|row| self.shared.info(row)).ok_or(Error::NotFound(id))
    }
}
