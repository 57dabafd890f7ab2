//! Opens the keyset of a store, or makes the first.
//!
//! A key is made only where there is no keyset yet, and a keyset only where nothing is sealed: what is lost must not look
//! like a first start. Of two first starts at once the one that inserts its row first wins, and both read that row.
//!
//! Exactly the source that was chosen is used. Others that the host knows are only looked at to say whose key it is.

use std::sync::Arc;

use connection_contract::Timestamp;
use connection_egress::Clock;
use connection_seal::{KeyError, KeyId, KeySource, Keys, Keyset, SealError, Slot};

use super::{OpenKeyError, Sealer};
use crate::{
    ids::IdGenerator,
    store::{Store, Wanted, rows::KeysetRow},
};

/// The key sources of a host.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The one that is used.
    pub(crate) used: Arc<dyn KeySource>,
    pub(crate) others: Vec<Other>,
}

/// A source that is not used.
#[derive(Debug)]
pub(crate) struct Other {
    pub(crate) source: Arc<dyn KeySource>,
    /// Whether somebody configured it: then its key must be the same.
    pub(crate) configured: bool,
}

impl Sources {
    #[cfg(test)]
    pub(crate) fn one(source: impl KeySource + 'static) -> Self {
        Self { used: Arc::new(source), others: Vec::new() }
    }
}

/// The keys of the store.
///
/// A crash on the way leaves a key without a keyset, which the next start takes up.
pub(crate) async fn open_keyset(
    store: &Store,
    sources: &Sources,
    ids: &dyn IdGenerator,
    clock: Arc<dyn Clock>,
) -> Result<Sealer, OpenKeyError> {
    agree(sources).await?;
    let source = &sources.used;
    let row = store.reader().await?.keyset().await?;
    if let Some(row) = row {
        return existing(store, sources, &row, clock).await;
    }
    // New keys would hide that the old ones are gone, and would be in the way of whoever puts them back.
    if !store.reader().await?.list(&Wanted { limit: 1, ..Wanted::default() }).await?.0.is_empty() {
        // Another first start may have made the keys, and then a connection, between the two looks.
        let row = store.reader().await?.keyset().await?.ok_or(SealError::Lost)?;
        return existing(store, sources, &row, clock).await;
    }
    let row = first_row(&**source, ids, clock.now()).await?;
    store.write(move |tx| Box::pin(async move { tx.insert_keyset(&row).await })).await?;
    // What is there now, by whomever, is what everyone uses; reading it back also shows that it opens.
    let row = store.reader().await?.keyset().await?;
    existing(store, sources, &row.ok_or(SealError::Truncated)?, clock).await
}

async fn existing(
    store: &Store,
    sources: &Sources,
    row: &KeysetRow,
    clock: Arc<dyn Clock>,
) -> Result<Sealer, OpenKeyError> {
    match row.wrapped().open(&*sources.used).await {
        Ok(found) => {
            let keys = Keys::new(row.store_id, &found.keyset)?;
            Ok(Sealer::new(keys, store.clone(), sources.used.clone(), clock))
        }
        Err(error) => Err(whose(sources, row, error.into()).await),
    }
}

async fn first_row(source: &dyn KeySource, ids: &dyn IdGenerator, now: Timestamp) -> Result<KeysetRow, OpenKeyError> {
    let (store_id, keyset) = (ids.next(), Keyset::fresh(now)?);
    let wrapped = keyset.wrapped_by(source, store_id, Slot::A).await?.into();
    Ok(KeysetRow { store_id, revision: 1, keys_revision: keyset.revision(), slot_a: Some(wrapped), slot_b: None })
}

/// Two that are configured at once and hold different keys: one of them is a mistake, and only a person knows which.
async fn agree(sources: &Sources) -> Result<(), OpenKeyError> {
    let configured = sources.others.iter().filter(|other| other.configured).map(|other| &*other.source);
    for other in configured {
        let Some(other_id) = held(other).await else { continue };
        if let Some(have) = held(&*sources.used).await
            && have != other_id
        {
            return Err(disagree(&*sources.used, Some(have), other, other_id).into());
        }
    }
    Ok(())
}

/// The error that says that another source holds the key, if one does.
async fn whose(sources: &Sources, row: &KeysetRow, error: OpenKeyError) -> OpenKeyError {
    let have = match &error {
        OpenKeyError::Seal(SealError::WrongKey { have, .. }) => Some(*have),
        OpenKeyError::Seal(SealError::NotWrapped { .. }) | OpenKeyError::Key(_) => None,
        _ => return error,
    };
    for other in &sources.others {
        if let Some(id) = held(&*other.source).await
            && row.wrapped().key_ids().any(|needed| needed == id)
        {
            return disagree(&*sources.used, have, &*other.source, id).into();
        }
    }
    error
}

fn disagree(source: &dyn KeySource, have: Option<KeyId>, other: &dyn KeySource, other_id: KeyId) -> KeyError {
    KeyError::Disagree { source_name: source.name(), have, other_name: other.name(), other: other_id }
}

/// The id of the key that a source shows. One that cannot tell keeps nobody from using another.
async fn held(source: &dyn KeySource) -> Option<KeyId> {
    let key = source.load().await.unwrap_or_default()?;
    Some(KeyId::of(&key))
}
