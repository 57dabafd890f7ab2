//! Opens the keyset of a store, or makes the first.
//!
//! A key is made only where there is no keyset yet, and a keyset only where nothing is sealed: what is lost must not look
//! like a first start. Of two first starts at
//! once the one that inserts its row first wins, and both read that row.

use connection_contract::Timestamp;
use secrecy::SecretBox;
use uuid::Uuid;

use super::{
    KeyError, KeySource, OpenKeyError, SealError, Sealer,
    data_key::{DataKey, KEY_LEN},
    envelope,
    keyset::{Keyset, Slot},
};
use crate::{
    ids::IdGenerator,
    store::{Store, rows::KeysetRow},
};

/// The keys of the store.
///
/// A crash on the way leaves a key without a keyset, which the next start takes up.
pub(crate) async fn open_keyset(
    store: &Store,
    source: &dyn KeySource,
    ids: &dyn IdGenerator,
    now: Timestamp,
) -> Result<Sealer, OpenKeyError> {
    if let Some(row) = store.reader().await?.keyset().await? {
        return existing(source, &row).await;
    }
    // New keys would hide that the old ones are gone, and would be in the way of whoever puts them back.
    if !store.reader().await?.list_accounts(None, None, None, 1).await?.is_empty() {
        return Err(SealError::Lost.into());
    }
    let key = first_key(source).await?;
    let row = first_row(&key, ids.next(), now)?;
    store.write(move |tx| Box::pin(async move { tx.insert_keyset(&row).await })).await?;
    // What is there now, by whomever, is what everyone uses; reading it back also shows that it opens.
    match store.reader().await?.keyset().await? {
        Some(row) => existing(source, &row).await,
        None => Err(SealError::Truncated.into()),
    }
}

async fn existing(source: &dyn KeySource, row: &KeysetRow) -> Result<Sealer, OpenKeyError> {
    let key = source.load().await?.ok_or_else(|| KeyError::Missing { source_name: source.name() })?;
    Ok(unwrap(&DataKey::new(&key)?, row)?)
}

async fn first_key(source: &dyn KeySource) -> Result<SecretBox<[u8; KEY_LEN]>, KeyError> {
    if let Some(key) = source.load().await? {
        return Ok(key);
    }
    match source.create().await {
        Err(KeyError::Exists { source_name }) => source.load().await?.ok_or(KeyError::Missing { source_name }),
        created => created,
    }
}

fn first_row(key: &SecretBox<[u8; KEY_LEN]>, store_id: Uuid, now: Timestamp) -> Result<KeysetRow, SealError> {
    let wrapped = Keyset::fresh(now)?.wrap(&DataKey::new(key)?, store_id, Slot::A)?;
    Ok(KeysetRow { store_id, revision: 1, slot_a: Some(wrapped), slot_b: None })
}

/// Takes the slot that names this key; with none, tells which key is needed.
fn unwrap(key: &DataKey, row: &KeysetRow) -> Result<Sealer, SealError> {
    let mut refused = SealError::Truncated;
    for (slot, sealed) in [(Slot::A, &row.slot_a), (Slot::B, &row.slot_b)] {
        let Some(sealed) = sealed else { continue };
        match envelope::parse(sealed.as_bytes()) {
            Ok(parts) if parts.key_id == key.id => {
                return Sealer::new(row.store_id, &Keyset::unwrap(key, row.store_id, slot, sealed)?);
            }
            Ok(parts) => refused = SealError::WrongKey { have: key.id, need: parts.key_id },
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
