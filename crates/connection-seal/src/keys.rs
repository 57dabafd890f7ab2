//! The keys of one store, in memory.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::hmac;
use connection_contract::Secret;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::{KeyId, Keyset, Place, SealError, Sealed, data_key::DataKey, envelope, keyset::Status};

/// Seals and opens with the keys of one store. Clones share the keys.
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
    held: Arc<RwLock<Arc<Held>>>,
}

struct Held {
    store: Uuid,
    revision: i64,
    primary: DataKey,
    /// The keys that open values and seal none.
    retired: Vec<DataKey>,
    mac: hmac::Key,
}

impl Held {
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
    /// Holds the keys of a keyset for the store with this id.
    ///
    /// # Errors
    ///
    /// [`SealError::UnknownFormat`] for a keyset without a key that seals.
    pub fn new(store: Uuid, keyset: &Keyset) -> Result<Self, SealError> {
        Ok(Self { held: Arc::new(RwLock::new(Arc::new(Held::new(store, keyset)?))) })
    }

    /// Seals a value for this place alone.
    ///
    /// # Errors
    ///
    /// [`SealError::TooLong`], and [`SealError::Engine`].
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        let held = self.held();
        envelope::seal(&held.primary, held.store, place, plain)
    }

    /// Opens a value that was sealed for this place. Any bytes may be given.
    ///
    /// # Errors
    ///
    /// [`SealError::WrongKey`] when the value names a key that is not held here; the other errors say that the value
    /// was sealed for another place, or changed.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Secret, SealError> {
        let parts = envelope::parse(sealed)?;
        let held = self.held();
        let retired = held.retired.iter().find(|key| key.id == parts.key_id);
        envelope::open(retired.unwrap_or(&held.primary), held.store, place, &parts)
    }

    /// Returns a name for bytes that tells nothing of them and stays the same for as long as the store lives.
    pub fn mac(&self, purpose: &'static str, bytes: &[u8]) -> [u8; 32] {
        self.named(purpose, |context| context.update(bytes))
    }

    /// Like [`mac`](Self::mac) of several parts, each with its length before it.
    pub fn mac_of(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        self.named(purpose, |context| {
            for part in parts {
                context.update(&(part.len() as u64).to_be_bytes());
                context.update(part);
            }
        })
    }

    fn named(&self, purpose: &'static str, update: impl FnOnce(&mut hmac::Context)) -> [u8; 32] {
        let held = self.held();
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

    /// The id of the key that seals.
    pub fn key_id(&self) -> KeyId {
        self.held().primary.id
    }

    /// The revision of the keyset that is held.
    pub fn revision(&self) -> i64 {
        self.held().revision
    }

    /// The id of the store whose values these keys open.
    pub fn store_id(&self) -> Uuid {
        self.held().store
    }

    /// Holds the keys of this keyset from now on, unless newer ones are held already.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); then the keys stay as they are.
    pub fn take(&self, keyset: &Keyset) -> Result<(), SealError> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if keyset.revision > held.revision {
            *held = Arc::new(Held::new(held.store, keyset)?);
        }
        Ok(())
    }

    fn held(&self) -> Arc<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("key", &self.key_id()).finish_non_exhaustive()
    }
}
