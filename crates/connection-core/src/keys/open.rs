//! Opens the keyset of a store, or creates the first one.
//!
//! A key is created only if there is no keyset yet, and a keyset only if nothing is sealed, so that a loss is not
//! taken for a first start. If two first starts run at the same time, the one that inserts its row first wins, and
//! both read that row.
//!
//! Only the chosen source is used. The other sources that the host knows are read only to say which of them holds the
//! key.

use std::sync::Arc;

use connection_contract::Timestamp;
use connection_egress::Clock;
use connection_seal::{KeyError, KeyId, KeySource, Keys, Keyset, SealError, Slot};

use super::{OpenKeyError, Sealer};
use crate::{
    ids::IdGenerator,
    store::{ListFilter, Store, rows::KeysetRow},
};

/// The key sources of a host: the one that is used, and others that it knows.
///
/// A single source is enough in most programs, and [`RegistryBuilder::key`](crate::RegistryBuilder::key) takes it as it
/// is. The others only make errors helpful.
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionRegistry, KeyFile, KeySources, KeyVariable};
///
/// # fn build(variable: KeyVariable) {
/// // If the database was sealed with the key of the former file, the error names that file.
/// let sources = KeySources::new(variable).known(KeyFile::at("/var/lib/app/root.key"));
/// let builder = ConnectionRegistry::builder().store("connections.db").key(sources);
/// # }
/// ```
#[derive(Debug)]
#[must_use = "key sources take effect in the builder of a registry"]
pub struct KeySources {
    /// The source whose key opens the keyset of the database.
    pub(crate) used: Arc<dyn KeySource>,
    pub(crate) others: Vec<Other>,
}

impl KeySources {
    /// Uses this source. No other source is used.
    pub fn new(source: impl KeySource + 'static) -> Self {
        Self { used: Arc::new(source), others: Vec::new() }
    }

    /// Adds a source that is not used, but is named in the error if the database turns out to be sealed with its key.
    pub fn known(mut self, source: impl KeySource + 'static) -> Self {
        self.others.push(Other { source: Arc::new(source), configured: false });
        self
    }

    /// Adds a source that is configured but not used. If it holds another key than the source in use, opening fails
    /// with [`KeyError::Disagree`].
    pub fn agreeing(mut self, source: impl KeySource + 'static) -> Self {
        self.others.push(Other { source: Arc::new(source), configured: true });
        self
    }
}

impl<S: KeySource + 'static> From<S> for KeySources {
    fn from(source: S) -> Self {
        Self::new(source)
    }
}

/// A source that is not used.
#[derive(Debug)]
pub(crate) struct Other {
    pub(crate) source: Arc<dyn KeySource>,
    /// `true` if the source is configured. Its key must then be the same.
    pub(crate) configured: bool,
}

/// Opens the keys of the store, or creates them at its first start.
///
/// A crash may leave a key without a keyset. The next start uses that key.
pub(crate) async fn open_keyset(
    store: &Store,
    sources: &KeySources,
    ids: &dyn IdGenerator,
    clock: Arc<dyn Clock>,
) -> Result<Sealer, OpenKeyError> {
    agree(sources).await?;
    let source = &sources.used;
    let row = store.reader().await?.keyset().await?;
    if let Some(row) = row {
        return existing(store, sources, &row, clock).await;
    }
    // New keys would hide the loss of the old ones, and would be in the way of restoring them.
    if !store.reader().await?.list(&ListFilter { limit: 1, ..ListFilter::default() }).await?.0.is_empty() {
        // Another first start may have created the keys, and then a connection, between the two reads.
        let row = store.reader().await?.keyset().await?.ok_or(SealError::Lost)?;
        return existing(store, sources, &row, clock).await;
    }
    let row = first_row(&**source, ids, clock.now()).await?;
    store.write(move |tx| Box::pin(async move { tx.insert_keyset(&row).await })).await?;
    // Every process uses the row that is stored now, whichever process inserted it. Reading it back also shows that it
    // opens.
    let row = store.reader().await?.keyset().await?;
    existing(store, sources, &row.ok_or(SealError::Truncated)?, clock).await
}

#[cfg(feature = "sqlite")]
/// Checks that the key source opens a keyset, such as that of a backup.
pub(crate) async fn check_keyset(row: &KeysetRow, sources: &KeySources) -> Result<(), OpenKeyError> {
    agree(sources).await?;
    match row.wrapped().open(&*sources.used).await {
        Ok(_) => Ok(()),
        Err(error) => Err(source_with_key(sources, row, error.into()).await),
    }
}

async fn existing(
    store: &Store,
    sources: &KeySources,
    row: &KeysetRow,
    clock: Arc<dyn Clock>,
) -> Result<Sealer, OpenKeyError> {
    match row.wrapped().open(&*sources.used).await {
        Ok(found) => {
            let keys = Keys::new(row.store_id, &found.keyset)?;
            Ok(Sealer::new(keys, store.clone(), sources.used.clone(), clock))
        }
        Err(error) => Err(source_with_key(sources, row, error.into()).await),
    }
}

async fn first_row(source: &dyn KeySource, ids: &dyn IdGenerator, now: Timestamp) -> Result<KeysetRow, OpenKeyError> {
    let store_id = ids.next();
    let keyset = Keyset::fresh(now)?;
    let wrapped = keyset.wrapped_by(source, store_id, Slot::A).await?.into();
    Ok(KeysetRow { store_id, revision: 1, keys_revision: keyset.revision(), slot_a: Some(wrapped), slot_b: None })
}

/// Refuses configured sources that hold different keys. One of them is a mistake, and only a person knows which.
async fn agree(sources: &KeySources) -> Result<(), OpenKeyError> {
    let configured = sources.others.iter().filter(|other| other.configured).map(|other| &*other.source);
    for other in configured {
        let Some(other_id) = key_id_of(other).await else { continue };
        if let Some(have) = key_id_of(&*sources.used).await
            && have != other_id
        {
            return Err(disagree(&*sources.used, Some(have), other, other_id).into());
        }
    }
    Ok(())
}

/// Returns the error that names another source that holds the key, or `error` if none does.
async fn source_with_key(sources: &KeySources, row: &KeysetRow, error: OpenKeyError) -> OpenKeyError {
    let have = match &error {
        OpenKeyError::Seal(SealError::WrongKey { have, .. }) => Some(*have),
        OpenKeyError::Seal(SealError::NotWrapped { .. }) | OpenKeyError::Key(_) => None,
        _ => return error,
    };
    for other in &sources.others {
        if let Some(id) = key_id_of(&*other.source).await
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

/// Returns the id of the key of a source. A source that cannot be read does not prevent the use of another one.
async fn key_id_of(source: &dyn KeySource) -> Option<KeyId> {
    let key = source.load().await.unwrap_or_default()?;
    Some(KeyId::of(&key))
}
