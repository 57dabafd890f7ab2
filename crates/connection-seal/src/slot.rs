//! A keyset in its slot: under the key of a source, or under one that the source has wrapped.
//!
//! ```text
//! "CNXW" 4 | version 1 | length 2 | the wrapped key | envelope        for a source that wraps
//! envelope                                                           for a source that holds a key
//! ```
//!
//! So a service of keys is given 32 bytes and no more, however many keys there are; each time others.

use uuid::Uuid;

use super::{
    KeyContext, KeyError, KeyId, KeySource, KeyWrapper, KeysetError, SealError, Sealed,
    data_key::DataKey,
    envelope,
    key_command::MAX_OUTPUT,
    key_file::fresh,
    keyset::{Keyset, Slot},
};

const MAGIC: &[u8; 4] = b"CNXW";
const VERSION: u8 = 1;
/// The first bytes of the name of a key in a keyring.
pub(super) const KEYRING: &[u8; 4] = b"CNXK";
/// The first bytes of a key that was wrapped with a passphrase.
pub(super) const PASSPHRASE: &[u8; 4] = b"CNXP";

/// What is in a slot, none of it believed yet.
struct Content<'a> {
    /// For a source that wraps.
    wrapped: Option<&'a [u8]>,
    envelope: &'a [u8],
    key_id: KeyId,
}

/// The wrapped keyset of a store, as it is kept beside what it seals.
#[derive(Clone, Debug)]
pub struct WrappedKeyset {
    store_id: Uuid,
    keys_revision: i64,
    slot_a: Option<Vec<u8>>,
    slot_b: Option<Vec<u8>>,
}

/// A keyset, and the slot in which it was found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found {
    /// The slot.
    pub slot: Slot,
    /// What it held.
    pub keyset: Keyset,
    /// The key that unwraps it.
    pub wrapped_by: KeyId,
}

impl WrappedKeyset {
    /// The keyset of the store with this id, whose keys have this revision. An empty slot is `None`.
    pub const fn new(store_id: Uuid, keys_revision: i64, slot_a: Option<Vec<u8>>, slot_b: Option<Vec<u8>>) -> Self {
        Self { store_id, keys_revision, slot_a, slot_b }
    }

    /// Opens the slot that this source wrapped. The error tells which key is needed when there is none.
    ///
    /// # Errors
    ///
    /// [`KeysetError`]: the source, or what is in the slots. A slot whose keys are of another revision was put back from
    /// an older state, and is [`SealError::Tampered`].
    pub async fn open(&self, source: &dyn KeySource) -> Result<Found, KeysetError> {
        find(source, self).await
    }

    /// The slots that are filled, by name, with the key that wraps each; `None` for a damaged one.
    pub fn slots(&self) -> Vec<(&'static str, Option<KeyId>)> {
        let id = |sealed: &[u8]| parse(sealed).ok().map(|content| content.key_id);
        slots(self).map(|(slot, sealed)| (slot.name(), id(sealed))).collect()
    }

    /// The keys by which the slots are wrapped, as far as they can be told.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        slots(self).filter_map(|(_, sealed)| parse(sealed).ok()).map(|content| content.key_id)
    }
}

impl Keyset {
    /// Wraps the keyset for a slot of a store. The source makes a key if it has none and can.
    ///
    /// # Errors
    ///
    /// [`KeysetError`]: the source, or the cryptography of the system.
    pub async fn wrapped_by(&self, source: &dyn KeySource, store: Uuid, slot: Slot) -> Result<Sealed, KeysetError> {
        wrap(source, self, store, slot).await
    }
}

fn slots(row: &WrappedKeyset) -> impl Iterator<Item = (Slot, &[u8])> {
    [(Slot::A, &row.slot_a), (Slot::B, &row.slot_b)]
        .into_iter()
        .filter_map(|(slot, sealed)| Some((slot, sealed.as_deref()?)))
}

async fn find(source: &dyn KeySource, row: &WrappedKeyset) -> Result<Found, KeysetError> {
    let found = match source.wrapper() {
        Some(wrapper) => find_wrapped(wrapper, row).await?,
        None => {
            let source_name = source.name();
            let found = match source.load().await? {
                Some(key) => find_held(&DataKey::new(&key)?, row).map_err(KeysetError::Seal),
                None => Err(KeyError::Missing { source_name: source_name.clone() }.into()),
            };
            // A key that is restored helps nobody whose database is of another sort of source.
            found.map_err(|error| match of_another_sort(row) {
                Some(other) => KeyError::OtherSource { source_name, other }.into(),
                None => error,
            })?
        }
    };
    // One that was put back lacks the keys that came after it.
    if found.keyset.revision == row.keys_revision {
        Ok(found)
    } else {
        Err(SealError::Tampered { table: "connection_keyset" }.into())
    }
}

/// The sort of source that wrapped a key, as `key.source` names it.
pub(super) fn other_source(wrapped: &[u8]) -> &'static str {
    match wrapped.first_chunk() {
        Some(KEYRING) => "keyring",
        Some(PASSPHRASE) => "passphrase",
        _ => "command",
    }
}

/// The sort of source that opens every filled slot, where the bytes tell it: of what a command wrapped they do not.
fn of_another_sort(row: &WrappedKeyset) -> Option<&'static str> {
    let mut found = None;
    for (_, sealed) in slots(row) {
        let other = parse(sealed).ok()?.wrapped.map(other_source)?;
        found = Some(other).filter(|other| *other != "command" && found.is_none_or(|found| found == *other));
        found?;
    }
    found
}

fn find_held(key: &DataKey, row: &WrappedKeyset) -> Result<Found, SealError> {
    let mut refused = SealError::Truncated;
    for (slot, sealed) in slots(row) {
        match parse(sealed) {
            Ok(content) if content.wrapped.is_none() && content.key_id == key.id => {
                return opened(key, row, slot, content.envelope);
            }
            Ok(content) => refused = SealError::WrongKey { have: key.id, need: content.key_id },
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

async fn find_wrapped(wrapper: &dyn KeyWrapper, row: &WrappedKeyset) -> Result<Found, KeysetError> {
    let mut refused = KeysetError::Seal(SealError::Truncated);
    for (slot, sealed) in slots(row) {
        let content = match parse(sealed) {
            Ok(content) => content,
            Err(error) => {
                refused = error.into();
                continue;
            }
        };
        let Some(wrapped) = content.wrapped else {
            refused = SealError::NotWrapped { need: content.key_id }.into();
            continue;
        };
        match wrapper.unwrap(wrapped, &context(row.store_id)).await {
            Ok(key) => {
                let key = DataKey::new(&key)?;
                if key.id == content.key_id {
                    return Ok(opened(&key, row, slot, content.envelope)?);
                }
                refused = SealError::WrongKey { have: key.id, need: content.key_id }.into();
            }
            // What the source says of its own slot is told, and not that the other slot is of another source.
            Err(KeyError::OtherSource { .. }) if matches!(refused, KeysetError::Key(_)) => {}
            // The other slot may be its own.
            Err(error) => refused = error.into(),
        }
    }
    Err(refused)
}

fn opened(key: &DataKey, row: &WrappedKeyset, slot: Slot, envelope: &[u8]) -> Result<Found, SealError> {
    Ok(Found { slot, keyset: Keyset::unwrap(key, row.store_id, slot, envelope)?, wrapped_by: key.id })
}

async fn wrap(source: &dyn KeySource, keyset: &Keyset, store: Uuid, slot: Slot) -> Result<Sealed, KeysetError> {
    let Some(wrapper) = source.wrapper() else {
        let key = match source.load().await? {
            Some(key) => key,
            None => match source.create().await {
                Err(KeyError::Exists { source_name }) => {
                    source.load().await?.ok_or(KeyError::Missing { source_name })?
                }
                made => made?,
            },
        };
        return Ok(keyset.wrap(&DataKey::new(&key)?, store, slot)?);
    };
    let (key, context) = (fresh().ok_or(SealError::Engine)?, context(store));
    let wrapped = wrapper.wrap(&key, &context).await?;
    let length = u16::try_from(wrapped.len()).ok().filter(|_| wrapped.len() <= MAX_OUTPUT);
    let length = length.ok_or(SealError::TooLong)?;
    let sealing = DataKey::new(&key)?;
    let again = DataKey::new(&wrapper.unwrap(&wrapped, &context).await?)?;
    if again.id != sealing.id {
        // What it wraps it does not give back: nothing may be kept by it.
        return Err(KeyError::Malformed { source_name: source.name() }.into());
    }
    let envelope = keyset.wrap(&sealing, store, slot)?;
    let parts = [&MAGIC[..], &[VERSION], &length.to_be_bytes(), &wrapped, envelope.as_bytes()];
    Ok(Sealed::of_parts(&parts))
}

fn parse(bytes: &[u8]) -> Result<Content<'_>, SealError> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Ok(Content { wrapped: None, envelope: bytes, key_id: envelope::parse(bytes)?.key_id });
    };
    let (version, rest) = rest.split_first_chunk().ok_or(SealError::Truncated)?;
    if *version != [VERSION] {
        return Err(SealError::UnknownFormat);
    }
    let (length, rest) = rest.split_first_chunk().ok_or(SealError::Truncated)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (wrapped, envelope) = rest.split_at_checked(length).ok_or(SealError::Truncated)?;
    Ok(Content { wrapped: Some(wrapped), envelope, key_id: envelope::parse(envelope)?.key_id })
}

fn context(store: Uuid) -> KeyContext {
    KeyContext { app: "connections", store_id: store.to_string() }
}
