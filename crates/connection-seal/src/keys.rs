//! The keys of one store, as a process holds them in memory.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::hmac;
use connection_contract::Secret;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::{KeyId, Keyset, Place, SealError, Sealed, data_key::DataKey, envelope, keyset::Status};

/// The keys of one store, which seal and open its values. Clones share the keys.
///
/// ```
/// use connection_contract::Timestamp;
/// use connection_seal::{Keys, Keyset, Place, SealError};
///
/// let keys = Keys::new(uuid::Uuid::from_u128(1), &Keyset::fresh(Timestamp::from_seconds(0))?)?;
/// let place = Place { table: "account", column: "token", key: b"ada", owner: "", kind: "", sequence: 1 };
/// let sealed = keys.seal(&place, b"secret")?;
/// assert_eq!(keys.open(&place, sealed.as_bytes())?.expose(), b"secret");
///
/// // A value that was moved into another row does not open.
/// let other = Place { key: b"bob", ..place };
/// assert_eq!(keys.open(&other, sealed.as_bytes()).unwrap_err(), SealError::Tampered { table: "account" });
/// # Ok::<(), SealError>(())
/// ```
#[derive(Clone)]
pub struct Keys {
    held: Arc<RwLock<Arc<LoadedKeys>>>,
}

struct LoadedKeys {
    store: Uuid,
    revision: i64,
    primary: DataKey,
    /// The keys that only open values.
    retired: Vec<DataKey>,
    mac: hmac::Key,
}

impl LoadedKeys {
    fn new(store: Uuid, keyset: &Keyset) -> Result<Self, SealError> {
        let mut primary = None;
        let mut retired = Vec::new();
        for entry in &keyset.entries {
            let key = DataKey::new(&entry.key)?;
            match entry.status {
                Status::Primary | Status::Fresh if primary.is_none() => primary = Some(key),
                _ => retired.push(key),
            }
        }
        let primary = primary.ok_or(SealError::UnknownFormat)?;
        let mac = hmac::Key::new(hmac::HMAC_SHA256, keyset.mac_key.expose_secret());
        Ok(Self { store, revision: keyset.revision, primary, retired, mac })
    }
}

impl Keys {
    /// Creates a handle with the keys of this keyset, for the store with this id.
    ///
    /// # Errors
    ///
    /// [`SealError::UnknownFormat`] if the keyset has no key that seals.
    pub fn new(store: Uuid, keyset: &Keyset) -> Result<Self, SealError> {
        Ok(Self { held: Arc::new(RwLock::new(Arc::new(LoadedKeys::new(store, keyset)?))) })
    }

    /// Seals a value for this place. It opens in no other place.
    ///
    /// # Errors
    ///
    /// [`SealError::TooLong`] if the value is too long, and [`SealError::Engine`] if the cryptography fails.
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        let held = self.loaded();
        envelope::seal(&held.primary, held.store, place, plain)
    }

    /// Opens a value that was sealed for this place. `sealed` may be any bytes.
    ///
    /// # Errors
    ///
    /// [`SealError::WrongKey`] if the value names a key that is not loaded. The other errors mean that the value was
    /// sealed for another place, or changed.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Secret, SealError> {
        let parts = envelope::parse(sealed)?;
        let held = self.loaded();
        let retired = held.retired.iter().find(|key| key.id == parts.key_id);
        envelope::open(retired.unwrap_or(&held.primary), held.store, place, &parts)
    }

    /// Returns a keyed hash of `bytes` for one purpose.
    ///
    /// The hash reveals nothing about the bytes, and stays the same for as long as the store exists.
    pub fn mac(&self, purpose: &'static str, bytes: &[u8]) -> [u8; 32] {
        self.named(purpose, |context| context.update(bytes))
    }

    /// Returns a keyed hash of several parts, as [`mac`](Self::mac) does. The length of each part is hashed before it.
    pub fn mac_of(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        self.named(purpose, |context| {
            for part in parts {
                context.update(&(part.len() as u64).to_be_bytes());
                context.update(part);
            }
        })
    }

    fn named(&self, purpose: &'static str, update: impl FnOnce(&mut hmac::Context)) -> [u8; 32] {
        let held = self.loaded();
        let mut context = hmac::Context::with_key(&held.mac);
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        update(&mut context);
        let tag = context.sign();
        let mut mac = [0; 32];
        for (to, from) in mac.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        mac
    }

    /// Returns the id of the key that seals.
    pub fn key_id(&self) -> KeyId {
        self.loaded().primary.id
    }

    /// Returns the revision of the keyset whose keys are loaded.
    pub fn revision(&self) -> i64 {
        self.loaded().revision
    }

    /// Returns the id of the store whose values these keys open.
    pub fn store_id(&self) -> Uuid {
        self.loaded().store
    }

    /// Replaces the loaded keys by those of this keyset, unless the loaded keys are of the same or a later revision.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`new`](Self::new). The loaded keys then stay as they are.
    pub fn take(&self, keyset: &Keyset) -> Result<(), SealError> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if keyset.revision > held.revision {
            *held = Arc::new(LoadedKeys::new(held.store, keyset)?);
        }
        Ok(())
    }

    fn loaded(&self) -> Arc<LoadedKeys> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("key", &self.key_id()).finish_non_exhaustive()
    }
}
