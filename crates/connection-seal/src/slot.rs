//! A keyset in its slot, encrypted with the key of a source or with a key that the source has wrapped.
//!
//! ```text
//! "CNXW" 4 | version 1 | length 2 | the wrapped key | envelope        for a source that wraps
//! envelope                                                           for a source that holds a key
//! ```
//!
//! A key management service therefore wraps 32 bytes, however many keys the keyset has. Each wrapping uses a new key.

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
/// The first bytes of a reference to a key in a keyring.
pub(super) const KEYRING: &[u8; 4] = b"CNXK";
/// The first bytes of a key that was wrapped with a passphrase.
pub(super) const PASSPHRASE: &[u8; 4] = b"CNXP";

/// The content of a slot, none of which is authenticated yet.
struct Content<'a> {
    /// The wrapped key; `None` if the source holds the key itself.
    wrapped: Option<&'a [u8]>,
    envelope: &'a [u8],
    key_id: KeyId,
}

/// The wrapped keyset of a store, as it is stored beside the values that it seals.
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
pub struct OpenedKeyset {
    /// The slot that held the keyset.
    pub slot: Slot,
    /// The keys that seal and open the values of the store.
    pub keyset: Keyset,
    /// The id of the key that unwraps the keyset.
    pub wrapped_by: KeyId,
}

impl WrappedKeyset {
    /// Creates the wrapped keyset of a store. `keys_revision` is the revision in the row, and an empty slot is `None`.
    pub const fn new(store_id: Uuid, keys_revision: i64, slot_a: Option<Vec<u8>>, slot_b: Option<Vec<u8>>) -> Self {
        Self { store_id, keys_revision, slot_a, slot_b }
    }

    /// Opens the slot that this source wrapped. If no slot opens, the error says which key is needed.
    ///
    /// # Errors
    ///
    /// [`KeysetError`], if the source fails or no slot opens. A slot whose keys are of another revision was put back
    /// from an older state, which is reported as [`SealError::Tampered`].
    pub async fn open(&self, source: &dyn KeySource) -> Result<OpenedKeyset, KeysetError> {
        find(source, self).await
    }

    /// Returns the names of the filled slots, each with the id of the key that wraps it (`None` for a damaged slot).
    pub fn slots(&self) -> Vec<(&'static str, Option<KeyId>)> {
        let id = |sealed: &[u8]| parse(sealed).ok().map(|content| content.key_id);
        slots(self).map(|(slot, sealed)| (slot.name(), id(sealed))).collect()
    }

    /// Returns the ids of the keys that wrap the slots. Damaged slots are left out.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        slots(self).filter_map(|(_, sealed)| parse(sealed).ok()).map(|content| content.key_id)
    }
}

impl Keyset {
    /// Wraps the keyset for a slot of a store. If the source holds no key, it creates one if it can.
    ///
    /// # Errors
    ///
    /// [`KeysetError`], if the source or the cryptography of the system fails.
    pub async fn wrapped_by(&self, source: &dyn KeySource, store: Uuid, slot: Slot) -> Result<Sealed, KeysetError> {
        wrap(source, self, store, slot).await
    }
}

fn slots(row: &WrappedKeyset) -> impl Iterator<Item = (Slot, &[u8])> {
    [(Slot::A, &row.slot_a), (Slot::B, &row.slot_b)]
        .into_iter()
        .filter_map(|(slot, sealed)| Some((slot, sealed.as_deref()?)))
}

async fn find(source: &dyn KeySource, row: &WrappedKeyset) -> Result<OpenedKeyset, KeysetError> {
    let found = match source.wrapper() {
        Some(wrapper) => find_wrapped(wrapper, row).await?,
        None => {
            let source_name = source.name();
            let found = match source.load().await? {
                Some(key) => find_held(&DataKey::new(&key)?, row).map_err(KeysetError::Seal),
                None => Err(KeyError::Missing { source_name: source_name.clone() }.into()),
            };
            // Restoring a key does not help if the database belongs to another type of source, so that is the error.
            found.map_err(|error| match of_another_sort(row) {
                Some(other) => KeyError::OtherSource { source_name, other }.into(),
                None => error,
            })?
        }
    };
    // A keyset that was put back from an older state lacks the keys of later rotations.
    if found.keyset.revision == row.keys_revision {
        Ok(found)
    } else {
        Err(SealError::Tampered { table: "connection_keyset" }.into())
    }
}

/// Returns the type of source that wrapped a key, as `key.source` names it.
pub(super) fn other_source(wrapped: &[u8]) -> &'static str {
    match wrapped.first_chunk() {
        Some(KEYRING) => "keyring",
        Some(PASSPHRASE) => "passphrase",
        _ => "command",
    }
}

/// Returns the type of source that opens every filled slot.
///
/// Returns `None` if the types differ, or if the bytes do not show them, as with a key that a command wrapped.
fn of_another_sort(row: &WrappedKeyset) -> Option<&'static str> {
    let mut found = None;
    for (_, sealed) in slots(row) {
        let other = parse(sealed).ok()?.wrapped.map(other_source)?;
        found = Some(other).filter(|other| *other != "command" && found.is_none_or(|found| found == *other));
        found?;
    }
    found
}

fn find_held(key: &DataKey, row: &WrappedKeyset) -> Result<OpenedKeyset, SealError> {
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

async fn find_wrapped(wrapper: &dyn KeyWrapper, row: &WrappedKeyset) -> Result<OpenedKeyset, KeysetError> {
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
            // Keep the error that the source gave for its own slot, because it matters more than the error for a slot
            // of another source.
            Err(KeyError::OtherSource { .. }) if matches!(refused, KeysetError::Key(_)) => {}
            // The source may have wrapped the other slot.
            Err(error) => refused = error.into(),
        }
    }
    Err(refused)
}

fn opened(key: &DataKey, row: &WrappedKeyset, slot: Slot, envelope: &[u8]) -> Result<OpenedKeyset, SealError> {
    Ok(OpenedKeyset { slot, keyset: Keyset::unwrap(key, row.store_id, slot, envelope)?, wrapped_by: key.id })
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
    let key = fresh().ok_or(SealError::Engine)?;
    let context = context(store);
    let wrapped = wrapper.wrap(&key, &context).await?;
    let length = u16::try_from(wrapped.len()).ok().filter(|_| wrapped.len() <= MAX_OUTPUT);
    let length = length.ok_or(SealError::TooLong)?;
    let sealing = DataKey::new(&key)?;
    let again = DataKey::new(&wrapper.unwrap(&wrapped, &context).await?)?;
    if again.id != sealing.id {
        // The source does not return the key that it wrapped, so nothing may be sealed with that key.
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
