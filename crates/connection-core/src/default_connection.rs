//! The default connection of a provider: the first one, until a person chooses another.

use connection_contract::Kind;

use crate::{
    event,
    ground::Ground,
    store::{Lock, StoreError, Tx, rows::AccountRow},
};

/// Returns `true` if a new connection is the first one of its provider, and therefore its default.
///
/// If exactly one other connection exists and is not the default, it becomes the default, so that a second account
/// changes nothing for the users of the first. If the default was removed and several connections are left, there is no
/// default until a person chooses one.
///
/// The transaction holds the owner's lock.
pub(crate) async fn is_first(tx: &mut Tx, ground: &Ground, new: &AccountRow) -> Result<bool, StoreError> {
    // A connection of one extension is never the default.
    let Some(kind) = Kind::parse(&new.kind).filter(|kind| kind.extension().is_none()) else { return Ok(false) };
    let mut known = Vec::new();
    for sibling in ground.kinds_of(&ground.provider_of(&kind)) {
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
    if event::refusal(tx, &ground.sealer, &account).await?.is_none() {
        tx.set_account_default(id, true, new.created_at).await?;
        let body = serde_json::json!({ "isDefault": true });
        let event = event::at(new.created_at, &*ground.ids, &new.owner, id, event::DEFAULT_CHANGED, body);
        event::append(tx, &ground.sealer, &event).await?;
    }
    Ok(false)
}
